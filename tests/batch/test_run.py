"""Folders of photos: mirrored, several at a time, stopped anywhere and gone on with."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image

from engine.batch.journal import NAME, open_journal
from engine.batch.listing import Lister
from engine.batch.plan import plan_tasks
from engine.batch.run import run_here
from engine.batch.target import Target
from engine.batch.work import Work, Worker
from engine.errors import DiskFullError
from tests.folders import pictures, tree, wait_for


@pytest.fixture
def photos(tmp_path, person_photo):
    """A tree of 12 photos in three folders, two of them broken."""
    root = tmp_path / "photos"
    for index in range(12):
        folder = root / ("", "a", "a/deep")[index % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(person_photo, 5 * index, axis=1)).save(folder / f"p{index:02d}.png")
    for broken in ("p03.png", "a/p04.png"):
        (root / broken).write_bytes((root / broken).read_bytes()[:200])
    (root / ".hidden").mkdir()
    (root / ".hidden" / "x.png").write_bytes(b"")
    (root / "a" / "p01.png.xmp").write_text("sidecar")
    return root


def states(folder):
    lines = [
        json.loads(line) for line in (folder / NAME).read_bytes().splitlines() if line[-1:] == b"}"
    ]
    return sorted({line["name"]: line["state"] for line in lines}.items())


def plan(photos, target):
    return plan_tasks(Lister(target.folder, recursive=True).find([str(photos)]), target)


def run(cartoonify, *arguments):
    return cartoonify("photos", "-o", "out", "--recursive", *arguments)


def test_a_tree_is_mirrored_and_the_broken_are_named(cartoonify, photos, tmp_path):
    code, out, err = run(cartoonify)
    assert code == 1
    assert "2 of 12 photos failed" in err
    assert err.count("damaged or truncated") == 2
    assert out.count("\n") == 10
    names = tree(tmp_path / "out")
    assert len(names) == 21
    assert {"a/deep/p02_cutout.png", "a/p01_cartoon.png", "p00_cartoon.png"} < set(names)
    assert states(tmp_path / "out")[0] == ("a/deep/p02", "done")
    assert sum(state == "failed" for _, state in states(tmp_path / "out")) == 2


def test_without_recursive_only_the_folder_itself(cartoonify, photos, tmp_path):
    assert cartoonify("photos", "-o", "out")[0] == 1
    assert all("/" not in name for name in tree(tmp_path / "out"))


def test_outputs_in_the_tree_are_never_inputs(cartoonify, photos, tmp_path):
    cartoonify("photos", "-o", "photos/out", "--recursive")
    before = pictures(photos / "out")
    _, out, _ = cartoonify("photos", "-o", "photos/out", "--recursive", "--dry-run")
    assert out.count("->") == 12
    cartoonify("photos", "-o", "elsewhere", "--recursive")
    assert pictures(tmp_path / "elsewhere") == before


@pytest.mark.parametrize("jobs", ["1", "3", "50"])
def test_the_number_at_a_time_changes_nothing(cartoonify, photos, tmp_path, jobs):
    run(cartoonify)
    first = pictures(tmp_path / "out")
    _, out, _ = cartoonify("photos", "-o", "again", "--recursive", "--jobs", jobs, "--json")
    assert pictures(tmp_path / "again") == first
    sources = [json.loads(line)["photo"] for line in out.splitlines()]
    assert sources == [task.photo for task in plan("photos", Target(folder="again"))]


def test_a_pattern_stands_for_what_it_matches(cartoonify, photos, tmp_path):
    assert cartoonify("photos/**/p0[12].png", "-o", "out")[0] == 0
    assert len(tree(tmp_path / "out")) == 5
    code, _, err = cartoonify("photos/*.bmp")
    assert code == 3
    assert "matches nothing" in err
    Image.new("RGB", (9, 9)).save(tmp_path / "[1].png")
    assert cartoonify("[1].png", "-o", "one")[0] == 0


def test_resume_skips_what_is_done_and_retries_what_failed(cartoonify, photos, tmp_path):
    run(cartoonify)
    out = tmp_path / "out"
    before = {name: (out / name).stat().st_mtime_ns for name in pictures(out)}
    assert "exists already" in run(cartoonify)[2]
    code, text, err = run(cartoonify, "--resume")
    assert code == 1
    assert text == ""
    assert "10 of 12 photos were done before" in err
    assert "2 of 12 photos failed" in err
    assert {name: (out / name).stat().st_mtime_ns for name in pictures(out)} == before
    Image.new("RGB", (30, 20), "red").save(photos / "p03.png")
    Image.new("RGB", (30, 20), "red").save(photos / "a" / "p04.png")
    code, text, err = run(cartoonify, "--resume")
    assert code == 0
    assert "10 of 12 photos were done before" in err


@pytest.mark.parametrize("change", ["photo", "option", "model", "picture", "background"])
def test_what_changed_is_done_again(cartoonify, photos, tmp_path, change):
    backdrop = tmp_path / "back.png"
    Image.new("RGB", (8, 8), "navy").save(backdrop)
    options = ["--background", "back.png", "--resume"]
    run(cartoonify, *options)
    done, model = 10, {}
    if change == "photo":
        Image.new("RGB", (210, 150), "red").save(photos / "p00.png")
        done = 9
    elif change == "option":
        options += ["--edges", "soft"]
        done = 0
    elif change == "background":
        Image.new("RGB", (8, 8), "white").save(backdrop)
        done = 0
    elif change == "picture":
        (tmp_path / "out" / "p00_cutout.png").unlink()
        done = 9
    elif change == "model":
        model, done = {"model": None}, 0
    _, _, err = cartoonify("photos", "-o", "out", "-r", *options, **model)
    assert (f"{done} of 12 photos were done before" in err) == (done > 0)
    assert "2 of 12 photos failed" in err
    assert len(pictures(tmp_path / "out")) == 20


def test_what_another_made_is_kept(cartoonify, photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "p00_cutout.png").write_text("mine")
    code, _, err = run(cartoonify, "--resume")
    assert code == 1
    assert "p00_cutout.png: exists already, and is kept" in err
    assert (tmp_path / "out" / "p00_cutout.png").read_text() == "mine"


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(photos, tmp_path, tiny_model):
    command = [sys.executable, "-m", "engine.run", "photos", "-r", "--model", str(tiny_model)]
    whole = subprocess.run([*command, "-o", "whole"], cwd=tmp_path, capture_output=True)
    assert whole.returncode == 1
    rng = random.Random(0)
    out = tmp_path / "out"
    for wanted in sorted(rng.sample(range(1, 18), 3)):
        process = subprocess.Popen(
            [*command, "-o", "out", "--resume", "--jobs", "2", "-q"], cwd=tmp_path,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while process.poll() is None and len(list(out.rglob("*_c*"))) < wanted:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path in out.rglob("*.png"):
            if not path.name.startswith("."):
                Image.open(path).load()
    with open(out / NAME, "ab") as journal:
        journal.write(b'{"name": "cut o')  # a kill in the middle of a line
    last = subprocess.run([*command, "-o", "out", "--resume"], cwd=tmp_path, capture_output=True)
    assert last.returncode == 1
    assert b"2 of 12 photos failed" in last.stderr
    assert pictures(out) == pictures(tmp_path / "whole")
    assert states(out) == states(tmp_path / "whole")


def test_ctrl_c_says_so_and_leaves_only_whole_files(photos, tmp_path, tiny_model):
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.run", "photos", "-r", "--model", str(tiny_model)],
        cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    while not list((tmp_path / "out").rglob("*_cartoon.png")) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, b"interrupted" in err) in ((130, True), (1, False))
    assert not [name for name in tree(tmp_path / "out") if name.endswith(".tmp")]


def test_a_full_disk_ends_the_run(tiny, photos, tmp_path, monkeypatch):
    target = Target(folder=str(tmp_path / "out"))
    tasks = plan(photos, target)
    replace, left = os.link, [3]

    def fill(*names, **options):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        replace(*names, **options)

    monkeypatch.setattr(os, "link", fill)
    monkeypatch.setattr(os, "replace", fill)
    with (
        open_journal(target.folder, alone=True) as journal,
        pytest.raises(DiskFullError, match=r"No space.*resume"),
    ):
        list(run_here(tasks, Worker(tiny, Work(target)), journal))
    monkeypatch.undo()
    assert not [name for name in tree(tmp_path / "out") if name.endswith(".tmp")]
    with open_journal(target.folder, alone=True) as journal:
        records = list(run_here(tasks, Worker(tiny, Work(target, resume=True)), journal))
    assert len(pictures(tmp_path / "out")) == 20
    assert sum(record.state == "failed" for record in records) == 2


def test_few_photos_are_in_memory_at_a_time(tiny, photos, tmp_path, monkeypatch):
    alive, most, lock = [0], [0], threading.Lock()
    do = Worker.do

    def counted(self, *arguments):
        with lock:
            alive[0] += 1
            most[0] = max(most[0], alive[0])
        try:
            return do(self, *arguments)
        finally:
            with lock:
                alive[0] -= 1

    monkeypatch.setattr(Worker, "do", counted)
    target = Target(folder=str(tmp_path / "out"))
    tasks = plan(photos, target)
    assert len(list(run_here(tasks, Worker(tiny, Work(target)), at_a_time=3))) == 12
    assert 1 <= most[0] <= 3


@pytest.mark.slow
def test_watch_takes_photos_as_they_arrive(photos, tmp_path, tiny_model, person_photo):
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.run", "photos", "-r", "--watch", "--model", str(tiny_model)],
        cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    out = tmp_path / "out"
    try:
        wait_for(lambda: len(list(out.rglob("*_cartoon.png"))) == 10)
        (photos / "new").mkdir()
        Image.fromarray(person_photo).save(photos / "new" / "late.png")
        assert any(b"late.png" in line for line in process.stdout)
    finally:
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert err.count(b"error:") == 2
    assert b"11 of 13 photos done" in err


def test_a_dry_run_writes_nothing(cartoonify, photos, tmp_path):
    code, out, _ = run(cartoonify, "--dry-run")
    assert code == 0
    assert "photos/a/deep/p02.png -> out/a/deep/p02_cutout.png, out/a/deep/p02_cartoon.png" in out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--jobs", "0"), "jobs is 0"),
        (("--resume", "-o", "x.png"), "needs a folder"),
        (("--watch", "-o", "-"), "needs a folder"),
        (("--metadata", "kep"), "Did you mean keep?"),
    ],
)
def test_wrong_options_are_told(cartoonify, tmp_path, person_photo, arguments, words):
    Image.fromarray(person_photo).save(tmp_path / "me.png")
    code, _, err = cartoonify("me.png", *arguments)
    assert code == 2
    assert words in err


def test_another_photo_of_the_same_name_is_not_replaced(cartoonify, tmp_path, person_photo):
    for folder, turn in (("a", 1), ("b", -1)):
        (tmp_path / folder).mkdir()
        Image.fromarray(person_photo[::turn].copy()).save(tmp_path / folder / "x.png")
    cartoonify("a", "-o", "out")
    before = pictures(tmp_path / "out")
    code, _, err = cartoonify("b", "-o", "out", "--resume")
    assert code == 3
    assert "exists already, and is kept" in err
    assert pictures(tmp_path / "out") == before


@pytest.mark.slow
def test_outputs_beside_their_photos_stay_outputs(cartoonify, photos, tmp_path):
    cartoonify("photos", "-o", "photos", "--report", "--figures")
    (photos / "p00.png").unlink()
    _, out, _ = cartoonify("photos", "-o", "photos", "-r", "--dry-run")
    assert out.count("->") == 11
    assert not any(kind in out.partition("->")[0] for kind in ("_cartoon", "_cutout", "figures"))
    _, out, _ = cartoonify("photos", "-o", "else", "-r", "--dry-run")
    assert "_cartoon_cartoon" not in out


def test_a_folder_with_a_journal_still_has_photos(cartoonify, photos, tmp_path):
    cartoonify("photos/a", "-o", "photos/a")
    _, out, _ = run(cartoonify, "--dry-run")
    assert out.count("->") == 12


def test_other_kinds_are_made_once(cartoonify, photos, tmp_path):
    run(cartoonify, "--save", "cutout")
    (tmp_path / "out" / "p00_cutout.png").unlink()
    run(cartoonify, "--save", "cartoon", "--resume")
    assert "10 of 12 photos were done before" in run(cartoonify, "--save", "cartoon", "--resume")[2]


def test_a_long_name_is_written(cartoonify, tmp_path, person_photo):
    name = "ü" * 110 + ".png"
    Image.fromarray(person_photo).save(tmp_path / name)
    assert cartoonify(name)[0] == 0
