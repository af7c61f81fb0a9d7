"""A command from a request: one frozen dataclass declares the options, and checks them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_type_hints

from engine.cli.exits import errors_to_exit_codes

Request = TypeVar("Request")


def takes(
    request: type[Request], prepare: Callable[[], None] = lambda: None
) -> Callable[[Callable[[Request], None]], Callable[..., None]]:
    """Turns a function of a request into a command whose parameters are the request's fields.

    The fields are annotated as typer expects parameters to be. What the request or the function
    raises becomes an exit code. `prepare` is called before the request is made.
    """

    def to_command(run: Callable[[Request], None]) -> Callable[..., None]:
        def command(**values: Any) -> None:
            with errors_to_exit_codes():
                prepare()
                run(request(**values))

        hints = get_type_hints(request, include_extras=True)
        parameters = [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.default is MISSING else field.default,
                annotation=hints[field.name],
            )
            for field in fields(request)  # type: ignore[arg-type]
        ]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {name: hints[name] for name in (p.name for p in parameters)}
        command.__name__, command.__doc__ = run.__name__, run.__doc__
        return command

    return to_command
