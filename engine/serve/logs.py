"""The log: a JSON object per line on stderr. Names of files are in it only where that is asked."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback

log = logging.getLogger("engine.serve")
"""Of the service itself, which names no files."""
_FIELDS = ("request_id", "method", "route", "status", "ms", "problem")


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            line["trace"] = "".join(traceback.format_tb(record.exc_info[2]))
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line)


def set_up(verbose: bool, names: bool) -> None:
    """For a process of our own. Without `names`, what the engine says of photos is left out,
    because it calls them by the names of their files."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("engine").setLevel(logging.WARNING if names else logging.CRITICAL)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # else it tells of every bad request
    log.setLevel(logging.INFO if verbose else logging.WARNING)
