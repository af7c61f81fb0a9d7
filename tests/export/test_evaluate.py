"""The figures of a model, from the command line."""

import csv
import json

import cv2
import numpy as np
import pytest
import typer

import engine
from engine.errors import OptionError
from export.evaluate import main
from export.overlap import Overlap
from export.photos import PERSON, VOID
from export.training.batches import read_index
from export.worst import LEFT_OVER, MISSED, UNKNOWN, draw_errors
from tests.tiny_model import FACTS, write_tiny_model


@pytest.fixture
def discs(tmp_path):
    """Two red discs on green with their masks, which the tiny model finds, and an empty photo."""
    for folder in ("photos", "masks"):
        (tmp_path / folder).mkdir()
    rows = []
    for name, radius, labels in (("a", 40, "all"), ("b", 30, "person"), ("c", 0, "person")):
        photo, mask = (
            np.full((120, 160, 3), (10, 120, 10), np.uint8),
            np.zeros((120, 160), np.uint8),
        )
        if radius:
            cv2.circle(photo, (80, 60), radius, (20, 20, 250), -1)  # OpenCV writes B, G, R
            cv2.circle(mask, (80, 60), radius, PERSON, -1)
        cv2.imwrite(str(tmp_path / "photos" / f"{name}.jpg"), photo)
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), mask)
        source = "empty" if radius == 0 else "discs"
        rows.append({"name": name, "source": source, "split": "val", "labels": labels})
    with (tmp_path / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


@pytest.fixture
def run(capsys):
    app = typer.Typer(add_completion=False)
    app.command()(main)

    def run_it(*words):
        with pytest.raises(SystemExit) as ended:
            app([str(word) for word in words])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return run_it


def test_json_has_all_figures_and_none_where_nobody_is(run, discs, tiny_model):
    code, out, _ = run("--data", discs, "--model", tiny_model, "--json")
    assert code == 0
    figures = json.loads(out, parse_constant=pytest.fail)
    discs_row, empty = figures["sources"]["discs"], figures["sources"]["empty"]
    assert discs_row["photos"] == 2
    assert 0.8 < discs_row["iou"] <= 1
    assert empty["iou"] is None
    assert figures["sources"]["all"]["iou"] == discs_row["iou"]
    assert 0.8 < figures["mean_iou"] <= 1


def test_a_precise_look_has_figures_of_its_own(run, discs, tiny_model):
    words = ("--data", discs, "--model", tiny_model, "--json")
    first, precise = (json.loads(run(*words, *more)[1])["sources"] for more in ((), ["--precise"]))
    assert 0.8 < precise["discs"]["iou"] < 1
    assert precise["discs"]["iou"] != first["discs"]["iou"]
    assert precise["empty"] == first["empty"]


def test_the_table_is_for_people(run, discs, tiny_model):
    code, out, _ = run("--data", discs, "--model", tiny_model)
    assert code == 0
    assert "| empty | 1 | none | none | none | none |" in out
    assert "mean IoU of the 21 classes" in out
    assert "over the 1 photos" in out.replace("\n", " ")


def test_classes_of_another_kind_have_no_mean(run, discs, tmp_path):
    classes = ["background", "aeroplane", "person", *FACTS["classes"][3:15], "other"]
    path = write_tiny_model(tmp_path / "own.onnx", FACTS | {"classes": classes}, classes=16)
    code, out, _ = run("--data", discs, "--model", path, "--json")
    assert code == 0
    assert json.loads(out)["mean_iou"] is None


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--every", "0"), "at least 1"),
        (("--count", "0"), "at least 1"),
        (("--split", "test"), "no test photos"),
        (("--model", "nowhere"), "no such name"),
    ],
)
def test_wrong_words_end_in_one_line(run, discs, words, reason):
    code, _, err = run("--data", discs, *words)
    assert code in (OptionError.exit_code, 4)
    assert reason in err
    assert err.count("\n") == 1


def test_the_worst_photos_are_written_by_rank(run, discs, tiny_model):
    mask = discs / "masks" / "b.png"
    cv2.imwrite(str(mask), np.roll(cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE), 20, axis=1))
    folder = discs / "worst"
    code, _, _ = run("--data", discs, "--model", tiny_model, "--worst", folder)
    assert code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["01_discs_b.png", "02_discs_a.png"]
    photo, truth, found, errors = np.split(cv2.imread(str(folder / "01_discs_b.png")), 4, axis=1)
    assert (photo == cv2.imread(str(discs / "photos" / "b.jpg"))).all()
    assert (truth[60, 105] == photo[60, 105]).all()
    assert (truth[60, 55] == 255).all()
    assert (found[60, 55] == photo[60, 55]).all()
    assert (found[60, 125] == 255).all()
    assert errors[60, 55].argmax() == 0  # blue, in OpenCV's order
    assert errors[60, 125].argmax() == 2


def test_only_so_many_of_the_worst_are_written(run, discs, tiny_model):
    run("--data", discs, "--model", tiny_model, "--worst", discs / "worst", "--count", 1)
    assert len(list((discs / "worst").iterdir())) == 1


def test_a_source_in_the_index_leads_nowhere_else(run, discs, tiny_model):
    index = discs / "index.csv"
    index.write_text(index.read_text().replace("discs", "../../discs"))
    code, _, _ = run("--data", discs, "--model", tiny_model, "--worst", discs / "worst")
    assert code == 0
    names = {path.name[2:] for path in (discs / "worst").iterdir()}
    assert names == {"__discs_a.png", "__discs_b.png"}


def test_what_is_unknown_is_no_error():
    photo = np.full((2, 2, 3), 90, np.uint8)
    truth = np.array([[PERSON, PERSON], [VOID, 0]], np.uint8)
    found = np.array([[True, False], [True, True]])
    _, right, _, errors = np.split(draw_errors(photo, truth, found), 4, axis=1)
    assert (right[1, 0] == UNKNOWN).all()
    assert (errors[0, 0] == 90).all()
    assert (errors[1, 0] == 90).all()
    assert errors[0, 1].argmax() == np.argmax(MISSED)
    assert errors[1, 1].argmax() == np.argmax(LEFT_OVER)


def test_refined_figures_are_those_of_the_engines_matte(run, discs, tiny_model):
    _, out, _ = run("--data", discs, "--model", tiny_model, "--json")
    row = json.loads(out)["sources"]["discs"]
    overlap = Overlap()
    with engine.load(tiny_model, "cpu") as app:
        for entry in read_index(discs, "val")[:2]:
            photo, truth = entry.read()
            overlap.add(app(photo).alpha > 0.5, truth)
    assert row["refined_boundary_iou"] == overlap.boundary_iou != row["boundary_iou"]
