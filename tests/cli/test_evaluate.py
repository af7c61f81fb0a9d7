"""`cartoonify evaluate`, where the report's own tests do not look."""

import shutil


def test_photos_called_like_pictures_are_photos(cartoonify, photo, tmp_path):
    (tmp_path / "out").mkdir()
    for name in ("me.png", "me_cartoon.png"):
        shutil.copy(photo, tmp_path / "out" / name)
    code, out, err = cartoonify("evaluate", "out")
    assert code == 0, err
    assert "mean of 2 photos" in out
