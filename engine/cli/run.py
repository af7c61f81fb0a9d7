"""`cartoonify run`, which is also `cartoonify`: photos and videos to cut-outs and cartoons."""

from __future__ import annotations

import difflib
import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from engine import process
from engine.cli.command import takes
from engine.cli.exits import SOME_FAILED, say, set_up_log
from engine.cli.request import RunRequest
from engine.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.batch.journal import Journal
    from engine.batch.listing import Found, Lister
    from engine.batch.plan import Task
    from engine.batch.work import Worker
    from engine.cli.console import Console, Tally
    from engine.record import PhotoRecord

_FOR_EVER = 1 << 30
"""Photos, when nobody knows how many will come."""
_OTHER_COMMANDS = ("doctor", "evaluate", "serve")


@takes(RunRequest, process.prepare_imports)
def run(request: RunRequest) -> None:
    """Cut the people out of photos and videos, and turn them into cartoons.

    Exit codes: 0 all done; 1 some photos failed; 2 wrong usage; 3 the only photo failed;
    4 the model; 5 the provider.

    Other commands: cartoonify doctor says what runs here, and whether it works; cartoonify
    evaluate measures a folder of photos; cartoonify serve opens a page to drop them on.
    """
    set_up_log(request.quiet, request.verbose)
    _guess_what_was_meant(request)
    if request.details:
        from engine.report.write import check_report

        check_report(Path(request.target.folder), request.overwrite)
    with ExitStack() as stack:
        _Run(request, stack).do()


class _Run:
    """One run, from the photos that are found to the exit code."""

    _lister: Lister
    """Of the last time that photos were looked for."""

    def __init__(self, request: RunRequest, stack: ExitStack) -> None:
        from engine.cli.console import Console, Tally

        self._request, self._stack = request, stack
        self._tally: Tally = Tally()
        self._console: Console = Console(
            request.target, request.as_json, request.quiet, bar=not request.watch
        )

    def do(self) -> None:
        request = self._request
        self._stack.enter_context(_compiling_notice(request.quiet))
        found = self._find()
        if request.dry_run:
            self._print_plan(found)
            return
        if request.on_cluster:
            journal = self._open_journal()
            tasks = self._plan(found, journal)
            del found  # a large folder is in memory once
            records = self._on_cluster(tasks, journal)
            self._show(records, len(tasks), workers=request.jobs)
            return
        worker, at_a_time, threads = self._load(len(found))
        journal = self._open_journal()
        if request.watch:
            self._watch(worker, journal, at_a_time)
            return
        from engine.batch.run import run_here

        tasks = self._plan(found, journal)
        del found
        records = run_here(tasks, worker, journal, at_a_time)
        self._show(records, len(tasks), threads=threads)

    def _find(self) -> list[Found]:
        from engine.batch.listing import Lister
        from engine.cli.console import finding

        request = self._request
        self._lister = Lister(request.target.folder, request.recursive, videos=True)
        with finding(request.quiet or request.watch) as count:
            return list(count(self._lister.find(request.words)))

    def _plan(self, found: Iterable[Found], journal: Journal | None) -> list[Task]:
        from engine.batch.plan import plan_tasks

        holder = journal.holder if journal else lambda _: ""
        return plan_tasks(found, self._request.target, holder)

    def _load(self, photos: int) -> tuple[Worker, int, int]:
        """A worker, how many photos it does at a time, and with how many threads each."""
        request = self._request
        from engine.batch.work import Worker

        most = _FOR_EVER if request.watch else photos
        at_a_time, threads = process.own_process(request.threads, request.jobs, most)
        cartoonifier = self._stack.enter_context(request.recipe.load(threads))
        worker = Worker(cartoonifier, request.work, self._console.frames)
        return worker, at_a_time, threads

    def _open_journal(self) -> Journal | None:
        from engine.batch.journal import open_journal

        request = self._request
        if not request.target.folder:
            return None
        alone = request.resume or request.watch or request.on_cluster or self._lister.folders > 0
        return self._stack.enter_context(open_journal(request.target.folder, alone))

    def _on_cluster(self, tasks: list[Task], journal: Journal | None) -> Iterator[PhotoRecord]:
        from engine.batch.cluster import run_on_ray

        request = self._request
        return run_on_ray(
            tasks, request.recipe, request.work, journal, request.ray_address, request.jobs
        )

    def _watch(self, worker: Worker, journal: Journal | None, at_a_time: int) -> None:
        """Does photos as they arrive, until it is interrupted."""
        from engine.batch.run import run_here
        from engine.batch.watch import new_tasks

        console, tally = self._console, self._tally
        try:
            for tasks in new_tasks(lambda: self._plan(self._find(), journal)):
                named = len(tally.failures)
                console.show(run_here(tasks, worker, journal, at_a_time), tally, _FOR_EVER)
                console.name_failures(tally, start=named)
        except KeyboardInterrupt:
            console.summarise(tally, self._lister)
            if tally.failures:
                raise typer.Exit(SOME_FAILED) from None

    def _show(self, records: Iterator[PhotoRecord], total: int, **settings: int | None) -> None:
        """Shows the records, writes the report, and ends with the exit code."""
        request, console, tally = self._request, self._console, self._tally
        kept: list[PhotoRecord] = []
        console.show(_keep(records, kept) if request.details else records, tally, total)
        if request.details:
            from engine.report.write import write_report

            folder = Path(request.target.folder)
            everything = {
                "command": sys.argv, **settings, **asdict(request.recipe), **asdict(request.work)
            }  # fmt: skip
            page = write_report(folder, "Cartoonify", kept, everything, request.figures)
            say(f"report: {page}")
        console.name_failures(tally)
        console.summarise(tally, self._lister)
        if tally.failures:
            raise typer.Exit(tally.failures[0][1] if tally.total == 1 else SOME_FAILED)

    def _print_plan(self, found: list[Found]) -> None:
        from engine.batch.journal import read_journal
        from engine.cli.console import print_plan

        request = self._request
        journal = read_journal(request.target.folder) if request.target.folder else None
        with journal or nullcontext():
            worker = self._load(1)[0] if request.resume and journal else None
            tasks = self._plan(found, journal)
            find = journal.find if journal else lambda _: None
            print_plan(tasks, request.target, worker, find, request.as_json)
        self._console.explain_skipped(self._lister)


def _keep(records: Iterable[PhotoRecord], kept: list[PhotoRecord]) -> Iterator[PhotoRecord]:
    for record in records:
        kept.append(record)
        yield record


def _guess_what_was_meant(request: RunRequest) -> None:
    """Raises OptionError for a command that is misspelt, and for `cartoonify in.jpg out.png`."""
    from engine.batch.store import open_store

    words = request.inputs or []
    last = words[-1] if words else "-"
    if last == "-" or "://" in last or open_store(last).exists(last):
        return
    meant = difflib.get_close_matches(words[0], _OTHER_COMMANDS, 1)
    if meant and len(words) == 1:
        raise OptionError(f"{words[0]}: no such file. Did you mean the command {meant[0]}?")
    suffixes = (".png", ".jpg", ".jpeg", ".webp", ".svg", ".mp4", ".webm", ".mov", ".gif")
    is_written = Path(words[-1]).suffix.lower() in suffixes and "%" not in words[-1]
    if len(words) == 2 and request.out is None and is_written:
        first, second = words
        if open_store(first).kind(first) == "file":
            raise OptionError(
                f"{second}: no such file. If the picture should be written there:",
                option="out",
                advice=f"cartoonify {first} {{}} {second}",
            )


def _compiling_notice(quiet: bool) -> ExitStack:
    """While it is entered, the compiling of kernels is told."""
    from engine.cli.console import CompilingNotice

    stack = ExitStack()
    if not quiet:
        kernels, notice = logging.getLogger("engine.kernels.jit"), CompilingNotice()
        kernels.setLevel(logging.INFO)
        kernels.propagate = False
        kernels.addHandler(notice)
        stack.callback(notice.close)
        stack.callback(kernels.removeHandler, notice)
    return stack
