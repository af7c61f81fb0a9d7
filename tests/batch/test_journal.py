"""Journals: what they remember, and what a stranger's journal cannot do."""

import errno
import fcntl
import json
import os
import threading

import pytest

from engine.batch.journal import NAME, PARTS, open_journal, owned_files, read_journal
from engine.batch.store import open_store
from engine.errors import DiskFullError, OptionError, OutputError
from engine.record import VERSION, PhotoRecord, parse


def record(name="a", **facts):
    facts = {"state": "done", "key": "k", "source": f"/photos/{name}.jpg"} | facts
    return PhotoRecord(photo=f"{name}.jpg", name=name, **facts)


def reopened(folder):
    with open_journal(str(folder), alone=True) as journal:
        return journal.find("a"), journal.damaged


def test_the_last_line_of_a_name_counts(tmp_path):
    with open_journal(str(tmp_path), alone=True) as journal:
        for key in ("first", "second"):
            journal.append(record(key=key))
        journal.append(record(state="failed", error="no"))
        assert journal.find("a").key == "second"
        assert journal.holder("a") == "/photos/a.jpg"
        assert journal.find("b") is None
        assert journal.holder("b") == ""
    assert reopened(tmp_path)[0].key == "second"


def test_a_line_that_was_cut_off_costs_only_itself(tmp_path):
    with open_journal(str(tmp_path), alone=True) as journal:
        journal.append(record())
        journal.append(record("b"))
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:-20])
    with open_journal(str(tmp_path), alone=True) as journal:
        assert journal.find("a")
        assert journal.find("b") is None
        journal.append(record("c"))
    with open_journal(str(tmp_path), alone=True) as journal:
        assert journal.find("c")
        assert journal.damaged == 1


def test_a_cut_off_line_costs_only_itself_when_others_write_too(tmp_path):
    (tmp_path / NAME).write_bytes(b'{"photo": "cut o')
    with open_journal(str(tmp_path), alone=False) as journal:
        journal.append(record())
    found, damaged = reopened(tmp_path)
    assert found
    assert damaged == 1


GOOD = json.loads(record().to_json())


@pytest.mark.parametrize(
    "line",
    [
        b"no JSON",
        b"[" * 100_000,
        b'{"photo": ' * 50_000,
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"photo": "a"}',
        json.dumps(GOOD | {"version": VERSION + 1}).encode(),
        json.dumps(GOOD | {"unknown": 1}).encode(),
        json.dumps(GOOD | {"state": "begun"}).encode(),
        json.dumps(GOOD | {"name": 7}).encode(),
        json.dumps(GOOD | {"name": "../a"}).encode(),
        json.dumps(GOOD | {"name": "/etc/a"}).encode(),
        json.dumps(GOOD | {"files": ["x/../../a"], "digests": [""]}).encode(),
        json.dumps(GOOD | {"files": ["a\0"], "digests": [""]}).encode(),
        json.dumps(GOOD | {"files": ["a\ud800"], "digests": [""]}).encode(),
        json.dumps(GOOD | {"files": ["a"], "digests": []}).encode(),
        json.dumps(GOOD | {"share": "much"}).encode(),
        json.dumps(GOOD | {"share": 1e300}).replace("1e+300", "1e400").encode(),
        json.dumps(GOOD | {"time": 10**400}).encode(),
        json.dumps(GOOD | {"width": True}).encode(),
        json.dumps(GOOD | {"width": 1 << 60}).encode(),
        json.dumps(GOOD | {"centroids": {"hue": [1]}}).encode(),
        json.dumps(GOOD | {"centroids": {"lightness": [1], "saturation": [1]}}).encode(),
        json.dumps(GOOD | {"version": 1, "palette": {}}).encode(),
        json.dumps(GOOD | {"thumbnails": {"photo": "javascript:x"}}).encode(),
    ],
)
def test_a_line_that_is_no_record_is_left_out(tmp_path, line):
    with open_journal(str(tmp_path), alone=True) as journal:
        journal.append(record())
    with open(tmp_path / NAME, "ab") as file:
        file.write(line + b"\n")
    found, damaged = reopened(tmp_path)
    assert found
    assert damaged >= 1
    assert list(owned_files(open_store("x"), str(tmp_path))) == []


def test_odd_names_come_back_as_they_were(tmp_path):
    name = os.fsdecode(b"caf\xe9 \n\x1b[31m")
    with open_journal(str(tmp_path), alone=True) as journal:
        journal.append(record(name))
        assert journal.find(name).name == name
    assert (tmp_path / NAME).read_bytes().isascii()


def test_a_journal_that_cannot_grow_is_told(tmp_path):
    journal = open_journal(str(tmp_path), alone=True)
    journal.append(record())
    full = open("/dev/full", "ab")  # noqa: SIM115, closed by the journal
    whole, journal._lines = journal._lines, full
    with pytest.raises(DiskFullError, match="No space"):
        journal.append(record("b"))
    journal._lines = whole
    journal.close()
    with pytest.raises(OSError, match="No space"):
        full.close()
    assert reopened(tmp_path)[0]


def test_lines_are_found_while_others_write_too(tmp_path):
    with open_journal(str(tmp_path), alone=True) as journal:
        with open_journal(str(tmp_path), alone=False) as other:
            other.append(record("b"))
        journal.append(record(key="mine"))
        assert journal.find("a").key == "mine"


def test_a_line_that_was_changed_since_it_was_read_is_unknown(tmp_path):
    with open_journal(str(tmp_path), alone=True) as journal:
        journal.append(record())
        (tmp_path / NAME).write_bytes(b"")
        assert journal.find("a") is None
        assert journal.holder("a") == ""


def test_two_runs_that_want_a_folder_alone_are_refused(tmp_path):
    with (
        open_journal(str(tmp_path), alone=True),
        pytest.raises(OptionError, match="another run is writing there"),
    ):
        open_journal(str(tmp_path), alone=True)
    open_journal(str(tmp_path), alone=True).close()


def test_a_file_system_without_locks_is_no_other_run(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with open_journal(str(tmp_path), alone=True) as journal:
        journal.append(record())
    assert "has no locks" in caplog.text


@pytest.mark.parametrize("alone", [True, False])
def test_a_journal_that_is_no_file_is_refused(tmp_path, alone):
    target = tmp_path / "elsewhere"
    target.write_text("a stranger's")
    for index, make in enumerate((os.mkfifo, os.mkdir, lambda path: os.symlink(target, path))):
        folder = tmp_path / str(index)
        folder.mkdir()
        make(folder / NAME)
        with pytest.raises(OutputError, match=NAME), open_journal(str(folder), alone) as journal:
            journal.append(record())
    assert target.read_text() == "a stranger's"


def test_a_run_that_did_nothing_leaves_nothing(tmp_path):
    open_journal(str(tmp_path / "new" / "and" / "deep"), alone=True).close()
    open_journal(str(tmp_path / "new"), alone=False).close()
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    open_journal(str(tmp_path / "old"), alone=True).close()
    assert list((tmp_path / "old").iterdir()) == []


def test_several_threads_append_whole_lines(tmp_path):
    with open_journal(str(tmp_path), alone=True) as journal:

        def write(thread):
            for index in range(50):
                name = f"{thread}-{index}"
                journal.append(record(name))
                assert journal.find(name).name == name

        threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = (tmp_path / NAME).read_bytes().splitlines()
    assert len({parse(line).name for line in lines}) == 200


def test_looking_things_up_changes_nothing(tmp_path):
    assert read_journal(str(tmp_path)) is None
    (tmp_path / NAME).write_bytes(record().to_json().encode())
    with read_journal(str(tmp_path)) as journal:
        assert journal.find("a")
    assert (tmp_path / NAME).read_bytes() == record().to_json().encode()


def test_a_remote_journal_is_kept_in_parts():
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    folder = "memory://journals/out"
    for key in ("first", "second"):
        with open_journal(folder, alone=True) as journal:
            journal.append(record(key=key, files=("a_cutout.png",), digests=("",)))
    parts = memory.glob(f"/journals/out/{PARTS}/*.jsonl")
    assert len(parts) == 2
    with open_journal(folder, alone=True) as journal:
        assert journal.find("a").key == "second"
    assert set(owned_files(open_store(folder), folder)) == {"a_cutout.png"}
    memory.pipe_file(parts[0], b"garbage")
    with open_journal(folder, alone=True) as journal:
        assert journal.damaged == 1
    memory.rm("/journals", recursive=True)
