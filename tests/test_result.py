"""What a result holds, shows and saves."""

import io
import os
import pickle
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import engine
from engine import result as result_module
from engine.cutout.blend import add_alpha
from engine.cutout.classic import voc_colours


@pytest.fixture
def result(tiny, person_photo):
    return tiny(person_photo)


def test_saved_files_are_what_the_result_holds(result, tmp_path):
    paths = result.save(tmp_path / "new", ("cutout", "cartoon", "mask", "labels", "compare"))
    assert [p.name for p in paths] == [
        f"photo_{kind}.png" for kind in ("cutout", "cartoon", "mask", "labels", "compare")
    ]
    cutout, cartoon, mask, labels, compare = (Image.open(path) for path in paths)
    assert_array_equal(np.asarray(cutout), result.cutout)
    assert_array_equal(np.asarray(cartoon), result.cartoon)
    assert_array_equal(np.asarray(mask), np.rint(result.alpha * 255))
    assert labels.mode == "P"
    assert_array_equal(np.asarray(labels), result.label_map)
    assert_array_equal(np.asarray(labels.convert("RGB")), voc_colours()[result.label_map])
    expected = np.hstack([result.photo, result.cutout, result.cartoon])
    assert_array_equal(np.asarray(compare), expected)
    for image in (cutout, cartoon, mask, labels, compare):
        image.close()


def test_nothing_is_written_when_one_file_exists(result, tmp_path):
    (tmp_path / "photo_cartoon.png").write_text("mine")
    with pytest.raises(engine.OutputError, match="is kept"):
        result.save(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["photo_cartoon.png"]
    result.save(tmp_path, overwrite=True)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_set_is_written_whole_or_not_at_all(result, tmp_path, monkeypatch):
    write = result_module.write_file

    def fail_on_cartoon(picture, path, overwrite):
        if "cartoon" in path.name:
            raise engine.OutputError("disk full")
        write(picture, path, overwrite)

    monkeypatch.setattr(result_module, "write_file", fail_on_cartoon)
    with pytest.raises(engine.OutputError, match="disk full"):
        result.save(tmp_path, ("cutout", "mask", "cartoon"))
    assert not list(tmp_path.iterdir())


def test_a_kind_named_twice_is_saved_once(result, tmp_path):
    assert len(result.save(tmp_path, ("mask", "mask"))) == 1


@pytest.mark.parametrize("format", ["jpg", "webp"])
def test_masks_stay_png_in_any_format(result, tmp_path, format):
    paths = result.save(tmp_path, ("cutout", "mask"), format=format)
    assert [p.suffix for p in paths] == [f".{format}", ".png"]


def test_unknown_kinds_and_formats_are_refused(result, tmp_path):
    with pytest.raises(engine.OptionError, match="expected some of cutout"):
        result.save(tmp_path, ("cutoff",))
    with pytest.raises(engine.OptionError, match="expected png"):
        result.save(tmp_path, format="bmp")
    assert not list(tmp_path.iterdir())


def test_jpg_refuses_transparency_but_saves_the_mask(tiny, person_photo, tmp_path):
    transparent = tiny.replace(cutout=engine.CutoutOptions(background="transparent"))
    result = transparent(person_photo)
    with pytest.raises(engine.OptionError, match="no transparency"):
        result.save(tmp_path, format="jpg")
    assert [p.name for p in result.save(tmp_path, ("mask",), format="jpg")] == ["photo_mask.png"]


def test_metrics_are_those_of_cutout_and_cartoon(result):
    assert result.metrics == {
        "mse": engine.mse(result.cutout, result.cartoon),
        "log_mse": engine.log_mse(result.cutout, result.cartoon),
        "ssim": engine.ssim(result.cutout, result.cartoon),
    }


def test_transparent_pictures_are_measured_on_white(tiny, person_photo):
    transparent = tiny.replace(cutout=engine.CutoutOptions(background="transparent"))
    result = transparent(person_photo)
    cutout, cartoon = (
        np.rint(255 + p[..., 3:] / np.float32(255) * (p[..., :3] - np.float32(255)))
        for p in (result.cutout, result.cartoon)
    )
    cutout, cartoon = cutout.astype(np.uint8), cartoon.astype(np.uint8)
    assert result.metrics["mse"] == engine.mse(cutout, cartoon)
    assert result.metrics["ssim"] == engine.ssim(cutout, cartoon)


def opened(data):
    """The pixels of a file's bytes, and its Pillow image."""
    image = Image.open(io.BytesIO(data))
    return np.asarray(image), image


@pytest.fixture
def see_through(tiny, person_photo):
    return tiny.replace(cutout=engine.CutoutOptions("transparent"))(person_photo)


def test_nothing_can_be_assigned_to(result):
    with pytest.raises(FrozenInstanceError):
        result.name = "other"
    with pytest.raises(TypeError):
        type(result)(result.photo)


def test_it_is_shown_in_one_short_line(result):
    text = repr(result)
    assert text.startswith("Result('photo', 210 x 150, kept 2")
    assert " ms)" in text
    assert len(text) < 100


def test_it_can_be_sent_to_another_process(result):
    _ = result.metrics
    got = pickle.loads(pickle.dumps(result))
    assert_array_equal(got.cartoon, result.cartoon)
    assert got.metrics == result.metrics


@pytest.mark.parametrize("name", ["probability", "label_map", "metrics"])
def test_a_property_is_computed_once_for_all_threads(result, name):
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda _: getattr(result, name), range(16)))
    assert len({id(value) for value in values}) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("cutoff",), (None,), (["cutout"],), ("cutout", "gif"), ("cutout", None),
        ("cutout", "png", "stripp"), ("cutout", "png", None), ("mask", "jpg"), ("labels", "webp"),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_arguments_are_option_errors(result, arguments):
    with pytest.raises(engine.OptionError):
        result.encode(*arguments)


@pytest.mark.parametrize("option", ["quality", "size"])
@pytest.mark.parametrize("value", [0, -1, "50", 50.0, 70_000, float("nan"), [50]])
def test_a_wrong_number_is_an_option_error(result, tmp_path, option, value):
    with pytest.raises(engine.OptionError, match=option):
        result.encode("cutout", "jpg", **{option: value})
    with pytest.raises(engine.OptionError, match=option):
        result.save(tmp_path, format="jpg", **{option: value})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_path_is_an_option_error(result):
    with pytest.raises(engine.OptionError, match="folder is 5"):
        result.save(5)


@pytest.mark.parametrize("which", [5, None, [5], [["cutout"]], []])
def test_kinds_that_are_none_are_option_errors(result, tmp_path, which):
    with pytest.raises(engine.OptionError, match="expected some of"):
        result.save(tmp_path, which)


def test_a_single_kind_may_be_a_word(result, tmp_path):
    assert [path.name for path in result.save(tmp_path, "mask")] == ["photo_mask.png"]


def test_transparency_is_not_encoded_as_jpg(see_through):
    with pytest.raises(engine.OptionError, match="no transparency"):
        see_through.encode("cutout", "jpg")


def test_quality_makes_smaller_files(result, tmp_path):
    assert len(result.encode("cartoon", "jpg", quality=20)) < len(result.encode("cartoon", "jpg"))
    (path,) = result.save(tmp_path, ["cartoon"], format="jpg", quality=20)
    assert path.read_bytes() == result.encode("cartoon", "jpg", quality=20)


@pytest.mark.parametrize(
    "name", ["", "../x", "a/../../x", "..", "/tmp/x", "a\0b", "x" * 245, "a/", chr(0xD800)]
)
def test_a_name_that_is_none_is_refused(result, tmp_path, name):
    folder = tmp_path / "inner" / "out"
    with pytest.raises(engine.OutputError, match="cannot be the name"):
        replace(result, name=name).save(folder)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["sub/a", "x" * 243, os.fsdecode(b"\xff"), "..a", ".a"])
def test_a_name_may_have_folders_and_any_bytes(result, tmp_path, name):
    paths = replace(result, name=name).save(tmp_path)
    assert all(path.is_file() and path.is_relative_to(tmp_path) for path in paths)


def test_a_crop_is_what_is_kept_with_a_margin(result):
    alpha = np.zeros((150, 210), np.float32)
    alpha[50:110, 80:120] = 1
    alpha[49, 100] = 0.001  # nobody sees it
    drawn = replace(result, alpha=alpha)
    part = (slice(47, 113), slice(77, 123))  # 60 pixels high, so 3 around them
    mask, _ = opened(drawn.encode("mask", crop=True))
    assert_array_equal(mask, np.rint(alpha * 255)[part])
    for kind, whole in [("cutout", result.cutout), ("cartoon", result.cartoon)]:
        assert_array_equal(opened(drawn.encode(kind, crop=True))[0], whole[part])
    assert_array_equal(opened(drawn.encode("labels", crop=True))[0], result.label_map[part])


def test_a_comparison_is_cropped_alike(result):
    compare, _ = opened(result.encode("compare", crop=True))
    photo, cutout, cartoon = np.split(compare, 3, axis=1)
    assert_array_equal(cutout, opened(result.encode("cutout", crop=True))[0])
    assert_array_equal(cartoon, opened(result.encode("cartoon", crop=True))[0])
    middle = tuple(side // 2 for side in photo.shape[:2])
    assert_array_equal(photo[middle], [250, 20, 20])


def test_a_crop_of_nothing_is_the_whole_picture(tiny):
    nobody = tiny(np.full((40, 50, 3), (10, 120, 10), np.uint8))
    assert opened(nobody.encode("cutout", crop=True))[0].shape == (40, 50, 3)


def test_a_crop_stays_inside_the_picture(tiny):
    somebody = np.full((40, 50, 3), (250, 20, 20), np.uint8)
    assert opened(tiny(somebody).encode("cutout", crop=True))[0].shape == (40, 50, 3)


@pytest.mark.parametrize(("kind", "mode"), [("cutout", "RGB"), ("mask", "L"), ("labels", "P")])
def test_a_size_is_that_of_the_longer_side(result, kind, mode):
    pixels, image = opened(result.encode(kind, size=70))
    assert image.size == (70, 50)
    assert image.mode == mode
    assert set(np.unique(pixels)) <= {0, 15} or kind != "labels"
    assert opened(result.encode(kind, size=1))[1].size == (1, 1)


def test_a_reduced_label_map_keeps_its_colours(result):
    pixels, image = opened(result.encode("labels", size=70))
    assert set(np.unique(pixels)) == {0, 15}
    assert_array_equal(np.asarray(image.convert("RGB")), voc_colours()[pixels])


def test_nothing_is_enlarged(result):
    for kind in ("cutout", "mask", "labels"):
        assert result.encode(kind, size=210) == result.encode(kind, size=4000)
        assert result.encode(kind, size=4000) == result.encode(kind)


def test_a_size_is_of_the_whole_comparison_and_of_what_was_cropped(result):
    assert opened(result.encode("compare", size=300))[1].size == (300, 71)
    assert max(opened(result.encode("cutout", crop=True, size=60))[1].size) == 60


def test_a_reduced_picture_has_no_fringe(see_through):
    red = add_alpha(np.full_like(see_through.photo, (250, 20, 20)), see_through.alpha)
    pixels, image = opened(replace(see_through, cutout=red).encode("cutout", size=53))
    assert image.mode == "RGBA"
    rim = (pixels[..., 3] > 30) & (pixels[..., 3] < 255)
    assert rim.sum() > 20
    # Red but for rounding, and nothing of the black that stands under full transparency.
    assert np.abs(pixels[rim][:, :3].astype(int) - [250, 20, 20]).max() <= 8


def test_saved_files_are_cropped_and_reduced_too(result, tmp_path):
    kinds = ("cutout", "mask", "compare")
    paths = result.save(tmp_path, kinds, crop=True, size=50)
    for kind, path in zip(kinds, paths, strict=True):
        assert path.read_bytes() == result.encode(kind, crop=True, size=50)


def in_style(app, style, background="white"):
    return app.replace(
        cartoon=engine.CartoonOptions(style), cutout=engine.CutoutOptions(background)
    )


def test_shapes_and_colours_are_files_of_their_own_kinds(result, tmp_path):
    paths = result.save(tmp_path, ("cartoon", "svg", "palette"), format="webp", size=40)
    assert [path.name for path in paths] == [
        "photo_cartoon.webp", "photo_cartoon.svg", "photo_palette.json",
    ]  # fmt: skip
    assert engine.Palette.read(paths[2]) == result.palette
    svg = ElementTree.fromstring(paths[1].read_bytes())
    assert (svg.get("width"), svg.get("height")) == ("210", "150")
    assert result.encode("palette") == paths[2].read_bytes()
    assert result.encode("svg") == paths[1].read_bytes()


@pytest.mark.parametrize("kind", ["svg", "palette"])
def test_what_is_no_picture_of_pixels_has_no_format_and_is_not_shown(result, kind):
    with pytest.raises(engine.OptionError, match=f"{kind} is exact, and written as"):
        result.encode(kind, "jpg")
    with pytest.raises(engine.OptionError, match=f"{kind} is no picture"):
        result.picture(kind)


def test_a_classic_drawing_has_colours_and_no_shapes(tiny, person_photo, tmp_path):
    result = in_style(tiny, "classic")(person_photo)
    assert result.shapes is None
    assert len(engine.Palette.from_json(result.encode("palette"))) > 0
    with pytest.raises(engine.OptionError, match=r"not of shapes\. Choose another style: comic"):
        result.save(tmp_path, ("cartoon", "svg"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("background", "paper"),
    [("white", "#ffffff"), ("navy", "#000080"), ("transparent", None), ("original", None)],
)
def test_shapes_lie_on_the_colour_that_is_behind(tiny, person_photo, background, paper):
    result = in_style(tiny, "comic", background)(person_photo)
    svg = ElementTree.fromstring(result.encode("svg"))
    rectangle = svg.find("{http://www.w3.org/2000/svg}rect")
    assert (None if rectangle is None else rectangle.get("fill")) == paper


def test_shapes_of_nothing_are_an_empty_page(tiny):
    result = tiny(np.full((30, 40, 3), (10, 120, 10), np.uint8))
    assert result.shapes is None
    svg = ElementTree.fromstring(result.encode("svg"))
    assert svg.get("width") == "40"


def test_the_palette_of_nothing_is_of_no_use_to_others(tiny, person_photo):
    nothing = tiny(np.full((30, 40, 3), (10, 120, 10), np.uint8))
    assert not nothing.palette.share.any()
    with pytest.raises(engine.OptionError, match="holds no colour"):
        tiny(person_photo, like=nothing)


def test_a_hostile_name_is_text_in_the_shapes(tiny, person_photo):
    result = tiny(person_photo, name='a/"><script>\x1b')
    svg = ElementTree.fromstring(result.encode("svg"))
    assert svg.find("{http://www.w3.org/2000/svg}title").text == '"><script>\\x1b'
