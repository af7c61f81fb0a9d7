"""One photo from its file to its pictures, and what is never replaced."""

import contextlib
import io
import json
import os
import pickle
import threading

import numpy as np
import pytest
from PIL import Image

from engine.batch import budget as budgets
from engine.batch.budget import BYTES_PER_PIXEL, Budget, cost_of
from engine.batch.journal import open_journal
from engine.batch.listing import OUTPUTS, Lister
from engine.batch.local import LocalStore
from engine.batch.plan import Task, plan_tasks
from engine.batch.run import run_here
from engine.batch.store import join, open_store
from engine.batch.target import Target
from engine.batch.work import Recipe, Work, Worker
from engine.errors import DiskFullError, OptionError
from engine.options import OutputOptions
from tests.folders import tree


@pytest.fixture
def do(tiny, photo, tmp_path):
    """Does me.png into out/, and returns its record."""

    def call(before=None, overwrite=False, resume=False, kinds=("cutout", "cartoon"), source="me"):
        target = Target(OutputOptions(kinds), folder=str(tmp_path / "out"), overwrite=overwrite)
        worker = Worker(tiny, Work(target, resume))
        return worker.do(Task(str(photo), "me", source), before)

    return call


def test_a_record_says_what_was_written(do, tmp_path):
    record = do()
    assert record.state == "done"
    assert record.files == ("me_cutout.png", "me_cartoon.png")
    assert tree(tmp_path / "out") == ["me_cartoon.png", "me_cutout.png"]
    assert record.source == "me"
    assert record.key
    assert do(before=record, resume=True).state == "skipped"


def test_only_a_resumed_run_leaves_what_is_done(do):
    record = do()
    again = do(before=record)
    assert again.state == "failed"
    assert again.told(lambda option: f"--{option}").endswith("--overwrite replaces it.")
    assert do(before=record, overwrite=True).state == "done"


def test_a_file_is_replaced_only_if_it_is_what_an_earlier_run_made(do, photo, tmp_path):
    record = do()
    Image.new("RGB", (60, 40), "red").save(photo)
    assert do(before=record, resume=True).state == "done"
    Image.new("RGB", (60, 41), "red").save(photo)
    (tmp_path / "out" / "me_cartoon.png").write_bytes(b"a stranger's")
    failed = do(before=record, resume=True)
    assert failed.state == "failed"
    assert (tmp_path / "out" / "me_cartoon.png").read_bytes() == b"a stranger's"


def test_what_was_made_of_another_photo_is_not_replaced(do, photo, tmp_path):
    record = do(source="other")
    Image.new("RGB", (60, 40), "red").save(photo)
    before = (tmp_path / "out" / "me_cartoon.png").read_bytes()
    assert do(before=record, resume=True, source="me").state == "failed"
    assert (tmp_path / "out" / "me_cartoon.png").read_bytes() == before


def test_a_file_that_is_already_right_is_left(do, tmp_path):
    do()  # and killed before it was written down
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").iterdir()}
    assert do(resume=True).state == "done"
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out").iterdir()} == before


def test_all_pictures_of_a_photo_or_none(do, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "me_cartoon.png").write_bytes(b"a stranger's")
    assert do(resume=True).state == "failed"
    assert tree(tmp_path / "out") == ["me_cartoon.png"]


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, RuntimeError])
def test_no_picture_is_left_when_the_next_fails(do, tmp_path, monkeypatch, error):
    write = LocalStore.write

    def fail_at_the_second(store, path, data, overwrite):
        if path.endswith("cartoon.png"):
            raise error
        write(store, path, data, overwrite)

    monkeypatch.setattr(LocalStore, "write", fail_at_the_second)
    with contextlib.suppress(KeyboardInterrupt):
        assert do().state == "failed"
    assert tree(tmp_path / "out") == []


def test_too_little_memory_fails_one_photo(do, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr("engine.pipeline.Cartoonifier.__call__", fail)
    record = do()
    assert (record.state, record.exit_code) == ("failed", 3)
    assert "not enough memory" in record.error


def test_a_full_disk_is_raised(do, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(DiskFullError, match=r"No space.*Make room"):
        do()


def test_a_named_pipe_is_read(tiny, photo, tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(photo.read_bytes()))
    writer.start()
    target = Target(folder=str(tmp_path / "out"))
    record = Worker(tiny, Work(target)).do(Task(str(pipe), "pipe", str(pipe)))
    writer.join()
    assert record.state == "done"


def test_photos_and_pictures_may_be_remote(tiny, person_photo):
    fsspec = pytest.importorskip("fsspec", reason="the ray extra is not installed")
    buffer = io.BytesIO()
    Image.fromarray(person_photo).save(buffer, "PNG")
    store = open_store("memory://bucket")
    store.write("memory://bucket/me.png", buffer.getvalue(), overwrite=False)
    target = Target(folder="memory://bucket/out")
    worker = Worker(tiny, Work(target))
    record = worker.do(Task("memory://bucket/me.png", "me", "memory:///bucket/me.png"))
    assert record.state == "done"
    assert store.read(join(target.folder, "me_cutout.png"), 1)[:4] == b"\x89PNG"
    assert "no such file" in worker.do(Task("memory://bucket/none.png", "none")).error
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


def test_large_photos_wait_for_each_other(tiny, tmp_path, monkeypatch):
    photos = [tmp_path / f"{index}.png" for index in range(6)]
    for index, path in enumerate(photos):
        Image.fromarray(np.full((100, 100 + index, 3), 90, np.uint8)).save(path)
    monkeypatch.setattr(budgets, "find_budget", lambda: 2.5 * 100 * 105 * BYTES_PER_PIXEL)
    monkeypatch.setattr("engine.batch.run.find_budget", budgets.find_budget)
    alive, most, lock = [0], [0], threading.Lock()
    do = Worker.do

    def counted(*arguments):
        with lock:
            alive[0] += 1
            most[0] = max(most[0], alive[0])
        try:
            return do(*arguments)
        finally:
            with lock:
                alive[0] -= 1

    monkeypatch.setattr(Worker, "do", counted)
    tasks = [Task(str(path), path.stem, str(path)) for path in photos]
    worker = Worker(tiny, Work(Target(folder=str(tmp_path / "out"))))
    records = list(run_here(tasks, worker, at_a_time=6))
    assert all(record.state == "done" for record in records)
    assert 1 <= most[0] <= 2


def test_a_photo_that_is_too_large_for_all_memory_is_done_alone():
    budget = Budget(10)
    order = []
    with budget.take(1000):
        thread = threading.Thread(target=lambda: _take(budget, 1, order))
        thread.start()
        order.append("large")
    thread.join()
    assert order == ["large", "small"]


def _take(budget, cost, order):
    with budget.take(cost):
        order.append("small")


def test_the_cost_of_a_photo_comes_from_its_header(photo, tmp_path):
    assert cost_of(str(photo), 200) == 150 * 210 * BYTES_PER_PIXEL
    os.mkfifo(tmp_path / "pipe")
    assert cost_of(str(tmp_path / "pipe"), 200) == cost_of("-", 200) > 0


@pytest.mark.parametrize("folder", ["memory://ours", "memory:///ours", "memory:///ours/"])
def test_pictures_beside_remote_photos_stay_outputs(tiny, person_photo, folder):
    remote = pytest.importorskip("fsspec").filesystem("memory")
    buffer = io.BytesIO()
    Image.fromarray(person_photo).save(buffer, "png")
    remote.pipe_file("/ours/a.png", buffer.getvalue())
    try:
        target = Target(folder=folder)
        tasks = plan_tasks(Lister(folder).find([folder]), target)
        with open_journal(folder, alone=True) as journal:
            (record,) = run_here(tasks, Worker(tiny, Work(target)), journal)
        assert record.state == "done"
        lister = Lister(folder)
        assert [found.below for found in lister.find([folder])] == ["a.png"]
        assert lister.skipped == {OUTPUTS: 2}
    finally:
        remote.rm("/ours", recursive=True)


@pytest.mark.parametrize("source", ["family.json", "other.png"])
def test_all_photos_of_a_recipe_are_drawn_in_one_palette(
    tiny_model, person_photo, tmp_path, source
):
    Image.new("RGB", (80, 60), (250, 30, 30)).save(tmp_path / "other.png")
    (tmp_path / "family.json").write_text('["navy", "ivory"]')
    recipe = Recipe(tiny_model, "cpu", like=str(tmp_path / source))
    app = pickle.loads(pickle.dumps(recipe)).load(threads=1)  # as it travels to a cluster
    palette = app.cartoon.palette
    assert palette is not None
    assert app(person_photo).palette.css == palette.css
    own = Recipe(tiny_model, "cpu").load(threads=1)
    assert app.settings != own.settings
    assert palette.digest in json.dumps(app.settings)


def test_a_palette_that_never_ends_is_refused(tiny_model, tmp_path):
    (tmp_path / "endless.json").symlink_to("/dev/zero")
    with pytest.raises(OptionError, match=r"endless\.json: cannot be read"):
        Recipe(tiny_model, "cpu", like=str(tmp_path / "endless.json")).load(threads=1)
