"""The batch on a local Ray cluster of two workers, of which one is killed."""

import json
import os
import signal
import threading
import time

import numpy as np
import pytest
from PIL import Image

from engine.batch import cluster as distributed
from engine.batch import urls
from engine.errors import OptionError
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


def everywhere(out, tiny_model, **options):
    return distributed.Plan(str(out), str(tiny_model), **options)


def on_ray(photos, plan):
    return list(distributed.run([str(photos)], plan, actors=(2, 2)))


def without_journal(folder):
    return {n: data for n, data in pictures(folder).items() if not n.endswith(".parquet")}


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
                    if "_Worker" in " ".join(p.cmdline())
                ]  # fmt: skip
                if workers:
                    os.kill(workers[0].pid, signal.SIGKILL)
                    killed.append(workers[0].pid)
            time.sleep(0.005)

    threading.Thread(target=kill_one, daemon=True).start()
    rows = on_ray(photos, everywhere(tmp_path / "out", tiny_model))
    assert killed
    assert len(rows) == 41
    assert len({row["name"] for row in rows}) == 41
    assert sorted(row["name"] for row in rows if row["state"] == "failed") == ["p04", "sub/p05"]
    assert all("damaged or truncated" in row["error"] for row in rows if row["state"] == "failed")
    assert without_journal(tmp_path / "out") == without_journal(tmp_path / "single")
    assert {row["name"] for row in rows} >= {"p00.jpg", "p00.png"}

    again = on_ray(photos, everywhere(tmp_path / "out", tiny_model, resume=True))
    states = [row["state"] for row in again]
    assert (states.count("skipped"), states.count("failed")) == (39, 2)
    other = CutoutOptions(background="#000000")
    changed = on_ray(photos, everywhere(tmp_path / "out", tiny_model, resume=True, cutout=other))
    assert [row["state"] for row in changed].count("done") == 39
    assert json.loads(changed[0]["record"] or changed[-1]["record"])["model"]


def test_what_is_there_is_kept_unless_it_is_the_same(cluster, photos, tmp_path, tiny_model):
    out = tmp_path / "out"
    on_ray(photos / "sub", everywhere(out, tiny_model))
    before = without_journal(out)
    rows = on_ray(photos / "sub", everywhere(out, tiny_model))
    assert all(row["state"] == "failed" for row in rows)
    assert "exists already" in rows[0]["error"]
    for part in (out / distributed.JOURNAL).iterdir():  # as when the driver was killed
        part.unlink()
    (out / "p01_cutout.png").write_bytes(b"another's")
    rows = on_ray(photos / "sub", everywhere(out, tiny_model, resume=True))
    failed = [row["name"] for row in rows if row["state"] == "failed"]
    assert sorted(failed) == ["p01", "p05"]
    after = without_journal(out)
    assert after.pop("p01_cutout.png") == b"another's"
    assert before | after == before


def test_any_file_system_will_do(tmp_path, photos):
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe_file("/in/a/x.jpg", b"1")
    memory.pipe_file("/in/y.png", b"2")
    memory.pipe_file("/in/out/z.png", b"3")
    found = urls.list_photos(["memory://in"], "memory://in/out")
    assert found == [("memory:///in/a/x.jpg", "a/x", ""), ("memory:///in/y.png", "y", "")]
    flat = urls.list_photos(["memory://in"], "memory://in/out", recursive=False)
    assert flat == [("memory:///in/y.png", "y", "")]
    urls.write("memory://out/p.png", b"data")
    assert urls.read("memory://out/p.png") == b"data"
    assert urls.list_files("memory://out") == {"memory://out/p.png"}


def test_the_command_line_runs_it(cluster, photos, tmp_path, cartoonify):
    code, out, err = cartoonify("photos/sub", "-o", "out", "--jobs", "2", "--ray", "--report")
    assert code == 1
    assert (tmp_path / "out" / "report.html").read_text().count('alt="cartoon of ') == 19
    assert out.count("  done") == 19
    assert "1 of 20 photos failed" in err
    assert len(list((tmp_path / "out").glob("*.png"))) == 38


def test_a_stranger_s_file_outlives_a_refused_run(cluster, photos, tmp_path, tiny_model):
    out = tmp_path / "out"
    out.mkdir()
    (out / "p01_cartoon.png").write_bytes(b"another's")
    for resume in (False, True, True):
        rows = on_ray(photos / "sub", everywhere(out, tiny_model, resume=resume))
        assert {row["name"] for row in rows if row["state"] == "failed"} == {"p01", "p05"}
        assert (out / "p01_cartoon.png").read_bytes() == b"another's"
    assert [row["state"] for row in rows].count("skipped") == 18
    (out / distributed.JOURNAL / ".cut.parquet.1.tmp").write_bytes(b"PAR1")
    (out / distributed.JOURNAL / "cut.parquet").write_bytes(b"PAR1")
    rows = on_ray(photos / "sub", everywhere(out, tiny_model, resume=True))
    assert [row["state"] for row in rows].count("skipped") == 18


def names_of(inputs, out="elsewhere"):
    return [(name, bool(problem)) for _, name, problem in urls.list_photos(inputs, out)]


def test_inputs_are_files_folders_and_patterns_each_once(photos, tmp_path):
    top = str(photos)
    assert len(names_of([top, f"{top}/p02.png", f"{top}/*.png"])) == 41
    assert names_of([f"{top}/p00.*"]) == [("p00.jpg", False), ("p00.png", False)]
    assert names_of([f"{top}/nosuch.png"]) == [("", True)]
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("no picture")
    assert names_of([str(tmp_path / "texts")]) == [("", True)]
    assert len(names_of([top], top)) == len(names_of([top], str(tmp_path))) == 41
    (photos / "scan").write_bytes(b"x")
    assert ("scan", False) in [(n or "scan", p) for n, p in names_of([f"{top}/scan"])]
    with open(os.fsencode(top) + b"/bad\xff.png", "wb") as file:
        file.write(b"x")
    assert [problem for _, problem in names_of([top])].count(True) == 1


def test_two_photos_of_one_name_are_refused(photos, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "p02.png").write_bytes(b"x")
    with pytest.raises(OptionError, match="same files"):
        urls.list_photos([f"{photos}/p02.png", str(tmp_path / "other" / "p02.png")], "out")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--jobs", "0"), 2, "jobs is 0"),
        (("--model", "nope"), 4, "no such name or file"),
        (("-o", "nofs://x/y"), 2, "nofs"),
        (("--max-megapixels", "0.000001"), 1, "the limit is"),
    ],
)
def test_wrong_options_are_told(cluster, photos, cartoonify, arguments, code, words):
    model = {"model": None} if "--model" in arguments else {}
    got, _, err = cartoonify("photos/sub", "--ray", *arguments, **model)
    assert got == code
    assert words in err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--ray"], ["--ray=local"]),
        (["--ray", "photos"], ["--ray=local", "photos"]),
        (["--ray", "auto", "x"], ["--ray", "auto", "x"]),
        (["--ray", "ray://h:1"], ["--ray", "ray://h:1"]),
        (["--ray", "head:6379"], ["--ray", "head:6379"]),
    ],
)
def test_the_address_may_be_left_out(arguments, expected):
    from engine.cli.run import _complete_ray

    assert _complete_ray(arguments) == expected
