"""The cut-out in Node.js, as somebody types it."""

import subprocess

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.torch


@pytest.fixture
def cut(edge, mask_model, tmp_path):
    """Runs the example in an empty folder; returns exit code and lines of errors."""

    def call(*words):
        command = ["node", edge / "node" / "cutout.mjs", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr.splitlines()

    return call


def alpha_of(path):
    with Image.open(path) as out:
        return np.asarray(out.getchannel("A")).astype(int)


def test_a_png_is_cut_out_as_the_engine_does(cut, mask_model, mask_app, astronaut, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "me.png")
    assert cut(mask_model, "me.png", "out.png") == (0, [])
    expected = np.rint(mask_app(astronaut).alpha * 255)
    assert np.abs(alpha_of(tmp_path / "out.png") - expected).max() <= 1
    with Image.open(tmp_path / "out.png") as out:
        assert (np.asarray(out.convert("RGB")) == astronaut).all()


def test_a_jpeg_is_turned_upright_first(cut, mask_model, mask_app, astronaut, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    lying = Image.fromarray(astronaut[:400]).transpose(Image.Transpose.ROTATE_90)
    lying.save(tmp_path / "me.jpg", exif=exif, quality=95)
    assert cut(mask_model, "me.jpg", "out.png") == (0, [])
    found = alpha_of(tmp_path / "out.png")
    assert found.shape == (400, 512)
    expected = np.rint(mask_app(tmp_path / "me.jpg").alpha * 255)
    # Decoders of JPEG round differently by single levels, which move a matte by little.
    assert np.abs(found - expected).mean() < 0.5


def test_what_is_grey_or_transparent_is_cut_out_too(cut, mask_model, astronaut, tmp_path):
    Image.fromarray(astronaut).convert("LA").save(tmp_path / "grey.png")
    assert cut(mask_model, "grey.png", "out.png") == (0, [])
    assert alpha_of(tmp_path / "out.png").max() == 255


def test_what_is_wrong_is_told_in_one_line(cut, mask_model, photo, tiny_model, tmp_path):
    (tmp_path / "notes.txt").write_text("no photo")
    wrong = {
        (): (2, "expected: node cutout.mjs"),
        (mask_model, "me.png", "out.jpg"): (2, "does not end in .png"),
        (mask_model, "missing.jpg", "out.png"): (3, "missing.jpg"),
        (mask_model, "notes.txt", "out.png"): (3, "notes.txt"),
        ("notes.txt", "me.png", "out.png"): (4, "notes.txt"),
        (tiny_model, "me.png", "out.png"): (4, "no mask graph"),
        (mask_model, "me.png", "missing/out.png"): (3, "missing/out.png"),
    }
    for words, (code, text) in wrong.items():
        got, lines = cut(*words)
        assert (got, len(lines)) == (code, 1), lines
        assert text in lines[0]
    assert {path.name for path in tmp_path.iterdir()} == {"me.png", "notes.txt"}
