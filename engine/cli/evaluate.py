"""The document's accuracy test on any folder: `python -m engine.evaluate FOLDER [-o REPORT]`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine import process
from engine.errors import EngineError, OptionError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.batch.plan import Job
    from engine.record import PhotoRecord
    from engine.result import Result

    Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]

DOCUMENT_SIZE, SINGLE_SIZE = (432, 288), (640, 480)


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of photos, or a photo.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="REPORT", help="Folder for a report.")
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="full (the photo's own size), document (cut-out on white in 432 x 288, drawn at "
            "that size) or single (both pictures scaled to 640 x 480)."
        ),
    ] = "full",
    recursive: Annotated[bool, typer.Option("--recursive", "-r")] = False,
    model: Annotated[str, typer.Option(help="A model's name, or an .onnx file.")] = "default",
    threads: Annotated[int | None, typer.Option()] = None,
) -> None:
    """MSE, log MSE and SSIM between cut-out and cartoon: each photo, their mean, best and worst.

    Exit codes as of cartoonify: 1 some photos failed; 2 wrong usage; 3 no photo; 4 the model.
    """
    try:
        if protocol not in PROTOCOLS:
            raise OptionError(f"protocol {protocol!r}: {did_you_mean(protocol, tuple(PROTOCOLS))}")
        process.prepare_imports()
        records = _evaluate(folder, out, protocol, recursive, model, threads)
    except EngineError as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    if any(record.state == "failed" for record in records):
        raise typer.Exit(1 if len(records) > 1 else 3)


def _evaluate(
    folder: Path, out: Path | None, protocol: str, recursive: bool, model: str, threads: int | None
) -> list[PhotoRecord]:
    from engine import pipeline
    from engine.batch.output import parse_output
    from engine.batch.plan import plan_jobs

    if out:
        from engine.report.write import check_report, write_report

        check_report(out, overwrite=False)
    target = parse_output(str(out or "out"), None, None, "white", overwrite=True)
    jobs = plan_jobs([str(folder)], target, recursive)
    _, threads = process.own_process(threads, 1, 1)
    with pipeline.load(model, threads=threads) as app:
        records = []
        for job in jobs:
            records.append(_measure(app, job, protocol, detail=out is not None))
            _print(records[-1])
        facts = {"protocol": protocol, "model": app.model.name, "sha256": app.model.sha256}
    _print_summary(records)
    if out:
        title = f"Evaluation of {folder}, protocol {protocol}"
        settings = {"command": sys.argv, **facts, "threads": threads}
        print(write_report(out, title, records, settings))
    return records


def _measure(app: Callable[[str], Result], job: Job, protocol: str, detail: bool) -> PhotoRecord:
    from engine import metrics
    from engine.record import PhotoRecord, to_record

    try:
        if job.error:
            raise job.error
        result = app(job.source)
        record = to_record(result, job.source, measure=protocol == "full", detail=detail)
        if protocol != "full":
            pair = PROTOCOLS[protocol](result)
            found = {
                "mse": metrics.mse(*pair),
                "log_mse": metrics.log_mse(*pair),
                "ssim": metrics.ssim(*pair),
            }
            found |= {f"full_{name}": value for name, value in result.metrics.items()}
            record = replace(record, metrics={name: _finite(v) for name, v in found.items()})
    except EngineError as error:
        return PhotoRecord.of_failure(job.source, job.name, error)
    return record


def _full(result: Result) -> Pair:
    return result.cutout, result.cartoon


def _document(result: Result) -> Pair:
    """The cut-out as large as it goes into 432 x 288, on white; and its cartoon."""
    import cv2
    import numpy as np

    from engine.cartoon.stylise import cartoonize

    width, height = DOCUMENT_SIZE
    rows, columns = result.cutout.shape[:2]
    scale = min(width / columns, height / rows)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    page = np.full((height, width, 3), 255, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    small = cv2.resize(result.cutout, size, interpolation=cv2.INTER_AREA)
    page[top : top + size[1], left : left + size[0]] = small
    # As everywhere, the document's code sees blue, green, red.
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
        print("error:", record.told(), file=sys.stderr)
        return
    print(f"{record.photo}  " + "  ".join(_numbers(record.metrics)), flush=True)


def _numbers(metrics: Mapping[str, float | None]) -> Iterator[str]:
    for name, value in metrics.items():
        yield f"{name} {'-' if value is None else format(value, '.4f')}"


def _print_summary(records: list[PhotoRecord]) -> None:
    from engine.report import summary

    facts = summary.summarise(records)
    mean = {name: facts["mean"][name] for name in summary.METRICS}
    print(f"mean of {facts['done'] - facts['empty']} photos  " + "  ".join(_numbers(mean)))
    for name in ("best", "worst"):
        if facts[name]:
            print(f"{name}: {', '.join(facts[name])}")


def cli() -> None:
    """`python -m engine.evaluate`."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(main)
    app(prog_name="python -m engine.evaluate")
