"""The batch on a local Ray cluster of two workers, of which one is killed."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from PIL import Image

from engine.batch import cluster as cluster_module
from engine.batch.cluster import run_on_ray
from engine.batch.journal import open_journal
from engine.batch.listing import Lister
from engine.batch.plan import plan_tasks
from engine.batch.target import Target
from engine.batch.work import Recipe, Work, Worker
from engine.errors import DiskFullError, EngineError, OptionError
from engine.options import CutoutOptions
from tests.folders import pictures

ray = pytest.importorskip("ray", reason="the ray extra is not installed")
psutil = pytest.importorskip("psutil")
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]  # Ray's own, of many kinds


@pytest.fixture(scope="module")
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.fixture
def photos(tmp_path, person_photo):
    """40 photos in two folders, two of them broken, and two of one stem."""
    root = tmp_path / "photos"
    (root / "sub").mkdir(parents=True)
    for index in range(40):
        folder = root / ("sub" if index % 2 else "")
        Image.fromarray(np.roll(person_photo, 3 * index, axis=1)).save(folder / f"p{index:02d}.png")
    Image.fromarray(person_photo).save(root / "p00.jpg")
    for broken in ("p04.png", "sub/p05.png"):
        (root / broken).write_bytes((root / broken).read_bytes()[:300])
    (root / ".hidden.png").write_bytes(b"")
    return root


def on_ray(photos, out, model, resume=False, **options):
    """The records of a run into `out`, which keeps its journal there."""
    target = Target(folder=str(out))
    found = Lister(target.folder, recursive=True).find([str(photos)])
    with open_journal(target.folder, alone=True) as journal:
        tasks = plan_tasks(found, target, journal.holder)
        recipe = Recipe(str(model), **options)
        return list(run_on_ray(tasks, recipe, Work(target, resume=resume), journal, workers=2))


def names_that_failed(records):
    return sorted(record.name for record in records if record.state == "failed")


def states(records):
    return [record.state for record in records]


def test_a_killed_worker_loses_and_doubles_nothing(
    cluster, photos, tmp_path, tiny_model, cartoonify, monkeypatch
):  # fmt: skip
    cartoonify("photos", "-o", "single", "-r", "-q")
    killed = []

    def kill_one():
        while not killed:
            if len(list((tmp_path / "out").rglob("*_cartoon.png"))) >= 4:
                workers = [
                    p for p in psutil.Process().children(recursive=True)
                    if "_Actor" in " ".join(p.cmdline())
                ]  # fmt: skip
                if workers:
                    os.kill(workers[0].pid, signal.SIGKILL)
                    killed.append(workers[0].pid)
            time.sleep(0.005)

    threading.Thread(target=kill_one, daemon=True).start()
    out = tmp_path / "out"
    records = on_ray(photos, out, tiny_model)
    assert killed
    assert len(records) == len({record.name for record in records}) == 41
    assert names_that_failed(records) == ["p04", "sub/p05"]
    assert all("damaged or truncated" in r.error for r in records if r.state == "failed")
    assert pictures(out) == pictures(tmp_path / "single")
    assert {record.name for record in records} >= {"p00.jpg", "p00.png"}
    assert {record.photo for record in records} == {str(p) for p in photos.rglob("p*.*")}

    again = states(on_ray(photos, out, tiny_model, resume=True))
    assert (again.count("skipped"), again.count("failed")) == (39, 2)
    code, _, err = cartoonify("photos", "-o", "out", "-r", "--resume")  # and back to one machine
    assert code == 1
    assert "39 of 41 photos were done before" in err
    other = CutoutOptions(background="#000000")
    changed = on_ray(photos, out, tiny_model, resume=True, cutout=other)
    assert states(changed).count("done") == 39


def test_what_is_there_is_kept_unless_it_is_the_same(cluster, photos, tmp_path, tiny_model):
    out = tmp_path / "out"
    on_ray(photos / "sub", out, tiny_model)
    before = pictures(out)
    records = on_ray(photos / "sub", out, tiny_model)
    assert set(states(records)) == {"failed"}
    assert "exists already" in " ".join(record.error for record in records)
    (out / ".cartoonify.jsonl").unlink()  # as when the driver was killed
    (out / "p01_cutout.png").write_bytes(b"another's")
    records = on_ray(photos / "sub", out, tiny_model, resume=True)
    assert names_that_failed(records) == ["p01", "p05"]
    after = pictures(out)
    assert after.pop("p01_cutout.png") == b"another's"
    assert before | after == before


def test_a_run_of_one_machine_is_resumed_on_the_cluster(
    cluster, photos, tmp_path, tiny_model, cartoonify
):
    cartoonify("photos/sub", "-o", "out", "-q")
    records = on_ray(photos / "sub", tmp_path / "out", tiny_model, resume=True)
    assert states(records).count("skipped") == 19


def test_the_command_line_runs_it(cluster, photos, tmp_path, cartoonify):
    code, out, err = cartoonify("photos/sub", "-o", "out", "--jobs", "2", "--ray", "--report")
    assert code == 1
    assert (tmp_path / "out" / "report.html").read_text().count('alt="cartoon of ') == 19
    assert out.count("  kept ") == 19
    assert "1 of 20 photos failed" in err
    assert len(list((tmp_path / "out").glob("*.png"))) == 38


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--jobs", "0"), 2, "jobs is 0"),
        (("--model", "nope"), 4, "no such name or file"),
        (("--keep", "persn"), 2, "Did you mean person"),
        (("--background", "nowhere.png"), 2, "no such name or picture"),
        (("--provider", "cuda"), 5, "cuda"),
        (("-o", "nofs://x/y"), 2, "nofs"),
        (("-o", "x.png"), 2, "into a folder"),
        (("--watch",), 2, "neither watches"),
        (("--max-megapixels", "0.000001"), 1, "the limit is"),
    ],
)
def test_wrong_options_are_told(cluster, photos, cartoonify, arguments, code, words):
    model = {"model": None} if "--model" in arguments else {}
    got, _, err = cartoonify("photos/sub", "--ray", *arguments, **model)
    assert got == code
    assert words in err


def test_a_full_disk_ends_the_run(cluster, photos, tmp_path, tiny_model, monkeypatch):
    def fail(*_):
        raise DiskFullError("out/p01_cutout.png: cannot be written: No space left on device.")

    monkeypatch.setattr(Worker, "do", fail)
    actor = cluster_module._Actor(Recipe(str(tiny_model)), Work(Target(folder="out")))
    columns = ("photo", "given", "name", "source", "before")
    rows = actor({column: ["x", "y"] if column != "before" else ["", ""] for column in columns})
    assert rows["is_full"] == [True, True]
    found = [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)]
    monkeypatch.setattr(cluster_module, "_map", lambda *_: iter(found))
    with pytest.raises(DiskFullError, match="No space left"):
        on_ray(photos, tmp_path / "out", tiny_model)


def test_a_cluster_that_fails_is_told(cluster, photos, tmp_path, tiny_model, monkeypatch):
    def fail(*_):
        raise ray.exceptions.RaySystemError("the head is gone")

    monkeypatch.setattr(cluster_module, "_map", fail)
    with pytest.raises(EngineError, match=r"the cluster failed: .*the head is gone"):
        on_ray(photos, tmp_path / "out", tiny_model)


def test_workers_draw_in_one_palette_wherever_they_run(
    cluster, tmp_path, tiny_model, person_photo, monkeypatch
):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Image.fromarray(person_photo).save("me.png")
    (tmp_path / "family.json").write_text('["navy", "ivory"]')
    recorded = on_ray(tmp_path / "me.png", tmp_path / "out", tiny_model, like="family.json")
    assert [record.colours for record in recorded if record.state == "done"] != []
    assert {colour for record in recorded for colour in record.colours} == {"#000080", "#fffff0"}


def test_a_palette_that_cannot_be_read_ends_the_run(cluster, tmp_path, tiny_model, person_photo):
    Image.fromarray(person_photo).save(tmp_path / "me.png")
    with pytest.raises(OptionError, match=r"nowhere\.json: cannot be read"):
        on_ray(tmp_path / "me.png", tmp_path / "out", tiny_model, like="nowhere.json")
