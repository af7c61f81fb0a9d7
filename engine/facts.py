"""What the engine has to know of a model besides its graph: read, and checked, from JSON.

A stranger may have written it, so each value has a type and a range.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shorten  # of values that may be long, or hold terminal escapes
from typing import Any

from engine.errors import ModelError

METADATA_KEY = "cartoonify"
MAX_DESCRIPTION_BYTES = 1 << 20
"""256 classes with names of the greatest length take a tenth of it."""
MAX_INPUT_SIDE = 4096
MAX_INPUT_PIXELS = 1 << 23
"""Ten times what our own models are fed. The smallest of them takes 200 bytes per pixel, which are
1.7 GB here, and other networks take more."""
MAX_CLASSES = 256
"""Label maps are uint8."""
FOREGROUND = "foreground"
"""The class of a network that cuts out whatever stands out."""
MAX_NAME = 100
"""Characters of a class, which messages repeat."""
_MAX_TEXT = 1000
_MAX_LARGEST = 65_535  # no photo has a longer side
_MAX_NORM, _MIN_STD = 1e6, 1e-6  # with these, a tensor's values are finite in float32


@dataclass(frozen=True)
class InputRule:
    """How large the network's input is for a photo; both sides are `multiple` * k + `plus`."""

    shorter_side: int
    """Pixels, before rounding."""
    multiple: int
    """A coarse multiple keeps the number of different shapes small."""
    plus: int
    longer_side_limit: int
    """Pixels; a longer photo is shrunk to it."""

    def round_side(self, side: float) -> int:
        """The allowed number of pixels that is nearest to a side's."""
        steps = max(1, round((side - self.plus) / self.multiple))
        return steps * self.multiple + self.plus


@dataclass(frozen=True)
class FixedSize:
    """The one size of the network's input; photos are squashed to it."""

    height: int
    width: int


@dataclass(frozen=True)
class ModelFacts:
    """What the engine has to know of a model besides its graph."""

    name: str
    input: InputRule | FixedSize
    mean: tuple[float, ...]
    """Three numbers, subtracted from the photo in 0..1, in the order of its channels."""
    std: tuple[float, ...]
    channel_order: str
    """RGB or BGR."""
    classes: tuple[str, ...]
    """In the order of the logits; the first is the background."""
    licence: str
    origin: str
    sha256: str
    largest: tuple[int, int] | None = None
    """Height and width of the largest input of a graph that is exact up to there only."""
    untouched: str = ""
    """The model to take beyond `largest`."""
    align_corners: bool = False
    """The corners of the logits lie on those of the photo; else both are areas of equal parts."""
    alpha: str = ""
    """Of a network whose first output is an alpha matte: probability (0..1) or logits. Empty where
    it gives logits of the classes."""
    layout: str = "NCHW"
    """Of its tensors: NCHW or NHWC."""


def facts_from_metadata(metadata: Mapping[str, str], path: str) -> ModelFacts:
    """The facts that a graph carries in its metadata_props, as JSON under "cartoonify"."""
    if METADATA_KEY not in metadata:
        raise ModelError(
            f"{path}: nothing describes this model; expected a JSON beside it, or in its "
            f"metadata_props under {METADATA_KEY!r}, with the facts listed in docs/models.md."
        )
    return to_facts(Path(path).stem, parse_description(metadata[METADATA_KEY], path), path)


def parse_description(text: str | bytes, where: str) -> dict[str, Any]:
    """The JSON object in a text. Raises ModelError, which says `where` it comes from."""
    if len(text) > MAX_DESCRIPTION_BYTES:
        raise ModelError(
            f"{where}: the model's description has {len(text):,} characters, expected "
            f"{MAX_DESCRIPTION_BYTES:,} at most. Leave out what docs/models.md does not list."
        )
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise _not_an_object(where, "it is nested too deeply") from error
    except ValueError as error:
        raise _not_an_object(where, str(error)) from error
    if not isinstance(value, dict):
        raise _not_an_object(where, f"found {shorten(value)}")
    return value


def to_facts(name: str, entry: dict[str, Any], where: str) -> ModelFacts:
    """The facts in a description. Raises ModelError for what is missing or out of its range."""
    try:
        facts = ModelFacts(
            name=name,
            input=_to_rule(entry["input"]),
            mean=_to_numbers(entry["mean"], "mean", -_MAX_NORM),
            std=_to_numbers(entry["std"], "std", _MIN_STD),
            channel_order=_to_text(entry["channel_order"], "channel_order").upper(),
            classes=_to_classes(entry["classes"] if "alpha" not in entry else _alphas(entry)),
            licence=_to_text(entry["licence"], "licence"),
            origin=_to_text(entry["origin"], "origin"),
            sha256=_to_text(entry.get("sha256", ""), "sha256"),
            largest=_to_size(entry.get("largest")),
            untouched=_to_text(entry.get("untouched", ""), "untouched"),
            align_corners=entry.get("align_corners", False),
            alpha=_to_text(entry.get("alpha", ""), "alpha"),
            layout=_to_text(entry.get("layout", "NCHW"), "layout").upper(),
        )
        _check(facts)
    except KeyError as error:
        raise _unfit(where, f"lacks {error}") from error
    except ValueError as error:
        raise _unfit(where, f"is not usable: {error}") from error
    return facts


def _to_rule(value: Any) -> InputRule | FixedSize:
    if not isinstance(value, dict):
        raise ValueError(f"input is {shorten(value)}, expected an object")
    if "height" in value:
        return FixedSize(
            height=_to_whole(value["height"], "height", 1, MAX_INPUT_SIDE),
            width=_to_whole(value["width"], "width", 1, MAX_INPUT_SIDE),
        )
    return InputRule(
        shorter_side=_to_whole(value["shorter_side"], "shorter_side", 1, MAX_INPUT_SIDE),
        multiple=_to_whole(value["multiple"], "multiple", 1, MAX_INPUT_SIDE),
        plus=_to_whole(value["plus"], "plus", 0, MAX_INPUT_SIDE),
        longer_side_limit=_to_whole(
            value["longer_side_limit"], "longer_side_limit", 1, MAX_INPUT_SIDE
        ),
    )


def _to_whole(value: Any, key: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:  # bool is an int, too
        raise ValueError(
            f"{key} is {shorten(value)}, expected a whole number from {least} to {most}"
        )
    return value


def _to_numbers(value: Any, key: str, least: float) -> tuple[float, ...]:
    numbers: list[Any] = value if isinstance(value, list) else []
    fit = (type(number) in (int, float) and least <= number <= _MAX_NORM for number in numbers)
    if len(numbers) != 3 or not all(fit):
        raise ValueError(
            f"{key} is {shorten(value)}, expected three numbers from {least:g} to {_MAX_NORM:g}"
        )
    return tuple(map(float, numbers))


def _to_text(value: Any, key: str, most: int = _MAX_TEXT) -> str:
    if not (isinstance(value, str) and len(value) <= most and value.isprintable()):
        raise ValueError(
            f"{key} is {shorten(value)}, expected text of at most {most} printable characters"
        )
    return value


def _alphas(entry: dict[str, Any]) -> Any:
    """The classes of a matte: the background, and one more."""
    classes = entry.get("classes", ["background", FOREGROUND])
    if isinstance(classes, list) and len(classes) != 2:
        raise ValueError(f"classes is {shorten(classes)}, expected two names beside alpha")
    return classes


def _to_classes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 2 <= len(value) <= MAX_CLASSES:
        raise ValueError(f"classes is {shorten(value)}, expected 2 to {MAX_CLASSES} names")
    names: dict[str, str] = {}
    for name in value:
        plain = _to_text(name, "a class", MAX_NAME).strip().casefold()
        if not plain or plain in names:
            raise ValueError(f"class {name!r} is empty or there twice, expected different names")
        names[plain] = name
    return tuple(names.values())


def _to_size(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"largest is {shorten(value)}, expected a height and a width")
    height, width = (_to_whole(side, "a side of largest", 1, _MAX_LARGEST) for side in value)
    return height, width


def _check(facts: ModelFacts) -> None:
    rule = facts.input
    if isinstance(rule, FixedSize):
        short, long = sorted((rule.height, rule.width))
    elif rule.longer_side_limit < rule.shorter_side:
        raise ValueError(f"longer_side_limit is below shorter_side, {rule.shorter_side}")
    else:
        short, long = rule.round_side(rule.shorter_side), rule.round_side(rule.longer_side_limit)
    if long > MAX_INPUT_SIDE or short * long > MAX_INPUT_PIXELS:
        raise ValueError(
            f"input leads to {short} x {long} pixels, expected at most {MAX_INPUT_SIDE} per side "
            f"and {MAX_INPUT_PIXELS:,} in all"
        )
    if facts.channel_order not in ("RGB", "BGR"):
        raise ValueError(f"channel_order is {facts.channel_order!r}, expected RGB or BGR")
    if not re.fullmatch("([0-9a-fA-F]{64})?", facts.sha256):
        raise ValueError(f"sha256 is {shorten(facts.sha256)}, expected 64 hexadecimal digits")
    if (facts.largest is None) != (facts.untouched == ""):
        raise ValueError("one of largest and untouched is missing, expected both or neither")
    if not isinstance(facts.align_corners, bool):
        raise ValueError(f"align_corners is {shorten(facts.align_corners)}, expected true or false")
    if facts.alpha not in ("", "probability", "logits"):
        raise ValueError(f"alpha is {shorten(facts.alpha)}, expected probability or logits")
    if facts.layout not in ("NCHW", "NHWC"):
        raise ValueError(f"layout is {shorten(facts.layout)}, expected NCHW or NHWC")


def _not_an_object(where: str, reason: str) -> ModelError:
    return ModelError(
        f"{where}: the model's description is not a JSON object: {reason}. See docs/models.md."
    )


def _unfit(where: str, problem: str) -> ModelError:
    return ModelError(f"{where}: the model's description {problem}. See docs/models.md.")
