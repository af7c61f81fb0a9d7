"""The command line's options by the same names, from a query or a form.

No path and no URL is among them: what a client names is never opened here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.cartoon.colours import Palette
from engine.errors import OptionError, did_you_mean
from engine.options import (
    EDGES,
    FORMATS,
    KINDS,
    LEAST_COLOURS,
    MAX_SIZE,
    MOST_COLOURS,
    MOST_WEIGHT,
    NAMED_BACKGROUNDS,
    PICTURES,
    POLICIES,
    STYLES,
    CartoonOptions,
    CutoutOptions,
    OutputOptions,
    SegmentOptions,
    parse_colour,
)
from engine.result import refuse_shapes, refuse_transparency

WEIGHTS = {"type": "number", "minimum": 0, "maximum": MOST_WEIGHT, "default": 1.0}
TEXT = {"type": "string"}
SCHEMAS: dict[str, dict[str, Any]] = {
    "save": TEXT | {
        "description": "Kinds of pictures, joined by commas, or all: " + ", ".join(KINDS) + ".",
        "example": "cutout,cartoon",
    },
    "format": TEXT | {"enum": list(FORMATS), "description": "Default: by Accept, else png."},
    "quality": {"type": "integer", "minimum": 1, "maximum": 100, "description": "Of jpg and webp."},
    "size": {
        "type": "integer", "minimum": 1, "maximum": MAX_SIZE,
        "description": "Pixels of the longer side, to which larger pictures are reduced.",
    },
    "crop": {"type": "boolean", "default": False, "description": "Crop to what is kept."},
    "style": TEXT | {"enum": list(STYLES), "description": "Default: comic; with classic classic."},
    "colours": {
        "type": "integer", "minimum": LEAST_COLOURS, "maximum": MOST_COLOURS,
        "description": "At most so many. Default: as many as the photo needs.",
    },
    "lines": WEIGHTS | {"description": "Weight of the lines, 0 for none."},
    "detail": WEIGHTS | {"description": "How much of what is small is kept."},
    "vivid": WEIGHTS | {"description": "Strength of the colours, 0 for grey."},
    "palette": TEXT | {
        "description": "JSON of the colours to draw in; or upload it, or a photo, by this name.",
        "example": '["#203040", "#f0e0d0", "#a06040"]',
    },
    "background": TEXT | {
        "default": "white",
        "description": ", ".join(NAMED_BACKGROUNDS) + ", or a colour as CSS writes it. A picture "
        "is uploaded by this name.",
        "example": "#203040",
    },
    "people": TEXT | {
        "default": "all", "pattern": "^(all|largest|[1-9][0-9]{0,8})$",
        "description": "all, largest, or how many of the largest.",
    },
    "keep": TEXT | {"description": "Class names joined by commas, or all. Default: person."},
    "edges": TEXT | {"enum": list(EDGES), "default": "refined", "description": "Of the cut-out."},
    "clean": {"type": "boolean", "default": True, "description": "Drop islands, fill pinholes."},
    "precise": {
        "type": "boolean", "default": False,
        "description": "Look at each person again: better, and slower. Not with classic.",
    },
    "classic": {"type": "boolean", "default": False, "description": "The method as published."},
    "metadata": TEXT | {
        "enum": list(POLICIES), "default": "copy-safe",
        "description": "From photo to pictures: copy-safe (without the place), keep or strip.",
    },
    "model": TEXT | {"default": "default", "description": "The name of the model that is loaded."},
    "name": TEXT | {
        "maxLength": 120,
        "description": "Of the photo, for names of files. Default: the uploaded file's, or photo.",
    },
    "measure": {
        "type": "boolean", "default": False,
        "description": "Also MSE, log MSE and SSIM of single pictures; JSON always has them.",
    },
}  # fmt: skip
"""By name, as JSON schemas."""
NAMES = frozenset(SCHEMAS)
ALIASES = {"colors": "colours"}
_BOOLEANS = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(
    ("false", "0", "no", "off"), False
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a request asks for, as the engine's own options."""

    segment: SegmentOptions
    cutout: CutoutOptions
    cartoon: CartoonOptions
    output: OutputOptions
    has_format: bool
    """Whether the format was asked for by name."""
    has_kinds: bool
    measure: bool
    name: str


def parse(texts: Mapping[str, str], default_kind: str, model: str) -> Asked:
    """The options in a request's texts. Raises OptionError.

    `model` is the name of the one that is loaded.
    """
    values = {name: _to_value(name, text) for name, text in texts.items()}
    if values.get("model", "default") not in ("default", model):
        message = f"model {values['model']!r} is not loaded here; expected {model}."
        raise OptionError(message, option="model")
    classic = values.get("classic", False)
    knobs = {
        name: values[name] for name in ("colours", "lines", "detail", "vivid") if name in values
    }
    palette = _find_palette(values.get("palette"))
    cartoon = CartoonOptions(values.get("style"), palette=palette, **knobs).in_mode(classic)
    cutout = CutoutOptions(
        check_background(values.get("background", "white")),
        **{name: values[name] for name in ("edges", "clean", "people") if name in values},
    )
    output = OutputOptions(
        _find_kinds(values.get("save"), default_kind),
        **{
            name: values[name]
            for name in ("format", "quality", "metadata", "crop", "size")
            if name in values
        },
    )
    refuse_shapes(output.kinds, cartoon.style or "")
    if cutout.background == "transparent":
        refuse_transparency(output.kinds, output.format)
    return Asked(
        segment=SegmentOptions(values.get("keep"), classic, values.get("precise", False)),
        cutout=cutout, cartoon=cartoon, output=output,
        has_format="format" in values, has_kinds="save" in values,
        measure=values.get("measure", False), name=clean_name(values.get("name", "")),
    )  # fmt: skip


def check_background(text: str) -> str:
    """The text, if it is a name or a colour. Raises OptionError: a path is opened for nobody."""
    if text in NAMED_BACKGROUNDS or (text and parse_colour(text)):
        return text
    raise OptionError(
        f"background {text[:80]!r}: no such name or colour. "
        f"{did_you_mean(text, NAMED_BACKGROUNDS)} A picture is uploaded as a file of that name.",
        option="background",
    )


def to_boolean(name: str, text: str) -> bool:
    """Raises OptionError for what is neither true nor false."""
    if text.lower() not in _BOOLEANS:
        raise OptionError(f"{name} is {text[:80]!r}; expected true or false.", option=name)
    return _BOOLEANS[text.lower()]


def _to_value(name: str, text: str) -> Any:
    schema = SCHEMAS.get(name)
    if schema is None:
        raise OptionError(
            f"{name[:80]!r} is no option. {did_you_mean(name, sorted(NAMES))}", option=name[:80]
        )
    try:
        match schema["type"]:
            case "integer":
                return int(text) if text.isascii() and "_" not in text else int("")
            case "number":
                return float(text) if text.isascii() and "_" not in text else float("")
            case "boolean":
                return to_boolean(name, text)
    except ValueError:
        kind = "a whole number" if schema["type"] == "integer" else "a number"
        raise OptionError(f"{name} is {text[:80]!r}; expected {kind}.", option=name) from None
    return text


def _find_kinds(words: str | None, default: str) -> tuple[str, ...]:
    if words == "all":
        return PICTURES
    return tuple(
        dict.fromkeys(kind.strip() for kind in (default if words is None else words).split(","))
    )


def _find_palette(text: str | None) -> Palette | None:
    return None if text is None else Palette.from_json(text, "palette")


def clean_name(name: str) -> str:
    """Without folders and what no file's name should hold."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[:120].strip(" .")
