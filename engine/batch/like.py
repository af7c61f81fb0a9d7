"""The colours that a run's drawings share: those in a JSON file, or those of a photo's drawing."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from engine.batch.store import open_store
from engine.cartoon.colours import Palette
from engine.errors import OptionError, PhotoError
from engine.files.palettes import LONGEST_TEXT

if TYPE_CHECKING:
    from engine.pipeline import Cartoonifier


def find_palette(source: str, app: Cartoonifier) -> Palette:
    """The palette of a path or URL. A photo is drawn by `app`, in its style and with its knobs.

    Raises OptionError when it cannot be read, is no palette, or nothing is found in the photo.
    """
    store = open_store(source)
    if source.lower().endswith(".json"):
        try:
            with store.open(source) as file:
                return Palette.from_json(file.read(LONGEST_TEXT + 1), source)
        except OSError as error:
            reason = error.strerror or error
            raise OptionError(f"palette {source}: cannot be read: {reason}.") from error
    try:
        photo = io.BytesIO(store.read(source, app.max_megapixels))
        photo.name = source  # by which errors call it
        result = app(photo, name=source)
    except PhotoError as error:
        raise OptionError(f"palette {error.message}") from error
    if result.warnings:
        raise OptionError(f"palette {source}: {'; '.join(result.warnings)}. Take another photo.")
    return result.palette
