"""What a result holds, shows and saves."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import engine
from engine import result as result_module
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
    share = result.alpha[..., None]
    cutout, cartoon = (
        np.rint(255 + share * (p[..., :3] - np.float32(255))).astype(np.uint8)
        for p in (result.cutout, result.cartoon)
    )
    assert result.metrics["mse"] == engine.mse(cutout, cartoon)
    assert result.metrics["ssim"] == engine.ssim(cutout, cartoon)
