"""On the embedded model: the service gives the very bytes of the command line."""

import pytest
from PIL import Image

from tests.serve.serving import serving


@pytest.fixture(scope="module")
def real(embedded):
    with serving(embedded) as served:
        yield served


@pytest.mark.parametrize(
    "options",
    [{}, {"style": "ink", "background": "#203040", "format": "webp", "size": 300},
     {"classic": True}, {"save": "cutout", "background": "transparent", "crop": True},
     {"save": "svg", "style": "poster", "colours": 5, "lines": 0.5, "vivid": 1.3}],
    ids=str,
)  # fmt: skip
def test_bytes_are_equal_to_the_command_lines(real, cartoonify, astronaut, tmp_path, options):
    photo = tmp_path / "me.jpg"
    exif = Image.Exif()
    exif[0x010E] = "a portrait"
    Image.fromarray(astronaut[:300]).save(photo, exif=exif)
    flags = []
    for name, value in {"save": "cartoon", **options}.items():
        flags += [f"--{name}"] if value is True else [f"--{name}", value]
    assert cartoonify(photo, "-o", "out", *flags, model=None)[0] == 0
    (written,) = (tmp_path / "out").glob("me_*")
    query = {name: str(value).lower() for name, value in options.items()}
    files = {"file": ("me.jpg", photo.read_bytes())}
    at_once = real.client.post("/v1/cartoon", params=query, files=files)
    assert at_once.content == written.read_bytes()
    assert at_once.headers["content-disposition"].endswith(f"''{written.name}")
    key = real.client.post("/v1/photos", files=files).json()["id"]
    assert real.client.post(f"/v1/photos/{key}/cartoon", params=query).content == at_once.content
