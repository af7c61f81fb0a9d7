"""What rembg's server understands, as options of ours, for programs that call it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.errors import OptionError
from engine.serve.parameters import to_boolean

FOLLOWED = frozenset({"bgc", "bgcolor", "model", "om"})
"""The others say how rembg's own models are used; edges follow the photo here anyway."""
PARAMETERS = {
    "om": {"type": "boolean", "default": False, "description": "Only the mask."},
    "bgc": {
        "type": "string", "pattern": "^[0-9]{1,3}(,[0-9]{1,3}){3}$", "example": "255,255,255,255",
        "description": "Red, green, blue and alpha of what lies behind. Default: transparent.",
    },
    "model": {"type": "string", "description": "None of rembg's is here; ours is used."},
}  # fmt: skip
"""By name, as JSON schemas."""


def translate(texts: Mapping[str, str], model: str) -> tuple[dict[str, str], list[str]]:
    """Our options for rembg's, and what has to be told of those that are not followed.

    Raises OptionError.
    """
    notes = [f"{name[:80]} is ignored" for name in sorted(texts.keys() - FOLLOWED)]
    asked = texts.get("model", model)
    if asked != model:
        notes.append(f"model {asked[:80]} is not here, {model} was used")
    is_mask = to_boolean("om", texts.get("om", "false"))
    ours = {"save": "mask" if is_mask else "cutout", "format": "png"}
    colour = texts.get("bgcolor") or texts.get("bgc")
    if not is_mask:
        ours["background"] = _to_colour(colour) if colour else "transparent"
    return ours, notes


def _to_colour(text: str) -> str:
    levels = re.findall(r"\d+", text)
    is_plain = re.fullmatch(r"[\d\s,()\[\]]+", text) and len(levels) in (3, 4)
    if not is_plain or any(len(level) > 3 or int(level) > 255 for level in levels):
        message = f"bgc is {text[:80]!r}; expected red, green, blue and alpha, as 255,255,255,255."
        raise OptionError(message, option="bgc")
    if levels[3:] == ["0"]:
        return "transparent"
    return f"rgb({','.join(levels[:3])})"
