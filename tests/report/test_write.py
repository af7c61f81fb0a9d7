"""The files of a report: what they hold, what they are called, and what they never replace."""

import csv
import json
import os
import sys

import pytest
from PIL import Image

from engine.errors import OptionError, OutputError
from tests.folders import tree
from tests.report.records import empty, failed, record

pytest.importorskip("matplotlib", reason="the report extra is not installed")

from engine.report import write
from engine.report.write import check_report, write_report

NAMES = ["report.html", "report.json", "report.csv"]


def rows_of(folder):
    with open(folder / "report.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_in_the_table_is_a_formula(tmp_path, start):
    name = f"{start}1+cmd|' /C calc'!A0.jpg"
    write_report(tmp_path, "x", [record(name, warnings=(name,)), failed(name, error=name)], {})
    cells = [row[column] for row in rows_of(tmp_path) for column in ("photo", "warnings", "error")]
    assert len([cell for cell in cells if cell]) == 4
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_numbers_in_the_table_stay_numbers(tmp_path):
    write_report(tmp_path, "x", [record(metrics={"log_mse": -3.5, "=1+1": 2.0})], {})
    (row,) = rows_of(tmp_path)
    assert row["log_mse"] == "-3.5"
    assert row["'=1+1"] == "2.0"


def test_names_that_are_no_text_are_shown_in_the_table_and_whole_in_json(tmp_path):
    name = "a\nb\0\x1b[31m\udcff.jpg"
    write_report(tmp_path, "x", [record(name), failed(name, error=name)], {"command": [name]})
    assert rows_of(tmp_path)[0]["photo"] == r"a\nb\x00\x1b[31m\udcff.jpg"
    facts = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert facts["photos"][0]["photo"] == name
    assert facts["settings"]["command"] == [name]


def test_json_counts_empty_photos_apart(tmp_path):
    write_report(tmp_path, "x", [record(), empty(), failed()], {})
    summary = json.loads((tmp_path / "report.json").read_text())["summary"]
    assert (summary["empty"], summary["mean"]["ssim"]) == (1, 0.5)
    assert summary["best"] == ["a.jpg"]


@pytest.mark.slow
def test_figures_have_names_that_fit_whatever_the_photo_s_is(tmp_path):
    stems = ["x" * 239, "x" * 244, "ä" * 122, "a\0b\udcff", "名" * 70]
    write_report(tmp_path, "x", [record(f"{stem}.jpg") for stem in stems], {}, pngs=True)
    names = [n for n in tree(tmp_path / "figures") if n.endswith("_palette.png")]
    assert len(names) == len(stems)
    assert all(len(os.fsencode(name)) <= 143 for name in names)


@pytest.mark.slow
def test_a_long_run_has_several_sheets(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "SHEET_ROWS", 1)
    write_report(tmp_path, "x", [record()] * 9, {}, pngs=True)
    sheets = [n for n in tree(tmp_path / "figures") if n.startswith("sheet_photo")]
    assert sheets == ["sheet_photo.png", "sheet_photo_2.png"]


def test_a_damaged_thumbnail_is_left_blank(tmp_path):
    damaged = {"photo": "data:image/webp;base64,AAAA", "cartoon": "data:image/webp;base64,A"}
    write_report(tmp_path, "x", [record(thumbnails=damaged)], {}, pngs=True)
    for kind in damaged:
        with Image.open(tmp_path / "figures" / f"sheet_{kind}.png") as sheet:
            assert sheet.convert("L").getextrema() == (255, 255)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda p: os.symlink("/dev/zero", p)])
def test_what_is_no_file_is_refused_before_the_work(tmp_path, name, make, overwrite):
    make(tmp_path / name)
    with pytest.raises(OutputError, match="is kept"):
        check_report(tmp_path, overwrite)


@pytest.mark.parametrize("name", NAMES)
def test_a_link_is_a_stranger_s_even_to_a_report(tmp_path, name):
    write_report(tmp_path / "other", "x", [record()], {})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(tmp_path / "other" / name)
    with pytest.raises(OutputError, match="is kept"):
        check_report(tmp_path / "out", overwrite=False)
    before = (tmp_path / "other" / name).read_bytes()
    check_report(tmp_path / "out", overwrite=True)
    write_report(tmp_path / "out", "another", [], {})
    assert (tmp_path / "other" / name).read_bytes() == before


def test_an_earlier_report_is_replaced(tmp_path):
    write_report(tmp_path, "x", [record()], {}, pngs=True)
    check_report(tmp_path, overwrite=False)


def test_figures_of_others_are_kept(tmp_path):
    (tmp_path / "figures").mkdir()
    with pytest.raises(OutputError, match="belongs to no report"):
        check_report(tmp_path, overwrite=False)
    check_report(tmp_path, overwrite=True)


@pytest.mark.parametrize("make", [os.mkfifo, lambda p: os.symlink("/tmp", p)])
def test_figures_are_never_written_into_what_is_no_folder_here(tmp_path, make):
    make(tmp_path / "figures")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="Expected a folder"):
            check_report(tmp_path, overwrite)


def test_a_report_without_matplotlib_says_what_to_install_here(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    from engine.versions import how_to_install

    with pytest.raises(OptionError) as refused:
        check_report(tmp_path, overwrite=False)
    assert how_to_install("report") in str(refused.value)
