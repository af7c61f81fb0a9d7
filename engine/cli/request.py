"""What a run is asked for: all options, and the engine's own objects that they stand for."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import typer

from engine.batch.store import local_path
from engine.cli import choices, loading
from engine.cli.words import STDIN, demo_photo, read_names
from engine.errors import OptionError
from engine.options import (
    FORMATS,
    LEAST_COLOURS,
    MAX_MEGAPIXELS,
    MOST_COLOURS,
    MOST_WEIGHT,
    OWN_FORMATS,
    PICTURES,
    CartoonOptions,
    CutoutOptions,
    OutputOptions,
    SegmentOptions,
)
from engine.versions import __version__
from engine.video.forms import FILES, FORMS, ONLY_VIDEOS, SEQUENCES, TRANSPARENT
from engine.video.names import camera_path, is_sequence, is_video
from engine.video.options import VideoOptions, parse_time

if TYPE_CHECKING:
    from engine.batch.target import Target
    from engine.batch.work import Recipe, Work

STDOUT = "-"
_FORM_OF_SUFFIX = {f".{name}": name for name in FILES}
HIGH = "high"
_KIND_OF_SUFFIX = {".svg": "svg", ".json": "palette"}
_FORMAT_OF_SUFFIX = {
    ".png": "png", ".jpg": "jpg", ".jpeg": "jpg", ".webp": "webp", ".svg": "svg", ".json": "json",
}  # fmt: skip


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cartoonify-engine {__version__}")
        raise typer.Exit


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """Checked as a whole when it is made; raises OptionError."""

    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PHOTO", help="Photos, videos, folders, patterns, URLs; - for stdin."
        ),
    ] = None
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="Folder, a file's path for a single picture, or - for stdout. Default: out; "
            "for - as the only photo, stdout if it is redirected.",
        ),
    ] = None
    save: Annotated[
        str | None,
        typer.Option(
            "-s", "--save",
            metavar="KINDS",
            help="Of cutout, cartoon, mask, labels, compare, svg (the cartoon as shapes) and "
            "palette (its colours, as JSON), joined by commas; or all pictures. "
            "Default: cutout,cartoon; for a single picture cartoon.",
            autocompletion=choices.kinds,
        ),
    ] = None  # fmt: skip
    format: Annotated[
        str | None,
        typer.Option(
            "-f", "--format",
            help="png, jpg or webp of photos; mp4, webm, mov, webp or gif of videos. Default: the "
            "suffix of OUT, or png and mp4 (on a transparent background webm).",
            autocompletion=choices.format,
        ),
    ] = None  # fmt: skip
    quality: Annotated[
        str | None,
        typer.Option(
            metavar="Q",
            help="Of jpg, webp and videos, 1 to 100 (default: 95 for jpg, 92 for webp, and what is "
            "hardly told from the drawing for videos); or high, of the cut-out, which is "
            "--precise.",
        ),
    ] = None
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Reduce larger pictures to this longer side."),
    ] = None
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Videos from here on: seconds, m:s or h:m:s."),
    ] = None
    end: Annotated[
        str | None, typer.Option(metavar="TIME", help="Videos up to here: seconds, m:s or h:m:s.")
    ] = None
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="At most so many frames per second; of a camera or of numbered pictures, theirs.",
        ),
    ] = None
    every: Annotated[
        int,
        typer.Option(metavar="N", help="Of a video: the network looks at each N-th frame only."),
    ] = 1
    camera: Annotated[
        str | None,
        typer.Option(metavar="N", help="Also what a camera sees, until Ctrl-C: its number."),
    ] = None
    crop: Annotated[bool, typer.Option("--crop", help="Crop pictures to what is kept.")] = False
    style: Annotated[
        str | None,
        typer.Option(
            help="comic, poster (without lines), ink (greys) or classic (as published). "
            "Default: comic; with --classic classic.",
            autocompletion=choices.style,
        ),
    ] = None
    colours: Annotated[
        int | None,
        typer.Option(
            "--colours",
            "--colors",
            metavar="N",
            help=f"At most so many colours, {LEAST_COLOURS} to {MOST_COLOURS}. Default: as many as "
            "the photo needs.",
        ),
    ] = None
    lines: Annotated[
        float,
        typer.Option(metavar="WEIGHT", help=f"Of the lines, 0 (none) to {MOST_WEIGHT:g}."),
    ] = CartoonOptions.lines
    detail: Annotated[
        float,
        typer.Option(metavar="AMOUNT", help=f"Of what is small and kept, 0 to {MOST_WEIGHT:g}."),
    ] = CartoonOptions.detail
    vivid: Annotated[
        float,
        typer.Option(metavar="STRENGTH", help=f"Of the colours, 0 (grey) to {MOST_WEIGHT:g}."),
    ] = CartoonOptions.vivid
    palette: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Draw all in the colours of a palette that was saved (.json), or of a photo.",
        ),
    ] = None
    background: Annotated[
        str,
        typer.Option(
            "-b", "--background",
            help="white, transparent, any colour ('#203040', '#fff', navy, 'rgb(1,2,3)'), a "
            "picture's path, a video's (behind videos), blur (the scene, blurred), original (the "
            "scene), or none (there is no cut-out, and all is drawn).",
            autocompletion=choices.background,
        ),
    ] = "white"  # fmt: skip
    people: Annotated[
        str,
        typer.Option(
            metavar="N", help="all, largest, or the N largest: others are dropped.",
            autocompletion=choices.people,
        ),
    ] = "all"  # fmt: skip
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="CLASSES",
            help="Class names joined by commas, or all. Default: person; with --classic all.",
            autocompletion=choices.classes,
        ),
    ] = None
    edges: Annotated[
        str,
        typer.Option(
            help="refined (along the photo's own) or soft (cut and blurred, as in classic).",
            autocompletion=choices.edges,
        ),
    ] = CutoutOptions.edges
    clean: Annotated[
        bool,
        typer.Option(
            "--clean/--no-clean", help="Drop stray islands and fill pinholes; not in classic."
        ),
    ] = CutoutOptions.clean
    precise: Annotated[
        bool,
        typer.Option(
            "--precise",
            help="Look at each person again, in half as long again; not in classic.",
        ),
    ] = False
    classic: Annotated[
        bool, typer.Option("--classic", help="The method as published, pixel for pixel.")
    ] = False
    metadata: Annotated[
        str,
        typer.Option(
            help="From photo to pictures: copy-safe (without the place), keep or strip.",
            autocompletion=choices.metadata,
        ),
    ] = "copy-safe"
    model: loading.Model = "default"
    models: loading.Models = None
    provider: loading.Provider = "auto"
    threads: loading.Threads = None
    max_megapixels: Annotated[float, typer.Option(help="Larger photos are refused.")] = (
        MAX_MEGAPIXELS
    )
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Folders in folders too; OUT mirrors them.")
    ] = False
    files_from: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Also the photos that a file names, one per line (or NUL-separated); - for stdin.",
        ),
    ] = None
    jobs: Annotated[
        int | None,
        typer.Option(
            "-j", "--jobs", metavar="N",
            help="Photos at a time. Default: as many as processors and memory allow.",
        ),
    ] = None  # fmt: skip
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue: skip what OUT's journal says is done.")
    ] = False
    watch: Annotated[
        bool, typer.Option("--watch", help="Continue with photos as they arrive, until Ctrl-C.")
    ] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be read and written.")
    ] = False
    ray: Annotated[bool, typer.Option("--ray", help="Do the work on a Ray cluster.")] = False
    ray_address: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Of the cluster: local (this machine alone), auto, host:port or ray://...",
        ),
    ] = "local"
    report: Annotated[
        bool, typer.Option("--report", help="Also OUT/report.html, .json and .csv.")
    ] = False
    figures: Annotated[
        bool, typer.Option("--figures", help="Also the report's figures as OUT/figures/*.png.")
    ] = False
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = (
        False
    )
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per photo.")] = (
        False
    )
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say what runs, and how long each stage takes.")
    ] = False
    demo: Annotated[bool, typer.Option("--demo", help="Add a sample photo.")] = False
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True)
    ] = False

    def __post_init__(self) -> None:
        if self.quiet and self.verbose:
            raise OptionError("quiet and verbose contradict each other.")
        if not (self.inputs or self.demo or self.files_from or self.camera):
            message = "no photo is given. Give files, folders or - for stdin."
            raise OptionError(message, option="demo", advice="Or try it with {}.")
        if self.out == STDOUT and self.as_json:
            raise OptionError("the picture and the JSON objects cannot both go to stdout.")
        if self.jobs is not None and self.jobs < 1:
            raise OptionError(f"jobs is {self.jobs}; it is at least 1.")
        if self.camera and self.resume:
            raise OptionError("a camera sees something else each time; leave out resume.")
        self._check_folder_options()
        self._check_cluster_options()
        self._check_palette()
        _ = self.recipe, self.work

    def _check_folder_options(self) -> None:
        if self.target.folder:
            if self.details and self.watch:
                raise OptionError("a report needs a run that ends; watch does not.")
            if self.watch and any(w == STDIN or "://" in local_path(w) for w in self.words):
                raise OptionError("watch needs folders of this machine, not stdin or URLs.")
            if self.details and "://" in self.target.folder:
                raise OptionError("a report is written to a folder of this machine.", option="out")
            return
        for option in ("resume", "watch", "report", "figures"):
            if getattr(self, option) and not (option == "resume" and self.target.form):
                raise OptionError(f"{option} needs a folder for the pictures.", option="out")

    def _check_cluster_options(self) -> None:
        if not self.on_cluster:
            return
        if not self.target.folder or STDIN in (self.inputs or ()):
            raise OptionError("a cluster reads photos from files, and writes into a folder.")
        if self.watch or self.dry_run:
            raise OptionError("a cluster neither watches nor plans; leave that option out.")

    def _check_palette(self) -> None:
        if self.palette is None:
            return
        if self._drawing.style == "classic":
            raise OptionError("classic finds its own levels; leave out the palette.")
        if not self.palette:
            message = "it is empty; expected a palette's JSON file, or a photo."
            raise OptionError(message, option="palette")

    @property
    def details(self) -> bool:
        """Whether a report is written."""
        return self.report or self.figures

    @property
    def on_cluster(self) -> bool:
        """Whether the work is done by Ray."""
        return self.ray or self.ray_address != "local"

    @cached_property
    def words(self) -> list[str]:
        """What names photos: arguments, the lines of a file, the sample. Raises OptionError."""
        words = list(self.inputs or [])
        if self.files_from:
            words += read_names(self.files_from)
        words += [camera_path(self.camera)] if self.camera else []
        return [*words, *([demo_photo()] if self.demo else [])]

    @cached_property
    def recipe(self) -> Recipe:
        """What the Cartoonifier is loaded from."""
        from engine.batch.work import Recipe

        return Recipe(
            self.model, self.provider, self.models,
            SegmentOptions(self.keep, self.classic, self.precise or self.quality == HIGH),
            CutoutOptions(
                "transparent" if self._backdrop else self.background,
                edges=self.edges, clean=self.clean, people=self.people,
            ),
            self._drawing, local_path(self.palette or ""), self.max_megapixels,
        )  # fmt: skip

    @property
    def _backdrop(self) -> str:
        """A video that is laid behind; empty for none."""
        return self.background if is_video(self.background) else ""

    @property
    def _picture_quality(self) -> int | None:
        if self.quality is None or self.quality == HIGH:
            return None
        if not self.quality.isdecimal():
            raise OptionError(f"quality is {self.quality!r}; expected 1 to 100, or {HIGH}.")
        return int(self.quality)

    @cached_property
    def _drawing(self) -> CartoonOptions:
        knobs = (self.colours, self.lines, self.detail, self.vivid)
        return CartoonOptions(self.style, *knobs).in_mode(self.classic)

    @cached_property
    def work(self) -> Work:
        """What becomes of each result."""
        from engine.batch.work import Work

        is_shown = self.as_json or not (self.quiet or self.target.is_stdout)
        return Work(
            self.target, self.resume or self.watch, is_shown or self.details, self.details,
            VideoOptions(
                self.target.form or "mp4",
                parse_time(self.start or "0", "start"),
                None if self.end is None else parse_time(self.end, "end"),
                self.fps, self.every, self._backdrop,
            ),
        )  # fmt: skip

    @cached_property
    def target(self) -> Target:
        """Where the pictures go."""
        from engine.batch.target import Target
        from engine.result import refuse_shapes, refuse_transparency

        out = self._out
        is_file = self._is_file(out)
        is_single = out == STDOUT or is_file
        kinds = self._find_kinds(is_single)
        form = self._find_form(out, is_file)
        is_video_only = is_file and form not in ("", "webp")
        picture = "png" if self.format in ONLY_VIDEOS else self.format or "png"
        format = self._find_format(kinds[0]) if is_single and not is_video_only else picture
        refuse_shapes(kinds, self._drawing.style or "")
        options = OutputOptions(
            kinds, format, self._picture_quality, self.metadata, self.crop, self.size
        )
        if self.background == "transparent":
            refuse_transparency(kinds, format)
        place = {} if out == STDOUT else {"file": out} if is_file else {"folder": out}
        moving = is_video_only or self.format in ONLY_VIDEOS
        target = Target(options, overwrite=self.overwrite, form=form, moving=moving, **place)
        target.check()
        return target

    @property
    def _out(self) -> str:
        if self.out == "":
            raise OptionError(
                "it is empty; expected a folder, a picture's path, or -.", option="out"
            )
        if self.out is not None:
            return local_path(self.out)
        is_piped = self.inputs == [STDIN] and not (self.demo or self.files_from)
        is_redirected = sys.stdout is not None and not sys.stdout.isatty()
        is_single = self.save is None or (len(self.save.split(",")) == 1 and self.save != "all")
        wants_folder = self.as_json or self.resume or self.details or self.on_cluster
        return STDOUT if is_piped and is_redirected and is_single and not wants_folder else "out"

    @staticmethod
    def _is_file(out: str) -> bool:
        from engine.files.formats import HEIC_SUFFIXES, SUFFIXES

        known = SUFFIXES | HEIC_SUFFIXES | _KIND_OF_SUFFIX.keys() | _FORM_OF_SUFFIX.keys()
        return _suffix(out) in known and "://" not in out and not os.path.isdir(out)

    def _find_form(self, out: str, is_file: bool) -> str:
        """Of videos; empty where OUT is a picture's. Raises OptionError."""
        if out == STDOUT:
            return ""
        suffix = _suffix(out)
        if is_file:
            form = _FORM_OF_SUFFIX.get(suffix, "")
            if is_sequence(out):
                form = _FORMAT_OF_SUFFIX.get(suffix, "")
                if form not in SEQUENCES:
                    known = ", ".join(SEQUENCES)
                    raise OptionError(f"{out}: numbered pictures are written as {known} only.")
            if self.format not in (None, form) and form not in ("", "webp"):
                raise OptionError(f"{out} and the format {self.format} contradict each other.")
        else:
            usual = TRANSPARENT if self.background == "transparent" else VideoOptions.form
            form = self.format if self.format in FILES else usual
        if form and self.background == "transparent":
            FORMS[form].codec_of(has_alpha=True)
        return form

    def _find_format(self, kind: str) -> str:
        """Of a single file; "png" for what has a format of its own."""
        own, out = OWN_FORMATS.get(kind), self._out
        default = self.format or own or "png"
        format = default if out == STDOUT else _format_of(out, self.format)
        if own and format != own:
            raise OptionError(f"{kind} is exact, and written as {own} only.")
        if not own and format not in FORMATS and out != STDOUT:
            raise OptionError(f"{out}: a {kind} is no {format}; expected {', '.join(FORMATS)}.")
        return "png" if own else format

    def _find_kinds(self, is_single: bool) -> tuple[str, ...]:
        default = "cartoon" if is_single else "cutout,cartoon"
        default = _KIND_OF_SUFFIX.get(_suffix(self._out), default) if is_single else default
        words = default if self.save is None else self.save
        kinds = PICTURES if words == "all" else tuple(
            dict.fromkeys(kind.strip() for kind in words.split(","))
        )  # fmt: skip
        if is_single and len(kinds) != 1:
            message = f"{self._out} takes one picture, and {len(kinds)} are to be saved."
            raise OptionError(message, option="save", advice="Name one of them with {}.")
        return kinds


def _format_of(out: str, asked: str | None) -> str:
    """The format that a picture's path stands for."""
    suffix = _suffix(out)
    format = _FORMAT_OF_SUFFIX.get(suffix)
    if format is None:
        raise OptionError(f"{out}: {suffix[1:]} is not written; expected {', '.join(FORMATS)}.")
    if asked not in (None, format, suffix[1:]):
        raise OptionError(f"{out} and the format {asked} contradict each other.")
    return format


def _suffix(out: str) -> str:
    return os.path.splitext(out)[1].lower()
