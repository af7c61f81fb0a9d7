"""torchvision beside a torch that its operators were not built for."""

import subprocess
import sys

SCRIPT = """
import torch
load = torch.ops.load_library
def refuse(path):
    raise OSError("libcudart.so: cannot open shared object file")
torch.ops.load_library = refuse
from export.vision import segmentation
print(segmentation.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None)(
    torch.zeros(2, 3, 33, 33))["out"].shape)
"""


def test_networks_are_built_without_torchvisions_operators():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "torch.Size([2, 21, 33, 33])\n"
