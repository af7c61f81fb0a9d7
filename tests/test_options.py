"""Options are checked when they are built."""

import pytest

from engine import CartoonOptions, CutoutOptions, OptionError, SegmentOptions


@pytest.mark.parametrize(
    "build",
    [
        lambda: SegmentOptions(keep=""),
        lambda: SegmentOptions(keep=()),
        lambda: CutoutOptions(background=""),
        lambda: CutoutOptions(background="#12345"),
        lambda: CutoutOptions(background="#12345g"),
        lambda: CutoutOptions(threshold=0),
        lambda: CutoutOptions(threshold=1),
        lambda: CutoutOptions(threshold=float("nan")),
        lambda: CutoutOptions(threshold=1e-50),
        lambda: CutoutOptions(edges="refine"),
        lambda: CartoonOptions(smooth_sigma=0),
        lambda: CartoonOptions(edge_low=300),
        lambda: CartoonOptions(edge_low=-1),
        lambda: CartoonOptions(split_p_value=2),
        lambda: CartoonOptions(min_group_levels=7),
        lambda: CartoonOptions(min_group_levels=257),
        lambda: CartoonOptions(min_group_levels=80.5),
        lambda: CartoonOptions(smooth_sigma=float("inf")),
        lambda: CartoonOptions(edge_high=float("inf")),
    ],
)
def test_out_of_range_is_refused(build):
    with pytest.raises(OptionError):
        build()


def test_what_is_kept_by_default_depends_on_the_mode():
    assert SegmentOptions().kept_names == ("person",)
    assert SegmentOptions(classic=True).kept_names == ("all",)
    assert SegmentOptions(keep="Dog, cat").kept_names == ("dog", "cat")
    assert SegmentOptions(keep=("dog",), classic=True).kept_names == ("dog",)
