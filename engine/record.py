"""What is known of a photo that was done, skipped or failed, without its pictures.

One type for the journal, the report, the console, JSON and clusters. Records travel through
files that anybody may have written, so parsing checks everything.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.cartoon.colours import MOST_COLOURS
from engine.display import MOST_SHOWN, data_uri
from engine.errors import EngineError
from engine.result import Result

VERSION = 2
"""Of the format. Records of another version are refused by `parse`."""
STATES = ("done", "skipped", "failed")
THUMBNAIL_SIDE = 160
CLASSIC_CHANNELS = {"hue": 180, "saturation": 256, "value": 256}
CHANNELS = {"lightness": 256, "chroma": 256, "hue": 180}
"""Levels of each channel: of a classic drawing, and of all others."""
_THUMBNAIL = re.compile(r"data:image/webp;base64,[A-Za-z0-9+/]*={0,2}")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_LONGEST_TEXT = 1 << 20
_LONGEST_LIST = 10_000


@dataclass(frozen=True, kw_only=True)
class PhotoRecord:
    """What became of one photo. Numbers without a value are None."""

    photo: str
    """Its path or URL, as it was given or found."""
    state: str
    """done, skipped (it was done before) or failed."""
    name: str = ""
    """Of its pictures: their path below the output folder, up to the kind."""
    key: str = ""
    """Of the photo's bytes and of all settings that decide the pictures."""
    source: str = ""
    """The photo's path without links, or its URL: the same text however it was named."""
    time: float = 0.0
    """When this was written down, in seconds since 1970."""
    error: str = ""
    """What went wrong; empty unless it failed. `told` adds what to do."""
    exit_code: int = 0
    option: str = ""
    advice: str = ""
    """As in EngineError."""
    width: int = 0
    height: int = 0
    share: float = 0.0
    """Of the picture that is kept, 0..1."""
    style: str = ""
    centroids: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Levels of "lightness", "chroma" and "hue", which has none in a grey drawing; in classic, of
    "hue", "saturation" and "value"."""
    colours: tuple[str, ...] = ()
    """Of what is kept of the cartoon, "#rrggbb", the commonest first: all of them; of a classic one
    at most 24, where a report was asked for."""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds of each stage."""
    files: tuple[str, ...] = ()
    """Paths of the pictures, below the output folder, with "/" between their parts."""
    digests: tuple[str, ...] = ()
    """Of each file's bytes: by it a file is known as ours."""
    warnings: tuple[str, ...] = ()
    model: str = ""
    provider: str = ""
    thumbnails: Mapping[str, str] = field(default_factory=dict)
    """"photo", "cutout" and "cartoon" as data: URIs of WebP files, where a report was asked for."""
    histograms: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Pixels per level of each channel, where a report was asked for."""
    version: int = VERSION

    @classmethod
    def of_failure(cls, photo: str, name: str, error: EngineError, source: str = "") -> PhotoRecord:
        """The record of a photo that could not be done."""
        return cls(
            photo=photo, name=name, source=source, state="failed",
            error=error.message or str(error), exit_code=error.exit_code, option=error.option,
            advice=error.advice, time=time.time(),
        )  # fmt: skip

    @property
    def is_empty(self) -> bool:
        """Whether the photo was done, and nothing in it was kept."""
        return self.state != "failed" and self.width > 0 and self.share == 0

    def told(self, spell: Callable[[str], str] = str) -> str:
        """The error, and what to do about it, with the option's name as `spell` writes it."""
        return EngineError(self.error, option=self.option, advice=self.advice).told(spell)

    def to_json(self) -> str:
        """One line of ASCII. Empty fields are left out; `parse` gives the same record again."""
        filled = {n: v for n, v in asdict(self).items() if v not in ("", (), {}) or n == "photo"}
        return json.dumps(filled, allow_nan=False)


def to_record(
    result: Result,
    photo: str,
    *,
    name: str = "",
    key: str = "",
    source: str = "",
    files: Mapping[str, str] | None = None,
    measure: bool = True,
    detail: bool = False,
) -> PhotoRecord:
    """The record of a photo that was done.

    Parameters
    ----------
    files : the digest of each picture that was written, by its path below the output folder
    measure : whether there are metrics, which take time
    detail : whether there are thumbnails, colours and histograms, which a report shows
    """
    height, width = result.alpha.shape
    metrics = result.metrics if measure else {}
    pictures = {"photo": result.photo, "cutout": result.cutout, "cartoon": result.cartoon}
    files = files or {}
    return PhotoRecord(
        photo=photo,
        state="done",
        name=name or result.name,
        key=key,
        source=source,
        time=time.time(),
        width=width,
        height=height,
        share=result.share,
        style=result.style,
        centroids={name: _to_levels(found) for name, found in result.centroids.items()},
        colours=_find_colours(result, detail),
        metrics={name: v if math.isfinite(v) else None for name, v in metrics.items()},
        timings_ms={stage: round(ms, 3) for stage, ms in result.timings.items()},
        files=tuple(files),
        digests=tuple(files.values()),
        warnings=tuple(result.warnings),
        model=result.model,
        provider=result.provider,
        thumbnails={k: data_uri(p, THUMBNAIL_SIDE) for k, p in pictures.items() if detail},
        histograms={n: tuple(c.tolist()) for n, c in result.histograms.items() if detail},
    )


def _to_levels(centroids: NDArray[np.float64]) -> tuple[int, ...]:
    """As quantisation truncates them."""
    return tuple(centroids.astype(int).tolist())


def _find_colours(result: Result, detail: bool) -> tuple[str, ...]:
    if result.painted is not None:
        return tuple(result.painted.by_share)
    return tuple(result.palette.by_share[:MOST_SHOWN]) if detail else ()  # to count takes time


def parse(text: str | bytes) -> PhotoRecord:
    """The record of a line of JSON. Raises ValueError for anything that `to_json` never writes."""
    try:
        values = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError("expected a JSON object")
    if values.get("version") != VERSION:
        raise ValueError(f"version {values.get('version')!r}, expected {VERSION}")
    known = {field.name for field in fields(PhotoRecord)}
    if not {"photo", "state"} <= values.keys() <= known:
        raise ValueError(f"unexpected or missing fields: {sorted(values.keys() ^ known)[:3]}")
    record = PhotoRecord(**{name: _CHECKS[name](value) for name, value in values.items()})
    if len(record.digests) != len(record.files):
        raise ValueError(f"{len(record.files)} files and {len(record.digests)} digests")
    return record


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise ValueError("expected a text")
    return value


def _path_below(value: Any) -> str:
    """A file's or a name's path that stays below the output folder."""
    parts = _text(value).split("/")
    if "\0" in value or ".." in parts or parts[0] == "":
        raise ValueError(f"expected a path below the output folder, found {value[:80]!r}")
    os.fsencode(value)  # raises a ValueError for what cannot be the name of a file
    return str(value)


def _state(value: Any) -> str:
    if value not in STATES:
        raise ValueError(f"state {value!r}")
    return str(value)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise ValueError("expected a whole number that is not negative")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not abs(value) <= sys.float_info.max:
        raise ValueError("expected a number")
    return float(value)


def _number_or_none(value: Any) -> float | None:
    return None if value is None else _number(value)


def _thumbnail(value: Any) -> str:
    if not _THUMBNAIL.fullmatch(_text(value)):
        raise ValueError("expected a WebP file as a data: URI")
    return str(value)


def _colours(value: Any) -> tuple[str, ...]:
    found = _list_of(_text)(value)
    if len(found) > MOST_COLOURS or not all(map(_COLOUR.fullmatch, found)):
        raise ValueError(f"expected at most {MOST_COLOURS} colours, #rrggbb")
    return found


def _list_of(check: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def check_list(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > _LONGEST_LIST:
            raise ValueError("expected a list")
        return tuple(map(check, value))

    return check_list


def _map_of(check: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    def check_map(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > _LONGEST_LIST:
            raise ValueError("expected an object")
        return {_text(name): check(item) for name, item in value.items()}

    return check_map


def _channels(check: Callable[[tuple[int, ...], int], bool]) -> Callable[[Any], dict[str, Any]]:
    """A map from the channels of a style to levels or counts that `check` accepts."""
    lists = _map_of(_list_of(_count))

    def check_channels(value: Any) -> dict[str, tuple[int, ...]]:
        found = lists(value)
        channels = CLASSIC_CHANNELS if "saturation" in found else CHANNELS
        if found and found.keys() != channels.keys():
            raise ValueError(f"expected the channels {', '.join(channels)}")
        if not all(check(items, channels[name]) for name, items in found.items()):
            raise ValueError("levels or counts that no channel has")
        return {name: found[name] for name in channels if found}

    return check_channels


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "photo": _text, "state": _state, "name": _path_below, "key": _text, "source": _text,
    "style": _text, "time": _number, "error": _text,
    "exit_code": _count, "option": _text, "advice": _text, "width": _count, "height": _count,
    "share": _number, "metrics": _map_of(_number_or_none), "timings_ms": _map_of(_number),
    "files": _list_of(_path_below), "digests": _list_of(_text), "warnings": _list_of(_text),
    "colours": _colours, "model": _text, "provider": _text,
    "thumbnails": _map_of(_thumbnail), "version": _count,
    "centroids": _channels(lambda levels, n: len(levels) <= n and max(levels, default=0) < n),
    "histograms": _channels(lambda counts, n: len(counts) == n),
}  # fmt: skip
