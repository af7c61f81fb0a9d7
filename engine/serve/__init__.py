"""The service: an HTTP interface and a page, on the engine as it is.

    from engine.serve import ServeOptions, create_app
    service = create_app(ServeOptions(token="..."))

Needs the extra `serve`; names are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.serve.app import create_app as create_app
    from engine.serve.options import ServeOptions as ServeOptions

_HOME_OF = {"create_app": "engine.serve.app", "ServeOptions": "engine.serve.options"}
__all__ = ["ServeOptions", "create_app"]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)
