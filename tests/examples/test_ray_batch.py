"""The pipeline on a Ray cluster of this machine."""

import os
import subprocess
import sys

import pytest
from PIL import Image

from tests.examples.conftest import ROOT

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_each_photo_becomes_a_row_and_a_broken_one_too(embedded, astronaut, tmp_path):
    pytest.importorskip("ray", reason="the ray extra is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="the ray extra is not installed")
    photos, toons = tmp_path / "photos", tmp_path / "toons"
    photos.mkdir()
    for number in range(3):
        Image.fromarray(astronaut[::2, 20 * number :: 2]).save(photos / f"{number}.png")
    (photos / "broken.png").write_bytes(b"hello")
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "ray_batch.py", photos, toons],
        env=os.environ | {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    rows = {os.path.basename(row["path"]): row for row in parquet.read_table(toons).to_pylist()}
    assert sorted(rows) == ["0.png", "1.png", "2.png", "broken.png"]
    assert "not a picture" in rows["broken.png"]["problem"]
    assert rows["broken.png"]["cartoon"] == b""
    expected = embedded(photos / "1.png")
    assert rows["1.png"]["cartoon"] == expected.encode("cartoon")
    assert rows["1.png"]["palette"] == expected.palette.by_share
    assert rows["1.png"]["share"] == pytest.approx(expected.share)
