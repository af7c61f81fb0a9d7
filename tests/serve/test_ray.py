"""The example that runs the service on a Ray cluster, on a cluster of this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRY = """
import sys, time
import httpx
import ray
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
from ray import serve
import ray_serve
serve.run(ray_serve.app)
photo = open(sys.argv[1], "rb").read()
client = httpx.Client(base_url="http://127.0.0.1:8000", timeout=120)
end = time.monotonic() + 240
while client.get("/readyz").status_code != 200 and time.monotonic() < end:
    time.sleep(0.5)
answer = client.post("/v1/cartoon", content=photo)
kept = client.post("/v1/photos", content=photo).json()["id"]
again = client.post(f"/v1/photos/{kept}/cartoon")
assert answer.status_code == 200 and again.content == answer.content, answer.text
assert client.post("/v1/cartoon", content=b"hello").status_code == 415
assert "Cartoonify" in client.get("/").text
open(sys.argv[2], "wb").write(answer.content)
serve.shutdown()
"""


@pytest.mark.ray
@pytest.mark.slow
def test_the_example_serves_the_engines_bytes_on_a_local_cluster(embedded, person, tmp_path):
    pytest.importorskip("ray", reason="the ray extra is not installed")
    pytest.importorskip("grpc", reason="ray[serve] is not installed")
    photo, toon = tmp_path / "me.png", tmp_path / "toon.png"
    photo.write_bytes(person)
    folders = os.pathsep.join(map(str, (ROOT, ROOT / "examples")))
    environment = os.environ | {"PYTHONPATH": folders, "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run(
        [sys.executable, "-c", TRY, photo, toon], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert toon.read_bytes() == embedded(person).encode("cartoon")
