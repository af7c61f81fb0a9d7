"""`make release VERSION=x.y.z`: a checked wheel and sdist, a commit and a tag, or nothing at all.

Everything happens in a git worktree beside the repository. The repository itself only changes at
the end, by a fast-forward to what passed. Nothing is uploaded.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE, CITATION, CHANGELOG = Path("engine/versions.py"), Path("CITATION.cff"), Path("CHANGELOG.md")
# The models are 14 MB, and the checkpoint in the sdist is 11 MB. PyPI takes files of up to 100 MB.
WHEEL_BYTES, SDIST_BYTES = 14_000_000, 32_000_000
ENTRIES = re.compile(r"^## Unreleased\n(?P<entries>.*?)(?=^## |\Z)", re.M | re.S)


def release(version: str, root: Path = ROOT) -> None:
    """Commit and tag `version`, and leave its wheel and sdist in `dist/`.

    Raises
    ------
    SystemExit
        Something is not as a release needs it. The repository is as it was before.
    """
    refuse(version, root)
    with worktree(root) as tree, tempfile.TemporaryDirectory() as scratch:
        set_version(version, tree)
        wheel, sdist = build(tree, Path(scratch, "dist"))
        run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
        check_wheel(wheel, tree)
        check_sdist(sdist, tree)
        try_out(install(wheel, Path(scratch, "venv")), version)
        kept = [keep(file, root / "dist") for file in (wheel, sdist)]
        try:
            publish(commit(version, tree), version, root)
        except SystemExit:
            for file in kept:
                file.unlink()
            raise
    print(
        f"{version} is committed and tagged, and its files are in dist/. Now push and upload them."
    )


def refuse(version: str, root: Path) -> None:
    """Raise SystemExit unless `version` can be released from this tree."""
    if changed := git(root, "status", "--porcelain"):
        stop(f"expected a clean tree, found {changed.splitlines()}: commit or remove these first")
    if version not in (following := next_versions(root)):
        stop(f"expected the next version, {' or '.join(following)}, found {version!r}")
    found = ENTRIES.search((root / CHANGELOG).read_text())
    if not found or not re.search(r"^\* ", found["entries"], re.M):
        stop(f'expected entries below "## Unreleased" in {CHANGELOG}, found none: say what changed')


def next_versions(root: Path) -> list[str]:
    """What may follow the newest tag; without any tag, the version that the package has."""
    tags = git(root, "tag", "--list", "v*").split()
    released = [tuple(map(int, tag[1:].split("."))) for tag in tags if is_version(tag[1:])]
    if not released:
        return [version_of(root)]
    major, minor, patch = max(released)
    return [f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}.0", f"{major + 1}.0.0"]


def is_version(text: str) -> bool:
    return bool(re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", text))


def version_of(root: Path) -> str:
    versions: list[str] = re.findall(r'^__version__ = "(.+)"$', (root / MODULE).read_text(), re.M)
    return versions[0]


@contextmanager
def worktree(root: Path) -> Iterator[Path]:
    """A second checkout of what is committed, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        git(root, "worktree", "add", "--quiet", "--detach", str(tree))
        try:
            yield tree
        finally:
            git(root, "worktree", "remove", "--force", str(tree))


def set_version(version: str, tree: Path) -> None:
    """Write it, and today's date, wherever a version is written."""
    today = date.today().isoformat()
    substitute(tree / MODULE, r'^__version__ = ".*"$', f'__version__ = "{version}"')
    cited = f"version: {version}\ndate-released: {today}"
    substitute(tree / CITATION, r"^version: .*$(\ndate-released: .*$)?", cited)
    substitute(tree / CHANGELOG, r"^## Unreleased$", f"## {version} ({today})")


def substitute(path: Path, pattern: str, line: str) -> None:
    text, count = re.subn(pattern, line, path.read_text(), flags=re.M)
    if count != 1:
        stop(f"expected one line like {pattern} in {path.name}, found {count}")
    path.write_text(text)


def build(tree: Path, folder: Path) -> tuple[Path, Path]:
    """The wheel, built from what the sdist holds, and the sdist."""
    hatchling = (sys.executable, "-m", "hatchling", "build", "--directory", folder)
    run(*hatchling, "--target", "sdist", cwd=tree)
    (sdist,) = folder.glob("*.tar.gz")
    with tempfile.TemporaryDirectory() as unpacked, tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
        run(*hatchling, "--target", "wheel", cwd=next(Path(unpacked).iterdir()))
    (wheel,) = folder.glob("*.whl")
    return wheel, sdist


def check_wheel(wheel: Path, tree: Path) -> None:
    """Raise SystemExit unless it holds the code and the models, and neither more nor too much."""
    names = set(zipfile.ZipFile(wheel).namelist())
    models = json.loads((tree / "models/manifest.json").read_text())["models"].values()
    needed = {"engine/models/manifest.json", *(f"engine/models/{m['file']}" for m in models)}
    for folder in ("engine", "export"):
        files = [path for path in (tree / folder).rglob("*") if path.is_file()]
        code = [path for path in files if path.parent.name != "__pycache__"]
        needed.update(path.relative_to(tree).as_posix() for path in code)
    if missing := needed - names:
        stop(f"expected in the wheel, but missing: {sorted(missing)}")
    strange = {name for name in names if not WHEEL_NAMES.match(name)}
    if strange:
        stop(f"not expected in the wheel: {sorted(strange)}")
    tell(wheel, len(names), WHEEL_BYTES)


WHEEL_NAMES = re.compile(
    r"(?!.*\.(safetensors|pyc)$)(engine|export|cartoonify_engine-[\d.]+\.dist-info)/"
)


def check_sdist(sdist: Path, tree: Path) -> None:
    """Raise SystemExit unless it holds what is committed, and no more."""
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    if wrong := {*git(tree, "ls-files").splitlines(), "PKG-INFO"} ^ names:
        stop(f"not in both the sdist and the repository: {sorted(wrong)}")
    tell(sdist, len(names), SDIST_BYTES)


def tell(file: Path, count: int, limit: int) -> None:
    size = file.stat().st_size
    if size > limit:
        stop(f"expected at most {limit:,} bytes, found {size:,}: {file.name} holds something large")
    print(f"{file.name}: {count} files, {size / 1e6:.1f} MB")


def install(wheel: Path, folder: Path) -> Path:
    """The folder of programs of a fresh environment with the wheel and what it depends on."""
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin/python", "-m", "pip", "install", "--quiet", f"{wheel}[demo]")
    return folder / "bin"


def try_out(programs: Path, version: str) -> None:
    """Raise unless the installed program says its version and draws the demo, elsewhere."""
    with tempfile.TemporaryDirectory() as elsewhere:
        said = run(programs / "cartoonify", "--version", cwd=elsewhere)
        if said.split()[-1:] != [version]:
            stop(f"expected the installed program to be {version}, found {said!r}")
        run(programs / "cartoonify", "--demo", "-o", "out", cwd=elsewhere)
        if not Path(elsewhere, "out/astronaut_cartoon.png").is_file():
            stop("expected the demo to write out/astronaut_cartoon.png, found nothing")


def commit(version: str, tree: Path) -> str:
    """The commit that sets the version. `make release` has already run what a hook would."""
    git(tree, "commit", "--quiet", "--all", "--no-verify", "--message", f"Release {version}")
    return git(tree, "rev-parse", "HEAD")


def publish(made: str, version: str, root: Path) -> None:
    """Move the repository to the commit and tag it. Raises if it has changed in the meantime."""
    git(root, "merge", "--quiet", "--ff-only", made)
    git(root, "tag", "--annotate", f"v{version}", "--message", f"Cartoonify {version}", made)


def keep(file: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return Path(shutil.copy(file, folder))


def git(folder: Path, *arguments: str) -> str:
    return run("git", *arguments, cwd=folder).strip()


def run(*command: str | Path, cwd: str | Path | None = None) -> str:
    """What it prints. PYTHONPATH is dropped, because the source must not stand in for the wheel."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment,
        check=False, text=True, capture_output=True,
    )  # fmt: skip
    if done.returncode:
        stop(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def stop(problem: str) -> None:
    raise SystemExit(f"make release: {problem}")


if __name__ == "__main__":
    release(sys.argv[1] if len(sys.argv) > 1 else "")
