"""A picture drawn in a style; only the kernels of that style are loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.cartoon.colours import Palette
from engine.cartoon.drawing import Drawing, Subject, check_picture
from engine.errors import PhotoError
from engine.options import CartoonOptions
from engine.threads import usable_threads

Draw: TypeAlias = Callable[[Subject, CartoonOptions, int], Drawing]


def stylise(
    image: NDArray[np.uint8],
    alpha: NDArray[np.float32] | None = None,
    style: str = "comic",
    *,
    colours: int | None = None,
    lines: float = 1.0,
    detail: float = 1.0,
    vivid: float = 1.0,
    palette: Palette | None = None,
) -> NDArray[np.uint8]:
    """The cartoon, uint8 (H, W, 3) RGB, of a picture in one of the styles.

    Parameters
    ----------
    image : uint8 (H, W, 3) RGB
        A cut-out on white, or a whole picture.
    alpha : float32 (H, W), 0..1, or None
        Share of what is drawn; all else is white. None: the whole picture is drawn. Classic does
        not look at it, because it draws the white paper too.
    style : "comic", "poster", "ink" or "classic"
    colours, lines, detail, vivid, palette
        As in CartoonOptions.

    Raises
    ------
    PhotoError
        The picture or alpha is of another dtype, shape or range.
    OptionError
        An unknown style, an option out of its range, or one that the style does not know.
    """
    options = CartoonOptions(style, colours, lines, detail, vivid, palette).in_mode(classic=False)
    image = check_picture(image)
    subject = Subject(image, None if alpha is None else _check_alpha(alpha, image.shape[:2]))
    return load_style(options)(subject, options, usable_threads()).cartoon


def load_style(options: CartoonOptions) -> Draw:
    """What draws in the options' style. Its kernels are loaded now, and compiled at first use."""
    if options.style == "classic":
        from engine.cartoon.classic.draw import draw as draw_classic

        return draw_classic
    from engine.cartoon.refined.draw import draw

    def draw_refined(subject: Subject, options: CartoonOptions, threads: int) -> Drawing:
        return draw(
            subject.on_white, subject.alpha, options, palette=options.palette,
            behind=subject.behind, transparent=subject.is_transparent, memory=subject.memory,
            threads=threads,
        )  # fmt: skip

    return draw_refined


def _check_alpha(alpha: Any, size: tuple[int, ...]) -> NDArray[np.float32]:
    alpha = np.asarray(alpha)
    if alpha.shape != size or alpha.dtype.kind != "f":
        raise PhotoError(
            f"alpha: {alpha.dtype} of shape {alpha.shape}; expected float32 of shape {size}."
        )
    if not ((alpha >= 0) & (alpha <= 1)).all():
        raise PhotoError("alpha: values below 0 or above 1; expected 0 to 1.")
    return np.require(alpha, np.float32, ("C", "W"))
