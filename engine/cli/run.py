"""The command line: `python -m engine.run photo.jpg`."""

from __future__ import annotations

import gc
import importlib.util
import io
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine import process
from engine.cli import console
from engine.errors import EngineError, OptionError
from engine.options import MAX_MEGAPIXELS, CutoutOptions, SegmentOptions
from engine.versions import __version__

if TYPE_CHECKING:
    from engine.batch import cluster
    from engine.batch.run import Batch
    from engine.record import PhotoRecord

_SOME_FAILED, _INTERRUPTED = 1, 130


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cartoonify-engine {__version__}")
        raise typer.Exit


def main(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="INPUT...", help="Photos, folders of photos, or - for stdin."),
    ] = None,
    out: Annotated[
        str,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="Folder, a picture's path for a single picture, or - for stdout.",
        ),
    ] = "out",
    save: Annotated[
        str | None,
        typer.Option(
            metavar="KINDS",
            help="Of cutout, cartoon, mask, labels, compare; joined by commas. "
            "Default: cutout,cartoon; for a single picture cartoon.",
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="CLASSES",
            help="Class names joined by commas, or all. Default: person; with --classic all.",
        ),
    ] = None,
    background: Annotated[
        str,
        typer.Option(
            help="white, transparent, '#rrggbb', a picture's path, original (the scene stays) or "
            "none (no cut-out, all is drawn).",
        ),
    ] = str(CutoutOptions.background),
    edges: Annotated[
        str,
        typer.Option(help="refined (along the photo's own) or soft (cut, blurred; as in classic)."),
    ] = CutoutOptions.edges,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean/--no-clean", help="Drop stray islands, fill pinholes; not in classic."
        ),
    ] = CutoutOptions.clean,
    classic: Annotated[
        bool, typer.Option("--classic", help="The document's pipeline, pixel for pixel.")
    ] = False,
    format: Annotated[
        str | None, typer.Option(help="png, jpg or webp. Default: png, or the suffix of OUT.")
    ] = None,
    model: Annotated[str, typer.Option(help="A model's name, or an .onnx file.")] = "default",
    models: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Folder of exported models. Default: $CARTOONIFY_MODELS, or in the user's cache.",
        ),
    ] = None,
    provider: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(help="At most this many. Default: what the process may use.")
    ] = None,
    max_megapixels: Annotated[
        float, typer.Option(help="Larger photos are refused.")
    ] = MAX_MEGAPIXELS,
    metadata: Annotated[
        str,
        typer.Option(help="From photo to pictures: copy-safe (but not the place), keep or strip."),
    ] = "copy-safe",
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Folders in folders too; OUT mirrors them.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(metavar="N", help="Photos at a time. Default: what the machine gives."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on: skip what OUT's journal says is done.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on with photos as they arrive, until Ctrl-C.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be read and written.")
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="[ADDRESS]",
            help="On a Ray cluster: auto, host:port, ray://..., or nothing for this machine alone.",
        ),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Also OUT/report.html, .json and .csv.")
    ] = False,
    figures: Annotated[
        bool, typer.Option("--figures", help="Also the report's figures as OUT/figures/*.png.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a photo.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say what runs, and how long each stage takes.")
    ] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Add a sample photo.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Cut the people out of photos, and turn them into cartoons.

    Exit codes: 0 all done; 1 some photos failed; 2 wrong usage; 3 the only photo failed;
    4 the model; 5 the provider.

    cartoonify doctor says what runs here, and whether it works.
    """
    with _errors_to_exit_code():
        if quiet and verbose:
            raise OptionError("--quiet and --verbose contradict each other.")
        if out == "-" and as_json:
            raise OptionError("-o - and --json both want stdout.")
        _set_up_log(quiet, verbose)
        sources = [*(inputs or []), *([_demo_photo()] if demo else [])]
        if not sources:
            raise OptionError("no photo given. Give files, folders, - for stdin, or --demo.")
        segment = SegmentOptions(keep, classic)
        cutout = CutoutOptions(background, edges=edges, clean=clean)

        process.prepare_imports()
        if report or figures:
            from engine.batch import reports
            from engine.report.write import check_report

            check_report(Path(out), overwrite)
        from engine import pipeline
        from engine.batch import cluster, output, plan
        from engine.batch.journal import Journal
        from engine.batch.run import Batch

        if ray:
            details = report or figures
            if watch or dry_run or "-" in (*sources, out) or (details and "://" in out):
                raise OptionError("--ray goes without --watch, --dry-run, -; its report is local.")
            target = output.parse_output("out", save, format, background, overwrite, metadata)
            everywhere = cluster.Plan(
                out, model, models, target.kinds, target.format, metadata, segment, cutout,
                overwrite=overwrite, resume=resume, provider=provider,
                max_megapixels=max_megapixels, detail=details,
            )  # fmt: skip
            lines = "" if quiet else "json" if as_json else "text"
            rows = _run_on_ray(sources, everywhere, ray, jobs, recursive, lines)
            if details:
                _say_report(reports.report_rows(rows, everywhere, figures))
            _end([record for record in rows if record.state == "failed"], len(rows))
            return
        target = output.parse_output(out, save, format, background, overwrite, metadata)
        planned = plan.plan_jobs(sources, target, recursive)
        if len(planned) > 1 and not target.folder:
            raise OptionError(f"-o {out} takes one picture, {len(planned)} photos are given.")
        if (resume or watch) and not target.folder:
            raise OptionError(f"-o {out}: --resume and --watch want a folder.")
        if (report or figures) and (not target.folder or watch):
            raise OptionError("--report and --figures want a folder, and a run that ends.")
        if dry_run:
            console.print_plan(planned, target)
            return
        found = any(job.source not in sources for job in planned)  # in folders
        workers, threads = process.own_process(threads, jobs, 1 << 30 if watch else len(planned))
        wishes = console.Wishes(
            as_json,
            lines=not (quiet or target.is_stdout or as_json),
            bar=len(planned) > 1 and not (quiet or watch),
        )
        with ExitStack() as stack:
            cartoonifier = stack.enter_context(
                pipeline.load(
                    model, provider, threads,
                    segment=segment, cutout=cutout, max_megapixels=max_megapixels, models=models,
                )
            )  # fmt: skip
            journal = None
            if target.folder and (resume or watch or found):
                journal = stack.enter_context(Journal(target.folder))
                journal.sweep()
            measure = wishes.lines or as_json
            details = report or figures
            batch = Batch(
                cartoonifier, target, measure or details, details, journal, resume or watch
            )
            if watch:
                _watch(batch, sources, recursive, workers, wishes)
                return
            records: list[PhotoRecord] = []
            done = batch.run(planned, workers)
            kept = _keep(done, records) if details else done
            failed = console.show(kept, wishes, len(planned))
            if details:
                _say_report(reports.report_batch(batch, records, threads, figures))
        _end(failed, len(planned))


def _run_on_ray(
    sources: Sequence[str],
    everywhere: cluster.Plan,
    address: str,
    jobs: int | None,
    recursive: bool,
    lines: str,
) -> list[PhotoRecord]:
    """The records of all photos; each is printed as it comes."""
    from engine.batch import cluster

    records = []
    actors = None if jobs is None else (jobs, jobs)
    for row in cluster.run(sources, everywhere, address, actors, recursive):
        record = cluster.to_record_of(row)
        records.append(record)
        if lines == "json":
            print(record.to_json())
        elif lines and record.state != "failed":
            print(f"{record.photo}  {record.state}", flush=True)
    return records


def _watch(
    batch: Batch, inputs: Sequence[str], recursive: bool, workers: int, wishes: console.Wishes
) -> None:
    """Does photos as they arrive, until it is interrupted."""
    from engine.batch.watch import new_jobs

    failed: list[PhotoRecord] = []
    try:
        for jobs in new_jobs(inputs, batch.output, recursive):
            broken = console.show(batch.run(jobs, workers), wishes, len(jobs))
            console.name_failed([record.told(flag) for record in broken], 1)
            failed += broken
    except KeyboardInterrupt:
        if failed:
            raise typer.Exit(_SOME_FAILED) from None


def _keep(records: Iterable[PhotoRecord], kept: list[PhotoRecord]) -> Iterator[PhotoRecord]:
    for record in records:
        kept.append(record)
        yield record


def _say_report(page: Path) -> None:
    print(f"report: {page}", file=sys.stderr)


def _end(failed: Sequence[PhotoRecord], total: int) -> None:
    """Names what failed, and ends with the exit code that says which kind."""
    console.name_failed([record.told(flag) for record in failed], total)
    if failed:
        raise typer.Exit(failed[0].exit_code if total == 1 else _SOME_FAILED)


@contextmanager
def _errors_to_exit_code() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        print("error:", " ".join(error.told(flag).split()), file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        print("error: interrupted; what was written is whole", file=sys.stderr)
        raise typer.Exit(_INTERRUPTED) from None
    except BrokenPipeError:
        raise  # the reader has seen enough; typer ends in silence
    except OSError as error:
        print(f"error: stdout: cannot be written: {error.strerror}.", file=sys.stderr)
        raise typer.Exit(_SOME_FAILED) from None
    finally:
        gc.enable()


def flag(option: str) -> str:
    """An option as the command line spells it."""
    return "--" + option.replace("_", "-")


def _set_up_log(quiet: bool, verbose: bool) -> None:
    level = logging.ERROR if quiet else logging.DEBUG if verbose else logging.WARNING
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    logging.getLogger("engine").setLevel(level)


def _demo_photo() -> str:
    """The astronaut that scikit-image brings along: a portrait by NASA, in the public domain."""
    package = importlib.util.find_spec("skimage")
    for folder in (package.submodule_search_locations or []) if package else []:
        photo = Path(folder, "data", "astronaut.png")
        if photo.is_file():
            return os.fspath(photo)
    raise OptionError("--demo needs scikit-image: pip install 'cartoonify-engine[demo]'")


def _complete_ray(arguments: list[str]) -> list[str]:
    """--ray may stand without an address; then it means this machine alone."""
    completed = []
    for index, word in enumerate(arguments):
        following = arguments[index + 1] if index + 1 < len(arguments) else ""
        has_address = following in ("auto", "local") or re.fullmatch(
            r"ray://.+|[\w.-]+:\d+", following
        )
        completed.append("--ray=local" if word == "--ray" and not has_address else word)
    return completed


def cli() -> None:
    """The console script `cartoonify`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names need not be valid text
            stream.reconfigure(errors="backslashreplace")
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    sys.argv[1:] = _complete_ray(sys.argv[1:])
    if sys.argv[1:2] == ["doctor"] and not os.path.exists("doctor"):
        from engine.cli.doctor import doctor

        del sys.argv[1]
        app.command()(doctor)
    else:
        app.command()(main)
    app(prog_name="cartoonify")
