"""A release is whole or does not happen."""

import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.release_script import release

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="there is no git here")


def git(folder, *arguments):
    options = ["-c", "user.name=A Tester", "-c", "user.email=tester@example.org"]
    command = ["git", *options, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit_all(folder, *options):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Change something", *options)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A small one that is ready to be released as 0.1.0, but for what is built."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "gitconfig").write_text("[user]\nname = A Tester\nemail = tester@example.org\n")
    folder = tmp_path / "repository"
    (folder / "engine").mkdir(parents=True)
    (folder / "engine/versions.py").write_text('__version__ = "0.1.0"\n')
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n### New\n\n* Cartoons.\n")
    shutil.copy(ROOT / "CITATION.cff", folder)
    (folder / ".hidden").touch()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit_all(folder)
    return folder


def state(folder):
    """All that a release that fails must leave as it was."""
    texts = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and ".git" not in p.parts}
    return texts, *(
        git(folder, *command)
        for command in (
            ["rev-parse", "HEAD"],
            ["branch"],
            ["tag"],
            ["status"],
            ["worktree", "list"],
        )
    )


def refusal(repository, version):
    """What is said, after making sure that nothing happened."""
    before = state(repository)
    with pytest.raises(SystemExit) as stopped:
        release.release(version, repository)
    assert state(repository) == before
    return str(stopped.value)


@pytest.mark.parametrize("name", ["CHANGELOG.md", "new.txt"])
def test_an_unclean_tree_is_refused(repository, name):
    with (repository / name).open("a") as file:
        file.write("* Not committed.\n")
    assert name in refusal(repository, "0.1.0")


@pytest.mark.parametrize("version", ["0.1.1", "0.2.0", "v0.1.0", "0.1", "", "0.1.0\n"])
def test_the_first_release_has_the_version_of_the_package(repository, version):
    assert "expected the next version, 0.1.0, found" in refusal(repository, version)


@pytest.mark.parametrize("version", ["0.10.2", "0.9.1", "0.10.4", "0.12.0", "2.0.0", "0.10.03"])
def test_a_version_that_is_not_next_is_refused(repository, version):
    for tag in ("v0.9.0", "v0.10.2", "vnext", "v1"):
        git(repository, "tag", tag)
    said = refusal(repository, version)
    assert "0.10.3 or 0.11.0 or 1.0.0" in said


@pytest.mark.parametrize(
    "text",
    [
        "# Changelog\n\n## 0.1.0 (2026-01-01)\n\n* Cartoons.\n",
        "# Changelog\n\n## Unreleased\n\n### New\n\n## 0.0.1 (2026-01-01)\n\n* Cartoons.\n",
    ],
    ids=["no section", "no entries"],
)
def test_a_changelog_with_nothing_new_is_refused(repository, text):
    (repository / "CHANGELOG.md").write_text(text)
    commit_all(repository)
    assert 'expected entries below "## Unreleased"' in refusal(repository, "0.1.0")


def test_a_version_that_cannot_be_written_is_refused(repository):
    (repository / "CITATION.cff").write_text("title: Cartoonify\n")
    commit_all(repository)
    assert "CITATION.cff" in refusal(repository, "0.1.0")


def test_a_build_that_fails_leaves_nothing(repository):
    assert "hatchling build" in refusal(repository, "0.1.0")  # there is no pyproject.toml


def test_a_repository_that_changed_in_the_meantime_is_refused(repository):
    with release.worktree(repository) as tree:
        release.set_version("0.1.0", tree)
        made = release.commit("0.1.0", tree)
    (repository / "late.txt").touch()
    commit_all(repository)
    before = state(repository)
    with pytest.raises(SystemExit, match="merge"):
        release.publish(made, "0.1.0", repository)
    assert state(repository) == before


def test_what_is_not_expected_in_a_wheel_is_found(tmp_path):
    tree = tmp_path / "tree"
    for name in ("models/manifest.json", "engine/run.py", "export/network.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text('{"models": {"small": {"file": "small.onnx"}}}')
    good = {"engine/run.py", "export/network.py", "engine/models/manifest.json"}
    good |= {"engine/models/small.onnx", "cartoonify_engine-0.1.0.dist-info/METADATA"}
    release.check_wheel(make_wheel(tmp_path, good), tree)
    for name in ("tests/test_run.py", "engine/models/small.safetensors", "engine/run.pyc"):
        with pytest.raises(SystemExit, match=f"not expected in the wheel.*{name}"):
            release.check_wheel(make_wheel(tmp_path, good | {name}), tree)
    for name in ("engine/run.py", "engine/models/small.onnx", "engine/models/manifest.json"):
        with pytest.raises(SystemExit, match=f"missing.*{name}"):
            release.check_wheel(make_wheel(tmp_path, good - {name}), tree)


def make_wheel(folder, names):
    with zipfile.ZipFile(folder / "a.whl", "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return folder / "a.whl"


def test_an_sdist_holds_exactly_what_is_committed(repository, tmp_path):
    for missing, more, complaint in (
        ("", "", None),
        (".hidden", "", ".hidden"),
        ("", "engine/cache.npy", "engine/cache.npy"),
    ):
        names = {"PKG-INFO", *git(repository, "ls-files").splitlines(), more} - {missing}
        with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
            for name in sorted(names - {""}):
                archive.add(repository / "CHANGELOG.md", f"cartoonify_engine-0.1.0/{name}")
        if not complaint:
            release.check_sdist(tmp_path / "a.tar.gz", repository)
            continue
        with pytest.raises(SystemExit, match=complaint):
            release.check_sdist(tmp_path / "a.tar.gz", repository)


def test_a_file_that_is_too_large_is_refused(tmp_path):
    (tmp_path / "a.whl").write_bytes(bytes(101))
    with pytest.raises(SystemExit, match="at most 100 bytes, found 101"):
        release.tell(tmp_path / "a.whl", 1, 100)


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout")
def test_a_release_is_committed_tagged_and_kept(repository, monkeypatch):
    pytest.importorskip("twine", reason="the release extra is not installed")
    copy_the_project(repository)
    monkeypatch.setattr(release, "install", lambda wheel, folder: wheel.name)
    monkeypatch.setattr(release, "try_out", lambda *_: commit_all(repository, "--allow-empty"))
    with pytest.raises(SystemExit, match="merge"):  # somebody committed something meanwhile
        release.release("0.1.0", repository)
    assert not list((repository / "dist").iterdir())
    assert not git(repository, "tag")

    tried = []  # tests/test_packaging.py installs a wheel and tries it, which takes a minute
    monkeypatch.setattr(release, "try_out", lambda *given: tried.append(given))
    release.release("0.1.0", repository)
    assert tried == [("cartoonify_engine-0.1.0-py3-none-any.whl", "0.1.0")]
    assert git(repository, "log", "--format=%s", "-1") == "Release 0.1.0"
    assert git(repository, "rev-parse", "HEAD") == git(repository, "rev-parse", "v0.1.0^{commit}")
    assert git(repository, "worktree", "list").count("\n") == 0
    assert (repository / "CHANGELOG.md").read_text().startswith("# Changelog\n\n## 0.1.0 (20")
    assert sorted(path.name for path in (repository / "dist").iterdir()) == [
        "cartoonify_engine-0.1.0-py3-none-any.whl",
        "cartoonify_engine-0.1.0.tar.gz",
    ]
    assert "expected entries" in refusal(repository, "0.1.1")  # which go below a new heading


def copy_the_project(repository):
    """All files of this checkout that git knows or would know, committed."""
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in listed:
        if (ROOT / name).is_file() and name != "CHANGELOG.md":
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, repository / name)
    release.substitute(
        repository / "engine/versions.py", "^__version__ = .*", '__version__ = "0.1.0"'
    )
    commit_all(repository)
