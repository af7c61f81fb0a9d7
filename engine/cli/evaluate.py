"""`cartoonify evaluate FOLDER`: how far the cartoons of a folder are from their cut-outs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine import process
from engine.cli import choices
from engine.cli.command import takes
from engine.cli.exits import SOME_FAILED, flag, put, say
from engine.errors import EngineError, OptionError, did_you_mean
from engine.options import CartoonOptions
from engine.text import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.batch.listing import Found
    from engine.pipeline import Cartoonifier
    from engine.record import PhotoRecord
    from engine.result import Result

    Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]

DOCUMENT_SIZE, SINGLE_SIZE = (432, 288), (640, 480)


@dataclass(frozen=True, kw_only=True)
class EvaluateRequest:
    """Raises OptionError for an unknown protocol."""

    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Folder of photos, or a photo.")]
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="REPORT", help="Folder for a report.")
    ] = None
    protocol: Annotated[
        str,
        typer.Option(
            help="full (the photo's own size), document (cut-out on white in 432 x 288, drawn at "
            "that size; as published) or single (both pictures scaled to 640 x 480).",
            autocompletion=choices.one_of(("full", "document", "single")),
        ),
    ] = "full"
    style: Annotated[
        str | None,
        typer.Option(
            help="comic, poster, ink or classic. Default: comic; for document classic.",
            autocompletion=choices.style,
        ),
    ] = None
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Folders in folders too.")
    ] = False
    model: Annotated[
        str, typer.Option("-m", "--model", help="A model's name, or an .onnx file.")
    ] = "default"
    threads: Annotated[
        int | None, typer.Option(help="At most this many. Default: what the process may use.")
    ] = None

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            hint = did_you_mean(self.protocol, tuple(PROTOCOLS))
            raise OptionError(f"protocol {self.protocol!r}: {hint}")
        _ = self.drawing

    @property
    def drawing(self) -> CartoonOptions:
        """How cartoons are drawn. Raises OptionError."""
        style = self.style or ("classic" if self.protocol == "document" else None)
        if self.protocol == "document" and style != "classic":
            raise OptionError(f"the document protocol draws as published; leave out {style}.")
        return CartoonOptions(style).in_mode(classic=False)


@takes(EvaluateRequest, process.prepare_imports)
def evaluate(request: EvaluateRequest) -> None:
    """MSE, log MSE and SSIM between cut-out and cartoon: each photo, their mean, best and worst.

    Exit codes: 1 some photos failed; 2 wrong usage; 3 the only photo failed; 4 the model.
    """
    records = _evaluate(request)
    if any(record.state == "failed" for record in records):
        raise typer.Exit(SOME_FAILED if len(records) > 1 else records[0].exit_code)


def _evaluate(request: EvaluateRequest) -> list[PhotoRecord]:
    from engine import pipeline
    from engine.batch.listing import Lister

    if request.out:
        from engine.report.write import check_report, write_report

        check_report(request.out, overwrite=False)
    found = Lister(str(request.out or ""), request.recursive).find([request.folder])
    _, threads = process.own_process(request.threads, 1, 1)
    with pipeline.load(request.model, threads=threads, cartoon=request.drawing) as app:
        records = []
        for photo in found:
            records.append(_measure(app, photo, request.protocol, detail=request.out is not None))
            _print(records[-1])
        facts = {
            "protocol": request.protocol, "style": request.drawing.style,
            "model": app.model.name, "sha256": app.model.sha256,
        }  # fmt: skip
    _print_summary(records)
    if request.out:
        title = f"Evaluation of {request.folder}, protocol {request.protocol}"
        settings = {"command": sys.argv, **facts, "threads": threads}
        put(str(write_report(request.out, title, records, settings)))
    return records


def _measure(app: Cartoonifier, found: Found, protocol: str, detail: bool) -> PhotoRecord:
    from engine import metrics
    from engine.record import PhotoRecord, to_record

    try:
        if found.problem:
            raise found.problem
        result = app(found.photo)
        record = to_record(result, found.photo, measure=protocol == "full", detail=detail)
        if protocol != "full":
            pair = PROTOCOLS[protocol](result)
            measured = {
                "mse": metrics.mse(*pair),
                "log_mse": metrics.log_mse(*pair),
                "ssim": metrics.ssim(*pair),
            }
            measured |= {f"full_{name}": value for name, value in result.metrics.items()}
            record = replace(record, metrics={name: _finite(v) for name, v in measured.items()})
    except EngineError as error:
        return PhotoRecord.of_failure(found.photo, "", error)
    return record


def _full(result: Result) -> Pair:
    return result.cutout, result.cartoon


def _document(result: Result) -> Pair:
    """The cut-out as large as it goes into 432 x 288, on white; and its cartoon."""
    import cv2
    import numpy as np

    from engine.cartoon.classic.stylise import cartoonize

    width, height = DOCUMENT_SIZE
    rows, columns = result.cutout.shape[:2]
    scale = min(width / columns, height / rows)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    page = np.full((height, width, 3), 255, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    small = cv2.resize(result.cutout, size, interpolation=cv2.INTER_AREA)
    page[top : top + size[1], left : left + size[0]] = small
    # As everywhere, the published code sees blue, green, red.
    return page, cartoonize(page[..., ::-1])[..., ::-1]


def _single(result: Result) -> Pair:
    import cv2
    import numpy as np

    pair = (cv2.resize(picture, SINGLE_SIZE) for picture in _full(result))
    cutout, cartoon = (np.asarray(picture, np.uint8) for picture in pair)
    return cutout, cartoon


PROTOCOLS: dict[str, Callable[[Any], Any]] = {
    "full": _full, "document": _document, "single": _single,
}  # fmt: skip


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None


def _print(record: PhotoRecord) -> None:
    if record.state == "failed":
        say(f"error: {record.told(flag)}")
        return
    put(printable(f"{record.photo}  " + "  ".join(_numbers(record.metrics))))


def _numbers(metrics: Mapping[str, float | None]) -> Iterator[str]:
    for name, value in metrics.items():
        yield f"{name} {'-' if value is None else format(value, '.4f')}"


def _print_summary(records: list[PhotoRecord]) -> None:
    from engine.report import summary

    facts = summary.summarise(records)
    mean = {name: facts["mean"][name] for name in summary.METRICS}
    put(f"mean of {facts['done'] - facts['empty']} photos  " + "  ".join(_numbers(mean)))
    for name in ("best", "worst"):
        if facts[name]:
            put(printable(f"{name}: {', '.join(facts[name])}"))
