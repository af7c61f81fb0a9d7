"""The report of a run, and of an evaluation."""

import csv
import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.folders import tree

pytest.importorskip("matplotlib", reason="the report extra is not installed")


@pytest.fixture
def report(cartoonify, tmp_path, person_photo):
    """The folder of a run over three photos, one without a person, and a broken one."""
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(person_photo).save(photos / "a <b> & 'c'.png")
    Image.fromarray(np.roll(person_photo, 30, axis=0)).save(photos / "two.png")
    Image.new("RGB", (60, 40), "green").save(photos / "nobody.png")
    (photos / "broken.png").write_bytes(b"no picture")
    assert cartoonify("photos", "--report", "--figures", "-q")[0] == 1
    return tmp_path / "out"


def test_json_and_csv_hold_what_is_needed(report):
    facts = json.loads((report / "report.json").read_text())
    assert facts["summary"]["photos"] == 4
    assert facts["summary"]["failed"] == 1
    names = {photo["photo"].rpartition("/")[2]: photo for photo in facts["photos"]}
    assert "not a picture" in names["broken.png"]["error"]
    assert names["nobody.png"]["warnings"] == ["no person found, nothing is kept"]
    assert facts["settings"]["cutout"]["edges"] == "refined"
    assert facts["settings"]["versions"]["numpy"] == np.__version__
    with open(report / "report.csv", newline="") as file:
        rows = {row["photo"].rpartition("/")[2]: row for row in csv.DictReader(file)}
    assert rows["two.png"]["width"] == "210"
    ssim = names["two.png"]["metrics"]["ssim"]
    assert float(rows["two.png"]["ssim"]) == ssim
    kept = [photo for photo in facts["photos"] if photo.get("share")]
    expected = [photo["metrics"]["ssim"] for photo in kept]
    assert (facts["summary"]["empty"], len(expected)) == (1, 2)
    assert math.isclose(facts["summary"]["mean"]["ssim"], sum(expected) / len(expected))


def test_figures_are_files(report):
    names = tree(report / "figures")
    assert {"metrics.png", "sheet_photo.png", "sheet_cutout.png", "sheet_cartoon.png"} < set(names)
    assert sum(name.endswith("_palette.png") for name in names) == 2  # nobody has no colours
    for name in names:
        with Image.open(report / "figures" / name) as image:
            image.load()


def test_a_resumed_run_reports_all_photos(report, cartoonify, tmp_path):
    Image.new("RGB", (60, 40), "red").save(tmp_path / "photos" / "broken.png")
    assert cartoonify("photos", "--report", "--resume", "-q")[0] == 0
    facts = json.loads((report / "report.json").read_text())
    assert (facts["summary"]["done"], facts["summary"]["failed"]) == (4, 0)
    page = (report / "report.html").read_text()
    assert page.count('alt="cartoon of ') == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("me.png", "-o", "x.png"), "needs a folder"), (("photos", "--watch"), "a run that ends")],
)
def test_a_report_wants_a_folder_and_an_end(cartoonify, tmp_path, person_photo, arguments, words):
    (tmp_path / "photos").mkdir()
    Image.fromarray(person_photo).save(tmp_path / "me.png")
    code, _, err = cartoonify(*arguments, "--report")
    assert code == 2
    assert words in err


def test_any_name_is_drawn(cartoonify, tmp_path, person_photo):
    (tmp_path / "photos").mkdir()
    for name in (b"a $\\bad{$ x.png", b"bad\xff.png"):
        Image.fromarray(person_photo).save(os.fsencode(tmp_path / "photos") + b"/" + name)
    assert cartoonify("photos", "--report", "-q")[0] == 0
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.parametrize("name", ["report.csv", "report.html", "report.json", "figures"])
def test_files_of_others_are_kept(cartoonify, tmp_path, person_photo, name):
    Image.fromarray(person_photo).save(tmp_path / "me.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    code, _, err = cartoonify("me.png", "--report", "--figures")
    assert code == 3
    assert f"{name}: exists already, and is kept" in err
    assert tree(tmp_path / "out") == [name]


@pytest.mark.parametrize("protocol", ["full", "document", "single"])
@pytest.mark.slow
def test_evaluate_prints_means_and_writes_a_report(tmp_path, person_photo, tiny_model, protocol):
    Image.fromarray(person_photo).save(tmp_path / "one.png")
    Image.fromarray(person_photo[::-1].copy()).save(tmp_path / "two.png")
    done = subprocess.run(
        [sys.executable, "-m", "engine.evaluate", str(tmp_path), "--protocol", protocol,
         "--model", str(tiny_model), "-o", str(tmp_path / "report")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "mean of 2 photos  mse " in done.stdout
    assert "worst: " in done.stdout
    facts = json.loads((tmp_path / "report" / "report.json").read_text())
    assert facts["settings"]["protocol"] == protocol
    metrics = facts["photos"][0]["metrics"]
    assert ("full_ssim" in metrics) == (protocol != "full")
    assert 0 < metrics["ssim"] <= 1


def test_evaluate_measures_the_document_s_way(tiny, person_photo):
    import engine
    from engine.cli.evaluate import PROTOCOLS

    page, cartoon = PROTOCOLS["document"](tiny(person_photo))
    assert page.shape == cartoon.shape == (288, 432, 3)
    assert (page[:, :5] == 255).all()  # 210 x 150 fits in with white beside it
    assert (cartoon[..., ::-1] == engine.cartoonize(page[..., ::-1])).all()
