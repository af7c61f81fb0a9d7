"""Every benchmark that can be started runs to its end, on small photos and once."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from PIL import Image

from benchmarks.setting import QUICK, RESULTS
from benchmarks.sheets import WIDTH

ROOT = Path(__file__).parents[2]
MODELS = ("default", "deeplabv3plus_mobilenet_v2")
SMOKE_TESTED = {
    "benchmarks", "benchmarks.compare", "benchmarks.models", "benchmarks.pictures",
    "benchmarks.page_pictures", "benchmarks.serve", "benchmarks.styles", "benchmarks.video",
}  # fmt: skip
BY_HAND = {"benchmarks.edge", "benchmarks.page_screenshots", "benchmarks.report_screenshot"}
"""These need a browser, and the first two a site or a service that runs."""
IMAGES = ROOT / "docs" / "images"
SCREENSHOTS = {"page.webp", "page_phone.webp", "report.webp"}
PAGE = ROOT / "engine" / "serve" / "page"
LARGEST_IMAGES = 1_400_000  # bytes: everybody who clones the repository gets them


def run(*arguments):
    """The output of a benchmark that leaves the committed results as they are."""
    before = {path: path.stat().st_mtime_ns for path in RESULTS.iterdir()}
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments), "--quick"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path: path.stat().st_mtime_ns for path in RESULTS.iterdir()} == before
    assert QUICK in done.stdout
    return done.stdout


def test_each_entry_point_has_a_smoke_test():
    folder = ROOT / "benchmarks"
    modules = [
        path for path in folder.rglob("*.py") if '__name__ == "__main__"' in path.read_text()
    ]
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules}
    assert {name.removesuffix(".__main__") for name in names} == SMOKE_TESTED | BY_HAND


@pytest.mark.slow
def test_kernels_are_measured_beside_the_reference(tmp_path):
    pytest.importorskip("pytest_benchmark")
    run("benchmarks", "--out", tmp_path)
    measured = json.loads((tmp_path / "bench.json").read_text())["benchmarks"]
    files = {benchmark["fullname"].split("::")[0] for benchmark in measured}
    assert files == {f"benchmarks/{path.name}" for path in (ROOT / "benchmarks").glob("bench_*.py")}
    table = (tmp_path / "bench.md").read_text()
    assert "| reference |" in table
    assert table.endswith(f"{QUICK}\n")


@pytest.mark.slow
def test_models_are_measured_in_turn():
    lines = run("benchmarks.models", *MODELS).splitlines()
    assert [line.split(" at ")[0] for line in lines[: len(MODELS)]] == [*MODELS]


@pytest.mark.slow
def test_styles_are_shown_side_by_side_whatever_one_photo_is(tmp_path, astronaut):
    pytest.importorskip("cpuinfo")
    photos, sheets = tmp_path / "photos", tmp_path / "sheets"
    photos.mkdir()
    Image.fromarray(astronaut[::2, ::2]).save(photos / "person.png")
    Image.new("RGB", (64, 48)).save(photos / "nobody.png")
    (photos / "broken.jpg").write_bytes(b"broken")
    out = run("benchmarks.styles", photos, "-o", sheets, "--faces")
    assert "Photos: 1, left out: 2" in out
    found = json.loads((sheets / "styles.json").read_text())
    assert set(found["left_out"]) == {str(photos / "nobody.png"), str(photos / "broken.jpg")}
    (numbers,) = found["photos"].values()
    assert list(numbers) == ["classic", "comic", "poster", "ink"]
    assert all(style["ssim"] > 0.3 for style in numbers.values())
    for name in ("sheet_01.png", "faces_01.png"):
        assert cv2.imread(str(sheets / name)).shape[1] > 6 * WIDTH
    assert (sheets / "styles.md").read_text().endswith(f"{QUICK}\n")


@pytest.mark.slow
def test_the_pictures_of_the_documentation_are_made_by_one_command(tmp_path):
    run("benchmarks.pictures", "--out", tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    assert made | SCREENSHOTS == {path.name for path in IMAGES.iterdir()}
    assert sum(path.stat().st_size for path in IMAGES.iterdir()) < LARGEST_IMAGES


@pytest.mark.slow
def test_the_pictures_of_the_page_are_made_by_one_command(tmp_path):
    command = [sys.executable, "-m", "benchmarks.page_pictures", "--out", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True)
    pictures = {path.name for path in PAGE.iterdir() if path.suffix in (".jpg", ".webp")}
    assert {path.name for path in tmp_path.iterdir()} == pictures


@pytest.mark.slow
def test_videos_are_measured_frame_by_frame_and_steadied(tmp_path, person_photo):
    pytest.importorskip("av", reason="the video extra is not installed")
    frames, masks = tmp_path / "clip" / "frames", tmp_path / "clip" / "masks"
    for folder in (frames, masks):
        folder.mkdir(parents=True)
        for t in range(2):
            Image.fromarray(person_photo).save(folder / f"{t:05}.png")
    out = run("benchmarks.video", "--clips", tmp_path)
    rows = [line.split(" | ") for line in out.splitlines() if line.startswith("| still |")]
    bounds = ["moved exactly", "off by 0.2 pixels", "off by 0.4 pixels"]
    assert [row[1] for row in rows] == ["frame by frame", *bounds, "steadied", "every 2"]
    assert "| whole run, every 2 |" in out


@pytest.mark.slow
def test_the_service_is_measured_beside_the_batch():
    pytest.importorskip("fastapi", reason="the serve extra is not installed")
    found = json.loads(run("benchmarks.serve", "--json").splitlines()[0])
    assert found["soak"]["wrong answers"] == 0
    assert sum(found["soak"]["statuses"].values()) == found["soak"]["requests"] == 60
    assert found["latency"]["p50, ms"] <= found["latency"]["p99, ms"]
    assert found["throughput"]["service, photos per second"] > 0


@pytest.mark.slow
@pytest.mark.torch
def test_the_engine_is_measured_beside_what_would_be_run_instead(tmp_path):
    # Not torchvision itself, which export.vision can import beside any build of torch.
    for package in ("torch", "export.vision", "onnxscript", "cpuinfo"):
        pytest.importorskip(package, reason="the export extra is not installed")
    out = run("benchmarks.compare", "--out", tmp_path)
    rows = json.loads((tmp_path / "compare.json").read_text())["rows"]
    table = (tmp_path / "compare.md").read_text()
    assert all(row["what"] in out and row["what"] in table for row in rows)
    assert not any(row["target"] for row in rows)
    for what in ("k_histogram", "int8", "folder of", "--help", "spinning off"):  # one per section
        assert any(what in row["what"] for row in rows)
    assert table.endswith(f"{QUICK}\n")
