"""Contact sheets, where faces are cut out of, and the table beside them."""

import math

import cv2
import numpy as np
import pytest

from benchmarks.sheets import LABEL, WIDTH, Sheets, find_heads, make_row
from benchmarks.style_table import summarise, to_markdown


def alpha_of(*boxes, size=(200, 300)):
    alpha = np.zeros(size, np.float32)
    for left, top, right, bottom in boxes:
        alpha[top:bottom, left:right] = 1
    return alpha


def test_the_head_of_somebody_standing_is_in_the_upper_third():
    ((left, top, right, bottom),) = find_heads(alpha_of((100, 20, 150, 200)))
    assert left < 100
    assert right > 150
    assert top < 20
    assert 80 <= bottom < 90


def test_the_head_of_somebody_seen_to_the_chest_takes_more_than_a_third():
    ((_, _, _, bottom),) = find_heads(alpha_of((50, 50, 190, 200)))
    assert 140 < bottom < 170


def test_people_who_touch_have_a_head_each():
    heads = find_heads(alpha_of((0, 100, 300, 200)))
    assert len(heads) == 4


def test_tiny_islands_have_no_head():
    assert len(find_heads(alpha_of((100, 20, 150, 200), (10, 10, 13, 13)))) == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (7, 3)])
def test_heads_lie_in_pictures_of_any_size(size):
    height, width = size
    for left, top, right, bottom in find_heads(np.ones(size, np.float32)):
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


def test_nobody_has_no_head():
    assert find_heads(alpha_of()) == []


@pytest.mark.parametrize("shape", [(50, 80, 3), (1, 90, 3), (90, 1, 3)])
def test_a_row_has_a_labelled_cell_per_picture(shape):
    row = make_row("Jo", {"photo": np.zeros(shape, np.uint8), "ink": np.zeros(shape, np.uint8)})
    assert row.shape[1] > 2 * WIDTH
    assert row[:LABEL].min() < 100  # writing


def test_sheets_are_written_when_they_are_full_and_at_the_end(tmp_path):
    sheets = Sheets(tmp_path, "sheet", most_rows=2)
    for _ in range(3):
        sheets.add(np.zeros((10, 20, 3), np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == ["sheet_01.png"]
    sheets.flush()
    assert cv2.imread(str(tmp_path / "sheet_01.png")).shape == (20, 20, 3)
    assert cv2.imread(str(tmp_path / "sheet_02.png")).shape == (10, 20, 3)


def test_the_table_leaves_out_what_a_photo_has_no_number_for():
    photos = [
        {"comic": {"off hue": 0.3, "ssim": 0.8}},
        {"comic": {"off hue": math.nan, "ssim": 0.9}},
    ]
    table = summarise(photos)
    assert table["people more than a fifth in another hue"] == {"comic": 1}
    assert table["photos whose hue was judged"] == {"comic": 1}
    assert table["changed pixels, palette held, mean"] == {}
    assert "| SSIM with the cut-out, mean | 0.850 | >= 0.85 |" in to_markdown(table, ["comic"])
