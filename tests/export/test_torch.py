"""The embedded graph is the torch network of export/network.py, end to end."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine
from engine.segment.preprocess import classic_size, to_tensor
from engine.segment.session import open_session
from export.verify import RTOL, SIZES, compare

pytestmark = pytest.mark.torch

CHECKPOINT = Path(__file__).parents[3] / "shared" / "models" / "deeplabv3_mobilenet_v2.safetensors"


@pytest.fixture(scope="module")
def session():
    return open_session("deeplabv3plus_mobilenet_v2", "cpu", 2)


def torch_logits(network, tensor):
    import torch

    from export.network import LogitsOnly

    with torch.no_grad():
        return LogitsOnly(network)(torch.from_numpy(tensor)).numpy()


def assert_same_logits(network, session, size):
    tensor = np.random.default_rng(size[0]).uniform(-1, 1, (1, 3, *size)).astype(np.float32)
    proof = compare(torch_logits(network, tensor), session.run(tensor), size, RTOL)
    assert proof.relative_error <= RTOL
    assert proof.unexplained == 0


@pytest.mark.parametrize("size", SIZES)
def test_graph_equals_torch_with_the_graphs_weights(session, small_network, size):
    assert_same_logits(small_network, session, size)


def test_version_0_fits_and_gives_its_logits_through_the_untrained_decoder():
    if not CHECKPOINT.is_file():
        pytest.skip("the checkpoint that training started from is not at hand")
    import torch

    from export.checkpoint import load_weights
    from export.network import LogitsOnly, find_recipe

    networks = []
    for name in ("deeplabv3_mobilenet_v2", "deeplabv3plus_mobilenet_v2"):
        recipe = find_recipe(name)
        networks.append(recipe.build().eval())
        load_weights(networks[-1], recipe, str(CHECKPOINT), new_part="classifier.decoder.")
    tensor = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (1, 3, 97, 129))).float()
    with torch.no_grad():
        plain, fine = (LogitsOnly(network)(tensor) for network in networks)
    assert fine.shape[2:] == (25, 33)
    assert torch.allclose(fine[..., ::4, ::4], plain, atol=1e-4)


def test_the_network_without_its_decoder_takes_the_same_weights(small_network):
    from export.checkpoint import load_weights
    from export.network import find_recipe

    recipe = find_recipe("deeplabv3_mobilenet_v2")
    network = recipe.build()
    load_weights(network, recipe, "default")
    wanted = small_network.state_dict()
    assert all((value == wanted[key]).all() for key, value in network.state_dict().items())


@pytest.mark.parametrize("shape", [(512, 512), (300, 512), (512, 200)])
def test_classic_labels_equal_torch_from_photo_to_label_map(small_network, astronaut, facts, shape):
    """Photo, Pillow's resize, torch's own ['out'], argmax; against the engine's label map."""
    import torch

    photo = np.ascontiguousarray(astronaut[: shape[0], : shape[1]])
    classic = engine.SegmentOptions(classic=True)
    result = engine.load("deeplabv3plus_mobilenet_v2", provider="cpu", segment=classic)(photo)
    height, width = classic_size(*shape)
    resized = np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.BILINEAR))
    tensor = torch.from_numpy((resized.transpose(2, 0, 1) / 255 - 0.5) / 0.5)[None].float()
    assert np.allclose(tensor.numpy(), to_tensor(resized, facts), atol=1e-6)
    with torch.no_grad():
        out = small_network(tensor)["out"].numpy()
    expected = out.argmax(axis=1)[0]
    differs = expected != result.label_map
    assert differs.mean() <= 0.0005
    best = np.sort(out[0], axis=0)
    assert (best[-1] - best[-2])[differs].max(initial=0) <= 2 * RTOL * np.abs(out).max()


def test_the_network_is_as_small_as_promised(small_network):
    assert sum(p.numel() for p in small_network.parameters()) == 2_642_442
