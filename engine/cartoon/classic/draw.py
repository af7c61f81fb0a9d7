"""A classic drawing laid on what is behind it."""

from __future__ import annotations

import numpy as np

from engine.cartoon.classic import stylise
from engine.cartoon.drawing import Drawing, Subject
from engine.cutout.blend import add_alpha, blend
from engine.options import CartoonOptions


def draw(subject: Subject, options: CartoonOptions, threads: int = 1) -> Drawing:
    """The cartoon of a subject, whose palette is found from the subject on white.

    On white, and for the whole picture, it is the method's own: its paper is the lightest colour.
    """
    # The published code reads the cut-out as BGR and treats it as RGB.
    drawn = stylise.draw(subject.on_white, options, swap=True, threads=threads)
    cartoon, alpha, behind = drawn.cartoon, subject.alpha, subject.behind
    if alpha is not None and (subject.is_transparent or behind is not None):
        _colour_rim(subject, drawn, options)
        cartoon = add_alpha(cartoon, alpha) if behind is None else blend(
            cartoon, alpha, behind, threads
        )  # fmt: skip
    centroids = dict(zip(stylise.CHANNELS, drawn.centroids, strict=True))
    return Drawing(cartoon, None, centroids, drawn.histograms)


def _colour_rim(subject: Subject, drawn: stylise.Drawing, options: CartoonOptions) -> None:
    """Redraws the edge from the person's colours: there, the drawing is mixed with white."""
    if subject.person is not None and subject.alpha is not None:
        redrawn = stylise.redraw(subject.person, drawn, options, swap=True)
        np.copyto(drawn.cartoon, redrawn, where=(subject.alpha < 1)[..., None])
