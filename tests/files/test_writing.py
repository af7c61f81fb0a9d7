"""Files are written whole or not at all, outlive a power loss, and spare what is there."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.errors import DiskFullError, OutputError
from engine.files import writing
from engine.files.writing import refuse_existing, sweep, write_file

ROOT = Path(__file__).parents[2]


@pytest.fixture
def nameless(tmp_path):
    """Where the file system knows files without a name."""
    try:
        os.close(os.open(tmp_path, os.O_TMPFILE | os.O_WRONLY))
    except OSError as error:
        pytest.skip(f"needs a file system with O_TMPFILE: {error}")


@pytest.fixture(params=["nameless", "named"])
def way(request, monkeypatch):
    """Both ways of writing: the second is that of file systems without O_TMPFILE."""
    if request.param == "named":
        monkeypatch.setattr(writing, "_NAMELESS", None)
    else:
        request.getfixturevalue("nameless")
    return request.param


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def full(*_args, **_options):
    raise OSError(28, "No space left on device")


def test_a_file_is_written_whole_with_ordinary_rights(tmp_path, way):
    path = tmp_path / "new" / "folder" / "file"
    write_file(b"data", path, overwrite=False)
    assert path.read_bytes() == b"data"
    other = tmp_path / "other"
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode
    assert path.stat().st_nlink == 1
    assert names(path.parent) == ["file"]


def test_an_existing_file_is_kept_unless_asked(tmp_path, way):
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(OutputError, match="is kept"):
        write_file(b"new", path, overwrite=False)
    assert path.read_text() == "mine"
    write_file(b"new", path, overwrite=True)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


def test_an_empty_file_can_be_written(tmp_path, way):
    write_file(b"", tmp_path / "file", overwrite=False)
    assert (tmp_path / "file").read_bytes() == b""


def test_a_file_that_appears_in_the_meantime_is_kept(tmp_path, way, monkeypatch):
    path, link = tmp_path / "file", os.link
    monkeypatch.setattr(os, "link", lambda *a, **k: (path.write_text("mine"), link(*a, **k)))
    with pytest.raises(OutputError, match="is kept"):
        write_file(b"new", path, overwrite=False)
    assert path.read_text() == "mine"
    assert names(tmp_path) == ["file"]


def test_a_link_to_nowhere_is_kept(tmp_path, way):
    path = tmp_path / "file"
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="is kept"):
        write_file(b"new", path, overwrite=False)
    assert path.is_symlink()


@pytest.mark.parametrize("lacks", ["hard links", "proc"])
def test_a_system_that_lacks_something_will_do(tmp_path, way, monkeypatch, lacks):
    if lacks == "hard links":
        monkeypatch.setattr(os, "link", lambda *_, **__: (_ for _ in ()).throw(PermissionError(1)))
    else:
        monkeypatch.setattr(writing, "_PROCESS", tmp_path / "no" / "proc")
    path = tmp_path / "file"
    write_file(b"data", path, overwrite=False)
    assert path.read_bytes() == b"data"
    with pytest.raises(OutputError, match="is kept"):
        write_file(b"new", path, overwrite=False)
    write_file(b"new", path, overwrite=True)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


def test_a_system_without_locks_will_do(tmp_path, way, monkeypatch):
    def refuse(*_):
        raise OSError(37, "No locks available")

    path = tmp_path / "file"
    writing._temporary(path).write_bytes(b"of whom, nobody can say")
    monkeypatch.setattr(fcntl, "flock", refuse)
    write_file(b"data", path, overwrite=False)
    write_file(b"new", path, overwrite=True)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == sorted([writing._temporary(path).name, "file"])


@pytest.mark.parametrize("step", ["os.replace", "os.fsync", "os.write"])
def test_a_write_that_fails_leaves_nothing_behind(tmp_path, way, monkeypatch, step):
    path = tmp_path / "file"
    path.write_text("mine")
    monkeypatch.setattr(step, full)
    with pytest.raises(DiskFullError, match="No space left"):
        write_file(b"new", path, overwrite=True)
    if step != "os.replace":
        with pytest.raises(DiskFullError, match="No space left"):
            write_file(b"new", tmp_path / "new" / "folder" / "file", overwrite=True)
    monkeypatch.undo()
    assert names(tmp_path) == ["file"]
    assert path.read_text() == "mine"


def test_the_data_are_on_the_disk_before_the_name_and_the_name_in_the_end(
    tmp_path, way, monkeypatch
):
    path, synced, fsync = tmp_path / "file", [], os.fsync

    def watch(descriptor):
        synced.append((os.path.isdir(descriptor), path.exists(), os.fstat(descriptor).st_size))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    write_file(b"data", path, overwrite=False)
    assert synced[0] == (False, False, 4)
    assert synced[-1][:2] == (True, True)


def test_new_folders_are_on_the_disk_too(tmp_path, way, monkeypatch):
    synced, fsync = [], os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda d: (synced.append(os.readlink(f"/proc/self/fd/{d}")), fsync(d))
    )
    write_file(b"data", tmp_path / "a" / "b" / "file", overwrite=False)
    assert {str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")} <= set(synced)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("n" * 300, "File name too long"),
        ("nul\0.png", "cannot be the name of a file"),
        ("half\ud800.png", "cannot be the name of a file"),
        ("folder", "is a folder"),
        ("pipe", "is a pipe or a device"),
        ("device", "is a pipe or a device"),
        ("file/below.png", "file is not a folder"),
    ],
)
def test_what_cannot_be_written_is_told_in_one_line(tmp_path, way, name, reason, overwrite):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "device").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    before = names(tmp_path)
    with pytest.raises(OutputError, match=reason) as caught:
        write_file(b"data", tmp_path / name, overwrite)
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == before


def test_a_pipe_cannot_be_replaced_and_no_option_is_offered(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="Name a file") as caught:
        refuse_existing([tmp_path / "pipe"])
    assert "overwrite" not in str(caught.value)


def test_many_writers_of_one_file_take_turns(tmp_path, way):
    path = tmp_path / "file"
    results = []

    def write(number):
        data = bytes([number]) * 100_000
        with contextlib.suppress(OutputError):
            write_file(data, path, overwrite=number % 2 == 0)
            results.append(data)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) >= 8
    assert path.read_bytes() in results
    assert names(tmp_path) == ["file"]


def test_a_failure_in_a_shared_new_folder_does_not_spoil_a_neighbours_write(
    tmp_path, way, monkeypatch
):
    """The first writer's failure takes the folder away when the second has just found it."""
    folder, write = tmp_path / "new", writing._write

    def interfere(*arguments):
        monkeypatch.setattr(writing, "_write", write)
        folder.rmdir()
        return write(*arguments)

    folder.mkdir()
    monkeypatch.setattr(writing, "_write", interfere)
    write_file(b"data", folder / "file", overwrite=False)
    assert (folder / "file").read_bytes() == b"data"


HANGING = """
import os, sys, time
from pathlib import Path
from engine.files import writing

def hang(*_, **__):
    print("now", flush=True)
    time.sleep(60)

way, step, path = sys.argv[1:]
if way == "named":
    writing._NAMELESS = None
setattr(os, step, hang)
writing.write_file(b"half", Path(path), overwrite=True)
"""


@contextlib.contextmanager
def hanging(way, step, path):
    """A process that stands still in the middle of a write."""
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, way, step, str(path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert process.stdout.readline() == b"now\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("deadly", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_killed_write_leaves_nothing_that_outlives_the_next(tmp_path, way, step, deadly):
    path = tmp_path / "file"
    path.write_text("mine")
    with hanging(way, step, path) as process:
        process.send_signal(deadly)
        assert process.wait() == -deadly
    assert path.read_text() == "mine"
    left = names(tmp_path)
    assert len(left) == (1 if (way, step) == ("nameless", "fsync") else 2)
    write_file(b"whole", path, overwrite=True)
    assert path.read_bytes() == b"whole"
    assert names(tmp_path) == ["file"]


@pytest.mark.usefixtures("nameless")
def test_a_killed_write_of_a_new_file_leaves_nothing_at_all(tmp_path):
    with hanging("nameless", "fsync", tmp_path / "file") as process:
        process.kill()
        process.wait()
    assert names(tmp_path) == []


def test_sweeping_spares_the_living_and_strangers(tmp_path):
    path, stranger = tmp_path / "file", tmp_path / ".0123456789abcdef.tmp"
    stranger.touch()
    with hanging("named", "fsync", path):
        sweep(path)
        assert len(names(tmp_path)) == 2
    sweep(path)
    assert names(tmp_path) == [stranger.name]


@pytest.mark.parametrize("made", [os.mkfifo, os.mkdir, lambda p: os.symlink("/etc/passwd", p)])
def test_what_is_no_file_of_ours_is_not_swept(tmp_path, way, made):
    path = tmp_path / "file"
    made(writing._temporary(path))
    sweep(path)
    write_file(b"data", path, overwrite=False)
    write_file(b"new", path, overwrite=True)
    assert len(names(tmp_path)) == 2
