"""What all tests of the export need."""

import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")
pytest.importorskip("onnxscript", reason="the export extra is not installed")
# Several of torch's threads wait by spinning, which takes most of the time on a busy machine.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def photos(tmp_path_factory, astronaut):
    """A folder of ten photos: crops of one portrait."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("photos")
    for i in range(10):
        crop = astronaut[8 * i : 8 * i + 300, 12 * i : 12 * i + 380]
        Image.fromarray(crop).save(folder / f"{i}.png")
    return folder
