"""The second look: where, in how many pixels, and what becomes of the first answer."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine.segment.preprocess import network_size, resize, to_tensor
from engine.segment.second_look import AREA_SHARE, MARGIN, MOST_PEOPLE, find_boxes, look_again
from engine.segment.session import open_session
from tests.tiny_model import FACTS, PERSON, tiny_graph, write_graph

PEOPLE = np.array([PERSON])


def pixelwise_graph():
    """The tiny model without its mean: a logit for each pixel of the input."""
    graph = tiny_graph()
    (convolution,) = (node for node in graph.node if node.op_type == "Conv")
    convolution.input[0] = "input"
    graph.node.remove(next(node for node in graph.node if node.op_type == "AveragePool"))
    return graph


class Watched:
    """A session, and the inputs that it was run on."""

    def __init__(self, session):
        self.session, self.facts, self.threads = session, session.facts, session.threads
        self.sizes = []

    def run(self, tensor):
        self.sizes.append(tensor.shape[2:])
        return self.session.run(tensor)


@pytest.fixture
def session(tiny_model):
    return Watched(open_session(str(tiny_model), "cpu", 1))


def look(session, photo):
    """The first logits, those after the second look, and the inputs of the latter."""
    size = network_size(*photo.shape[:2], session.facts.input)
    first = session.run(to_tensor(resize(photo, size), session.facts))
    session.sizes.clear()
    return first, look_again(session, photo, first, PEOPLE), session.sizes


def draw(height, width, *discs):
    """Red discs (y, x, radius) on green."""
    photo = np.full((height, width, 3), (10, 120, 10), np.uint8)
    rows, columns = np.ogrid[:height, :width]
    for y, x, radius in discs:
        photo[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = (250, 20, 20)
    return photo


def test_where_nobody_is_the_first_look_is_the_last(session):
    first, second, sizes = look(session, draw(150, 210))
    assert sizes == []
    assert_array_equal(second, first)


@pytest.mark.parametrize("radius", [60, 150, 300])
def test_a_person_of_any_size_is_seen_in_half_as_many_pixels_as_the_photo(session, radius):
    photo = draw(600, 800, (300, 400, radius))
    ((height, width),) = look(session, photo)[2]
    whole = np.prod(network_size(600, 800, session.facts.input))
    # Sides are rounded to multiples of 16, out of about 48.
    assert height * width == pytest.approx(AREA_SHARE * whole, rel=0.4)


def test_the_logits_away_from_people_stay_as_they_are(session):
    first, second, _ = look(session, draw(600, 800, (300, 150, 80)))
    assert_array_equal(second[..., 6:], first[..., 6:])
    assert not np.array_equal(second, first)


@pytest.mark.parametrize("align_corners", [False, True])
def test_both_looks_lie_on_each_other(tmp_path, align_corners):
    # Where each logit is the colour of its place, the second look finds nothing new.
    facts = FACTS | {"align_corners": align_corners}
    path = write_graph(tmp_path / "pixelwise.onnx", pixelwise_graph(), facts)
    rows, columns = np.mgrid[:300, :400]
    photo = np.zeros((300, 400, 3), np.uint8)
    hill = np.exp(-(((rows - 140) / 60) ** 2) - ((columns - 230) / 60) ** 2)
    photo[..., 0] = np.rint(250 * hill)
    first, second, sizes = look(Watched(open_session(str(path), "cpu", 1)), photo)
    assert len(sizes) == 1
    assert np.abs(second - first).max() < 0.35  # a shift by a pixel of the input is 1.2
    assert np.abs(second - first).mean() < 0.02


def test_a_line_is_seen_within_the_longest_side(session):
    first, second, sizes = look(session, draw(60, 4000, (30, 2000, 4000)))
    assert max(sizes[0]) <= FACTS["input"]["longer_side_limit"]
    assert second.shape == first.shape


def test_a_photo_of_one_pixel_has_nothing_to_look_at(session):
    assert look(session, np.full((1, 1, 3), (250, 20, 20), np.uint8))[2] == []


def parts(*boxes, size=(100, 120)):
    is_kept = np.zeros(size, bool)
    for top, left, bottom, right in boxes:
        is_kept[top:bottom, left:right] = True
    return is_kept


def test_a_box_has_a_margin_and_ends_with_the_photo():
    assert find_boxes(parts((40, 60, 80, 80))) == [(32, 52, 88, 88)]
    assert find_boxes(parts((60, 90, 100, 120))) == [(52, 82, 100, 120)]
    assert MARGIN * 40 == 8


def test_people_whose_boxes_overlap_are_one():
    near, far = ((10, 10, 20, 20), (10, 23, 20, 33)), (80, 100, 90, 110)
    assert sorted(find_boxes(parts(*near, far))) == [(8, 8, 22, 35), (78, 98, 92, 112)]
    # The third joins two that were apart.
    row = ((10, 10, 40, 20), (10, 40, 40, 50), (18, 22, 28, 37))
    assert find_boxes(parts(*row)) == [(4, 4, 46, 56)]


def test_of_a_crowd_the_largest_are_looked_at():
    crowd = [(10 * row, 10 * row, 10 * row + 1, 10 * row + 1) for row in range(1, 10)]
    boxes = find_boxes(parts(*crowd, (10, 60, 30, 90)))
    assert len(boxes) == MOST_PEOPLE
    assert (4, 54, 36, 96) in boxes
