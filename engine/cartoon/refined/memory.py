"""What a drawing remembers of the frames before it, where it is one of a video."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.cartoon.refined.working import View, Working


class Memory(Protocol):
    """Keeps what is drawn still from frame to frame; `engine.video` has the one that does."""

    def hold(self, view: View) -> View:
        """The view to draw, given the one of a photo: in a shot it stays where it is."""

    def steady(
        self, smoothed: NDArray[np.float32], working: Working, view: View, threads: int
    ) -> tuple[NDArray[np.float32], Working]:
        """The smoothed picture, float32 (h, w, 3), and its working picture, both steadied in place.

        The first one is kept for the next frame.
        """

    def steady_lines(
        self, ink: NDArray[np.float32], edge: NDArray[np.float32], view: View
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Strokes and silhouette, both float32 (h, w), steadied in place; the latter is kept."""
