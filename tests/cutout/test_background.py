"""Colours, pictures and the blurred scene as what lies behind."""

import os
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from engine.cutout import background as module
from engine.cutout.background import Backdrop, blur_scene, cover, read_background
from engine.errors import OptionError

SEA = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
PHOTO = np.full((40, 60, 3), 7, np.uint8)
ALPHA = np.zeros((40, 60), np.float32)


@pytest.mark.parametrize(("height", "width"), [(50, 100), (100, 50), (1, 30), (60, 60)])
def test_a_backdrop_covers_without_distortion(height, width):
    backdrop = np.zeros((20, 20, 3), np.uint8)
    backdrop[:, 10:] = 255
    got = cover(backdrop, height, width)
    assert got.shape == (height, width, 3)
    assert got[0, 0, 0] < 30
    assert got[-1, -1, 0] > 225


def test_a_colour_is_not_spread_out():
    assert cover(read_background("white"), 10, 10).shape == (1, 1, 3)


@pytest.mark.parametrize(
    "colour",
    [
        "tomato", "Tomato", "#ff6347", "#FF6347", "rgb(255, 99, 71)", "rgb(100%,39%,28%)",
        (255, 99, 71), tuple(np.array([255, 99, 71])),
    ],
)  # fmt: skip
def test_a_colour_may_be_written_in_many_ways(colour):
    assert_array_equal(read_background(colour), [[[255, 99, 71]]])


@pytest.mark.parametrize(
    "white", ["white", "White", "#fff", "rgb(255,255,255)", (255, 255, 255), PHOTO[:1, :1] | 255]
)
def test_any_white_is_white(white):
    assert Backdrop(white).kind == Backdrop(white).identity == "white"


def test_a_picture_may_be_a_path_an_array_or_an_image(tmp_path):
    path = tmp_path / "sea.png"
    Image.fromarray(SEA).save(path)
    backdrops = [Backdrop(picture) for picture in (str(path), path, SEA, Image.fromarray(SEA))]
    assert len({backdrop.identity for backdrop in backdrops}) == 1
    for backdrop in backdrops:
        assert_array_equal(backdrop.behind(SEA, SEA, np.zeros((20, 30), np.float32)), SEA)


def test_an_array_may_change_after_it_was_given():
    picture = SEA.copy()
    backdrop = Backdrop(picture)
    picture[:] = 0
    assert_array_equal(backdrop.behind(SEA, SEA, np.zeros((20, 30), np.float32)), SEA)


def test_pictures_of_the_same_bytes_and_another_shape_are_told_apart():
    assert Backdrop(SEA).identity != Backdrop(SEA.reshape(30, 20, 3)).identity


def test_a_file_wins_over_a_colour_when_it_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(SEA).save("red", "PNG")
    assert_array_equal(read_background("red"), [[[255, 0, 0]]])
    assert_array_equal(read_background("./red"), SEA)


def test_a_picture_is_scaled_once_for_photos_of_one_size(monkeypatch):
    scaled = []

    def count(*arguments):
        scaled.append(arguments[1:])
        return cover(*arguments)

    monkeypatch.setattr(module, "cover", count)
    backdrop = Backdrop(SEA)
    for _ in range(3):
        assert_array_equal(backdrop.behind(PHOTO, PHOTO, ALPHA), cover(SEA, 40, 60))
    backdrop.behind(PHOTO[:10], PHOTO[:10], ALPHA[:10])
    assert_array_equal(backdrop.behind(PHOTO, PHOTO, ALPHA), cover(SEA, 40, 60))
    assert scaled == [(40, 60), (10, 60), (40, 60)]


def test_a_picture_is_hashed_once(monkeypatch):
    backdrop = Backdrop(SEA)
    identity = backdrop.identity
    monkeypatch.setattr(module.hashlib, "blake2b", None)
    assert backdrop.identity == identity


def test_photos_of_several_sizes_at_once_get_a_backdrop_of_their_own():
    backdrop, sizes = Backdrop(SEA), [(40, 60), (10, 60), (21, 22), (20, 30)]
    expected = {size: cover(SEA, *size) for size in sizes}
    wrong = []

    def ask(size):
        for _ in range(50):
            got = backdrop.behind(PHOTO, PHOTO, np.zeros(size, np.float32))
            if not np.array_equal(got, expected[size]):
                wrong.append(size)

    threads = [threading.Thread(target=ask, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("transparant", "transparent"), ("blurr", "blur"), ("tomatoe", "tomato")],
)
def test_a_misspelt_name_is_told(misspelt, meant):
    with pytest.raises(OptionError, match=f"Did you mean {meant}"):
        read_background(misspelt)


def test_a_name_like_none_is_told_the_names():
    with pytest.raises(OptionError, match="Known: white, transparent, original, blur, none"):
        read_background("xyzzy")


@pytest.mark.parametrize("name", ["broken.png", "folder", "loop"])
def test_what_is_no_picture_is_an_option_error(tmp_path, name):
    (tmp_path / "broken.png").write_bytes(b"nothing")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OptionError, match="background"):
        read_background(str(tmp_path / name))


@pytest.mark.parametrize(
    "picture", [SEA / 255, SEA[..., 0, 0], SEA[:0], np.float64(3)], ids=lambda p: str(np.shape(p))
)
def test_an_array_that_is_no_picture_is_an_option_error(picture):
    with pytest.raises(OptionError, match="background: "):
        read_background(picture)


def test_a_pipe_is_read(tmp_path):
    pipe, picture = tmp_path / "pipe", tmp_path / "sea.png"
    os.mkfifo(pipe)
    Image.fromarray(SEA).save(picture)
    writer = threading.Thread(target=lambda: pipe.write_bytes(picture.read_bytes()))
    writer.start()
    assert_array_equal(read_background(pipe), SEA)
    writer.join()


def test_a_pipe_that_nobody_writes_to_ends_with_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PIPE_WAIT_S", 0.1)
    os.mkfifo(tmp_path / "sea.png")
    with pytest.raises(OptionError, match="nobody writes to"):
        read_background(tmp_path / "sea.png")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no /dev/zero")
def test_a_source_without_end_ends_with_an_error(tmp_path):
    (tmp_path / "sea.png").symlink_to("/dev/zero")
    with pytest.raises(OptionError, match="not a picture"):
        read_background(tmp_path / "sea.png")


RED = np.full((300, 400, 3), (255, 0, 0), np.uint8)


def red_person():
    """Red on a wall that goes from green to blue, and the person's matte with a soft rim."""
    y, x = np.mgrid[:300, :400]
    alpha = np.clip((75 - np.hypot(y - 150, x - 200)) / 6 + 0.5, 0, 1).astype(np.float32)
    wall = np.dstack([np.zeros_like(x), 200 - x / 2, x / 2])
    photo = wall + alpha[..., None] * (RED - wall)
    return np.rint(photo).astype(np.uint8), alpha, wall


def test_the_person_does_not_bleed_into_the_blurred_scene():
    photo, alpha, _ = red_person()
    assert blur_scene(photo, RED, alpha)[alpha < 1, 0].max() <= 1
    assert blur_scene(photo, RED, alpha * 0)[alpha < 1, 0].max() > 100


def test_a_smooth_scene_stays_and_a_busy_one_is_blurred():
    photo, alpha, wall = red_person()
    outside = alpha == 0
    outside[:, :40] = outside[:, -40:] = False  # where the mean is of one side
    assert np.abs(blur_scene(photo, RED, alpha)[outside] - wall[outside]).max() < 8
    busy = np.random.default_rng(0).integers(0, 2, photo.shape, dtype=np.uint8) * 255
    assert blur_scene(busy, busy, alpha)[outside].std() < 0.05 * busy.std()


@pytest.mark.parametrize("side", [300, 1200])
def test_the_blur_grows_with_the_picture(side):
    photo = np.zeros((side, side, 3), np.uint8)
    photo[:, side // 2 :] = 255
    edge = blur_scene(photo, photo, np.zeros((side, side), np.float32))[side // 2, :, 0]
    width = ((edge > 25) & (edge < 230)).sum() / side
    assert width == pytest.approx(2.56 * module.BLUR_SHARE, rel=0.1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (2, 3)])
@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_any_size_and_any_share_can_be_blurred(shape, share):
    photo = np.full((*shape, 3), 90, np.uint8)
    blurred = blur_scene(photo, photo, np.full(shape, share, np.float32))
    assert blurred.shape == photo.shape
    assert share == 1 or np.abs(blurred.astype(int) - 90).max() <= 1
