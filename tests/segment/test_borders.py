"""Two networks: one says who is meant, the other draws the border."""

import shutil

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import engine
from engine import CutoutOptions, SegmentOptions
from engine.errors import ModelError, OptionError
from engine.segment.session import open_session
from tests.tiny_model import FACTS, MATTE_FACTS, RED, write_tiny_matte, write_tiny_model

BLUE, GREEN = (20, 20, 250), (10, 120, 10)
FINE = MATTE_FACTS | {"input": {"height": 256, "width": 256}}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The tiny model, whose logits are coarse, and a matte of all that is red, which is fine."""
    folder = tmp_path_factory.mktemp("pair")
    finder = write_tiny_model(folder / "finder.onnx")
    return f"{finder}+{write_tiny_matte(folder / 'drawer.onnx', FINE)}"


def draw(*discs, size=(300, 420)):
    """Discs (y, x, radius, colour) on green; the photo and where each is."""
    photo = np.full((*size, 3), GREEN, np.uint8)
    rows, columns = np.ogrid[: size[0], : size[1]]
    parts = [(rows - y) ** 2 + (columns - x) ** 2 < radius**2 for y, x, radius, _ in discs]
    for part, (*_, colour) in zip(parts, discs, strict=True):
        photo[part] = colour
    return photo, parts


def overlap(alpha, part):
    return ((alpha > 0.5) & part).sum() / ((alpha > 0.5) | part).sum()


def test_the_second_network_draws_a_finer_border(pair):
    photo, (disc,) = draw((150, 200, 60, RED))
    fits = {}
    for model in (pair.split("+")[0], pair):
        with engine.load(model, "cpu", cutout=CutoutOptions(edges="soft")) as app:
            fits[model] = overlap(app(photo).alpha, disc)
    assert fits[pair] > 0.95
    assert fits[pair] > max(fits.values()) - 1e-9
    assert min(fits.values()) < 0.9


def test_what_the_first_network_did_not_mean_is_left_out(pair):
    # The second network would keep what is red; the first one tells a plane from a person.
    photo, (person, plane) = draw((150, 100, 60, RED), (150, 320, 60, BLUE))
    with engine.load(pair, "cpu", cutout=CutoutOptions(edges="soft")) as app:
        people = app(photo)
        planes = app.replace(segment=SegmentOptions("aeroplane"))(photo)
    assert overlap(people.alpha, person) > 0.95
    assert people.alpha[plane].max() < 0.05
    assert planes.alpha[person].max() < 0.05


def test_the_label_map_is_that_of_the_first_network(pair):
    photo, _ = draw((150, 200, 60, RED))
    alone, both = (engine.load(model, "cpu") for model in (pair.split("+")[0], pair))
    assert_array_equal(alone.find(photo).logits, both.find(photo).logits)
    assert both.find(photo).probability.shape == both.find(photo).small.shape[:2]


def test_where_nobody_is_the_second_network_is_not_asked(pair):
    photo, _ = draw()
    session = open_session(pair, "cpu", 1)
    session.borders.run = None
    with engine.load(pair, "cpu") as app:
        app._session = session
        assert not app(photo).alpha.any()


def test_a_precise_look_comes_before_the_borders(pair):
    photo, (disc,) = draw((150, 200, 60, RED))
    cutout = CutoutOptions(edges="soft")
    with engine.load(pair, "cpu", segment=SegmentOptions(precise=True), cutout=cutout) as app:
        assert overlap(app(photo).alpha, disc) > 0.95


def test_a_pair_has_the_name_and_the_digest_of_both(pair):
    facts = open_session(pair, "cpu", 1).facts
    assert facts.name == "finder+drawer"
    assert facts.licence == "Apache-2.0+Apache-2.0"
    assert len(facts.classes) == 21


def test_deeplab_is_the_embedded_network(pair):
    facts = open_session(f"deeplab+{pair.split('+')[1]}", "cpu", 1).facts
    assert facts.name == "deeplabv3plus_mobilenet_v2_int8+drawer"


@pytest.mark.parametrize("names", [(0, 0), (1, 1), (1, 0)])
def test_a_pair_of_the_wrong_kinds_is_refused(pair, names):
    model = "+".join(pair.split("+")[position] for position in names)
    with pytest.raises(OptionError, match="one that gives alpha behind it, as in deeplab"):
        open_session(model, "cpu", 1)


@pytest.mark.parametrize("model", ["default+", "+default", "default+nowhere", "+"])
def test_half_a_pair_is_told(model):
    with pytest.raises(ModelError, match=r"no such name|no regular file"):
        open_session(model, "cpu", 1)


def test_classic_takes_one_network(pair):
    with pytest.raises(OptionError, match="classic has no second network"):
        engine.load(pair, "cpu", segment=SegmentOptions(classic=True))


def test_a_file_may_have_a_plus_in_its_name(tmp_path, tiny_model):
    shutil.copy(tiny_model, tmp_path / "a+b.onnx")
    assert open_session(str(tmp_path / "a+b.onnx"), "cpu", 1).facts.classes == tuple(
        FACTS["classes"]
    )
