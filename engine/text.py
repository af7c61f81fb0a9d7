"""Text that strangers wrote, made fit to be shown."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text on one line, with all that is not shown as a character written as an escape.

    What comes back is valid Unicode, and can neither move a terminal's cursor nor turn the
    direction of writing.
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
