"""A palette's JSON is hostile until it is checked."""

import json

import pytest

from engine.cartoon.colours import MOST_COLOURS, Palette
from engine.errors import OptionError

HOSTILE = {
    "nothing": "",
    "no JSON": "{",
    "no text": b"\xff\xfe\x00",
    "a number": "5",
    "no colour": "[]",
    "no colours in an object": "{}",
    "unknown keys": '{"colours": ["red"], "run": "rm"}',
    "numbers for colours": "[1, 2, 3]",
    "lists for colours": "[[1, 2, 3]]",
    "an unknown name": '["reddish"]',
    "a transparent colour": '["#ff000080"]',
    "an endless colour": json.dumps(["#" + "f" * 60_000]),
    "a million colours": json.dumps(["red"] * 1_000_000),
    "too many colours": json.dumps(["red"] * (MOST_COLOURS + 1)),
    "not a number": '{"colours": ["red"], "lab": [[NaN, 0, 0]]}',
    "infinity": '{"colours": ["red"], "lab": [[1e999, 0, 0]]}',
    "a number of a thousand digits": '{"colours": ["red"], "share": [' + "9" * 1000 + "]}",
    "more digits than Python reads": '{"colours": ["red"], "share": [' + "9" * 5000 + "]}",
    "a text for a number": '{"colours": ["red"], "share": ["1"]}',
    "truth for a number": '{"colours": ["red"], "share": [true]}',
    "too dark": '{"colours": ["red"], "lab": [[-1, 0, 0]]}',
    "too light": '{"colours": ["red"], "lab": [[101, 0, 0]]}',
    "too few Lab colours": '{"colours": ["red", "navy"], "lab": [[50, 0, 0]]}',
    "Lab colours of two numbers": '{"colours": ["red"], "lab": [[50, 0]]}',
    "shares of more than all": '{"colours": ["red", "navy"], "share": [1, 1]}',
    "a negative share": '{"colours": ["red", "navy"], "share": [2, -1]}',
    "deep nesting": "[" * 30_000,
    "deep nesting in an object": '{"colours": ' + "[" * 30_000 + "]" * 30_000 + "}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_palette_is_refused_with_one_short_line(text):
    with pytest.raises(OptionError, match=r"^family\.json: ") as refused:
        Palette.from_json(text, "family.json")
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)
