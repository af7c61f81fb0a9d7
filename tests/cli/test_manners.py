"""How the program behaves: streams, signals, pipes, hints and summaries."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image

from tests.folders import tree, wait_for


@pytest.fixture
def program(tiny_model, tmp_path):
    """Starts the program as a process in the test's folder; `before` is shell, as "exec 2>&-;"."""

    def start(arguments, before="", **options):
        command = f"{before} exec {sys.executable} -m engine.run {arguments} --model {tiny_model}"
        return subprocess.Popen(
            ["bash", "-c", command], cwd=tmp_path,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,
        )  # fmt: skip

    return start


@pytest.fixture
def photos(tmp_path, person_photo):
    """Three photos in a folder."""
    (tmp_path / "photos").mkdir()
    for index in range(3):
        Image.fromarray(np.roll(person_photo, 9 * index, 1)).save(tmp_path / f"photos/{index}.png")
    return tmp_path / "photos"


def finish(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, (out or b"").decode(), (err or b"").decode()


@pytest.mark.slow
def test_a_closed_stderr_changes_nothing(program, photos, tmp_path):
    assert finish(program("photos -o out", before="exec 2>&-;"))[0] == 0
    assert len(list((tmp_path / "out").glob("*.png"))) == 6
    code, out, _ = finish(program("nowhere.png", before="exec 2>&-;"))
    assert (code, out) == (3, "")


@pytest.mark.slow
def test_a_full_stderr_changes_no_exit_code(program, photos):
    with open("/dev/full", "wb") as full:
        for arguments, code in (("nowhere.png", 3), ("photos -o out", 0)):
            assert finish(program(arguments, stderr=full))[0] == code


def test_a_closed_stdout_changes_nothing_on_a_terminal(program, photos, tmp_path):
    terminal, stderr = pty.openpty()
    process = program("photos -o out", before="exec >&-;", stdout=None, stderr=stderr)
    os.close(stderr)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal's other end is closed
        while piece := os.read(terminal, 4096):
            shown += piece
    os.close(terminal)
    assert process.wait(timeout=120) == 0, shown.decode()
    assert b"3 of 3 photos done" in shown


@pytest.mark.slow
def test_all_streams_closed_still_does_the_work(program, photos, tmp_path):
    process = program(
        "photos -o out", before="exec <&- >&- 2>&-;", stdout=None, stderr=None
    )  # fmt: skip
    assert process.wait(timeout=120) == 0
    names = tree(tmp_path / "out")
    assert len(names) == 7
    lines = (tmp_path / "out/.cartoonify.jsonl").read_text().splitlines()
    assert all(json.loads(line)["state"] == "done" for line in lines)


@pytest.mark.slow
def test_sigterm_ends_it_like_ctrl_c(program, photos, tmp_path):
    process = program("photos -o out --watch")
    wait_for(lambda: len(list((tmp_path / "out").glob("*.png"))) == 6)
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 0
    pipe, writers = tmp_path / "pipe.png", []
    os.mkfifo(pipe)  # to which nothing is written: reading it lasts for ever

    def is_read():
        with contextlib.suppress(OSError):  # nobody reads it yet
            writers.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(writers)

    process = program("pipe.png")
    wait_for(is_read)
    process.send_signal(signal.SIGTERM)
    code, _, err = finish(process)
    os.close(*writers)
    assert code == 143
    assert err == "error: terminated; what was written is whole\n"
    assert not [name for name in tree(tmp_path) if name.endswith(".tmp")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.slow
def test_a_second_signal_ends_a_run_that_waits_for_pipes(program, photos, tmp_path, number):
    pipes = [tmp_path / "a.png", tmp_path / "b.png"]
    writers = []
    for pipe in pipes:
        os.mkfifo(pipe)
    process = program("a.png b.png -j 2")

    def is_read():
        with contextlib.suppress(OSError):  # nobody reads it yet
            writers.append(os.open(pipes[len(writers)], os.O_WRONLY | os.O_NONBLOCK))
        return len(writers) == 2

    try:
        wait_for(is_read)
        process.send_signal(number)
        time.sleep(0.5)
        process.send_signal(number)
        assert process.wait(timeout=10) == -number
    finally:
        process.kill()
        finish(process)
        for writer in writers:
            os.close(writer)


@pytest.mark.parametrize("arguments", ["photos -o out", "evaluate photos"])
@pytest.mark.slow
def test_pipes_and_devices_in_folders_are_left_alone(program, photos, tmp_path, arguments):
    os.mkfifo(photos / "pipe.jpg")
    (photos / "endless.jpg").symlink_to("/dev/zero")
    code, out, err = finish(program(arguments))
    assert code == 0, err
    assert out.count("photos/") >= 3
    if "-o" in arguments:
        assert "2 files skipped: 2 pipes or devices" in err


def test_a_pattern_matches_no_pipe(program, photos):
    os.mkfifo(photos / "pipe.png")
    code, out, err = finish(program("'photos/*.png' -o out"))
    assert code == 0, err
    assert out.count("photos/") == 3
    assert "1 file skipped: 1 pipes or devices" in err


@pytest.mark.slow
def test_watching_leaves_pipes_alone(program, photos, tmp_path):
    os.mkfifo(photos / "pipe.jpg")
    process = program("photos -o out --watch")
    wait_for(lambda: len(list((tmp_path / "out").glob("*.png"))) == 6)
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 0


def test_a_named_pipe_is_read(program, photos, tmp_path):
    code, _, err = finish(program("<(cat photos/0.png) -o toon.png"))
    assert code == 0, err
    assert (tmp_path / "toon.png").is_file()


def test_standard_input_without_end_is_bounded(program):
    code, _, err = finish(program("- -o out --max-megapixels 1 < /dev/zero"))
    assert code == 3
    assert "not a picture" in err


def test_a_folder_run_ends_with_a_summary(cartoonify, photos, tmp_path):
    (photos / "notes.txt").touch()
    Image.new("RGB", (40, 30), "green").save(photos / "meadow.png")
    (photos / "broken.png").write_bytes(b"no")
    code, _, err = cartoonify("photos")
    assert code == 1
    assert "4 of 5 photos done, 1 of 5 photos failed, nobody found in 1, in " in err
    assert "; the pictures are in out" in err
    assert "1 file skipped: 1 other" in err


def test_what_was_probably_meant_is_said(cartoonify, photos, tmp_path):
    code, _, err = cartoonify("docter", model=None)
    assert (code, err) == (2, "error: docter: no such file. Did you mean the command doctor?\n")
    code, _, err = cartoonify("photos/0.png", "toon.png")
    assert code == 2
    assert "cartoonify photos/0.png -o toon.png" in err
    assert tree(tmp_path) == [f"photos/{index}.png" for index in range(3)]


def test_a_file_called_like_a_command_is_a_photo_by_its_path(cartoonify, photos, tmp_path):
    (tmp_path / "doctor").write_bytes((photos / "0.png").read_bytes())
    assert cartoonify("./doctor")[0] == 0
    assert (tmp_path / "out/doctor_cartoon.png").is_file()


def test_photos_come_from_a_list(cartoonify, photos, tmp_path, monkeypatch):
    (tmp_path / "lines.txt").write_text("photos/0.png\n\nphotos/1.png\n")
    (tmp_path / "nuls.txt").write_bytes(b"photos/1.png\0photos/2.png\0")
    assert cartoonify("--files-from", "lines.txt", "-o", "a")[0] == 0
    assert len(list((tmp_path / "a").glob("*.png"))) == 4
    assert cartoonify("photos/0.png", "--files-from", "nuls.txt", "-o", "b")[0] == 0
    assert len(list((tmp_path / "b").glob("*.png"))) == 6
    code, _, err = cartoonify("--files-from", "nowhere.txt")
    assert code == 2
    assert "nowhere.txt: cannot be read" in err
    monkeypatch.setattr("engine.cli.words.MOST_BYTES", 10_000)
    code, _, err = cartoonify("--files-from", "/dev/zero")
    assert code == 2
    assert "longer than 10,000 bytes" in err


def test_a_dry_run_is_honest_about_what_exists(cartoonify, photos, tmp_path):
    cartoonify("photos/0.png")
    code, out, _ = cartoonify("photos", "--dry-run")
    assert code == 0
    assert "photos/0.png -> out/0_cutout.png, out/0_cartoon.png  (out/0_cutout.png exists" in out
    assert "photos/1.png -> out/1_cutout.png, out/1_cartoon.png\n" in out
    assert cartoonify("photos", "--dry-run")[2] == ""
    out = cartoonify("photos", "nowhere.png", "--dry-run", "--json")[1]
    plan = [json.loads(line) for line in out.splitlines()]
    assert [entry["state"] for entry in plan] == ["kept", "done", "done", "failed"]
    assert plan[1]["files"] == ["out/1_cutout.png", "out/1_cartoon.png"]


def test_a_dry_run_knows_what_would_be_skipped(cartoonify, photos, tmp_path):
    cartoonify("photos")
    Image.new("RGB", (50, 50), "red").save(photos / "1.png")
    before = (tmp_path / "out/.cartoonify.jsonl").read_bytes()
    out = cartoonify("photos", "--dry-run", "--resume", "--json")[1]
    states = [json.loads(line)["state"] for line in out.splitlines()]
    assert states == ["skipped", "done", "skipped"]
    (tmp_path / "out/1_cutout.png").write_bytes(b"a stranger's")
    out = cartoonify("photos/1.png", "--dry-run", "--resume", "--json")[1]
    assert json.loads(out)["state"] == "kept"
    assert (tmp_path / "out/.cartoonify.jsonl").read_bytes() == before


def test_short_forms(cartoonify, photos, tmp_path):
    assert cartoonify("photos/0.png", "-f", "jpg", "-s", "all", "-b", "navy", "-o", "x")[0] == 0
    assert [p.name for p in sorted((tmp_path / "x").glob("*.*g"))] == [
        "0_cartoon.jpg", "0_compare.jpg", "0_cutout.jpg", "0_labels.png", "0_mask.png",
    ]  # fmt: skip
    assert cartoonify("-V", model=None)[1].startswith("cartoonify-engine ")
    assert "--background" in cartoonify("-h", model=None)[1]


def test_size_crop_and_quality_reach_the_pictures(cartoonify, photos, tmp_path):
    options = ("-f", "jpg", "--crop", "--size", "50")
    assert cartoonify("photos/0.png", *options, "--quality", "5", "-o", "a")[0] == 0
    assert cartoonify("photos/0.png", *options, "--quality", "95", "-o", "b")[0] == 0
    with Image.open(tmp_path / "a/0_cartoon.jpg") as image:
        assert max(image.size) == 50
        assert image.size[0] / image.size[1] < 1.2  # the photo is 210 x 150
    coarse, fine = (tmp_path / name / "0_cartoon.jpg" for name in "ab")
    assert coarse.stat().st_size < fine.stat().st_size


def test_only_a_hint_where_pictures_lie_deeper(cartoonify, photos, tmp_path):
    code, _, err = cartoonify(".")
    assert code == 3
    assert "there are some in the folders below it. --recursive takes them." in err


def test_escapes_in_names_do_not_reach_the_terminal(cartoonify, photos, tmp_path):
    (photos / "0.png").rename(photos / "\x1b[31mred\n.png")
    (photos / "1.png").write_bytes(b"")
    (photos / "1.png").rename(photos / "\x1b[2J.png")
    _, out, err = cartoonify("photos", "-v")
    assert "\\x1b[31mred\\n.png" in out
    assert "\x1b" not in out + err
    _, out, err = cartoonify("photos", "--dry-run")
    assert "\x1b" not in out + err
    out = cartoonify("photos", "--json", "-o", "x")[1]
    assert "\x1b" not in out
    assert len([json.loads(line) for line in out.splitlines()]) == 3


def test_a_stray_error_is_not_blamed_on_stdout(cartoonify, photos, monkeypatch):
    def fail(*_, **__):
        raise OSError(5, "Input/output error", "photos")

    monkeypatch.setattr("engine.batch.listing.Lister.find", fail)
    code, _, err = cartoonify("photos")
    assert code == 1
    assert err == "error: unexpected [Errno 5] Input/output error: 'photos'\n"


@pytest.mark.slow
def test_compiling_is_announced_at_once(tiny_model, photos, tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    program = (
        "from engine.cli.app import cli; from engine.kernels import machine\n"
        "machine._levels = tuple  # as where the package brings no machine code\n"
        f"cli(['photos/0.png', '--model', {str(tiny_model)!r}])"
    )
    command = [sys.executable, "-c", program]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    timer = threading.Timer(60, process.kill)
    timer.start()
    first = process.stderr.readline()
    process.kill()
    process.communicate()
    timer.cancel()
    assert first.startswith(b"compiling the kernels for this machine")


@pytest.mark.parametrize(
    ("words", "expected"),
    [("cartoonify --backg", "--background"), ("cartoonify --background bl", "blur"),
     ("cartoonify --save cutout,ma", "cutout,mask"), ("cartoonify --save s", "svg"),
     ("cartoonify --sty", "--style"), ("cartoonify --style p", "poster")],
)  # fmt: skip
def test_the_shell_completes_options_and_values(words, expected):
    environment = os.environ | {
        "_CARTOONIFY_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    command = [sys.executable, "-m", "engine.run"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert expected in done.stdout.split()


@pytest.mark.parametrize("option", ["--show-completion", "--install-completion"])
def test_completion_can_be_installed(option, tmp_path):
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}  # whatever shell make runs in
    done = subprocess.run(
        [sys.executable, "-m", "engine.run", option, "bash"],
        env=os.environ | {"HOME": str(tmp_path)} | named,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "_CARTOONIFY_COMPLETE" in done.stdout + "".join(
        path.read_text() for path in tmp_path.rglob("cartoonify*")
    )


def test_the_folder_for_the_pictures_may_be_a_file_url(cartoonify, photos, tmp_path):
    assert cartoonify("photos/0.png", "-o", f"file://{tmp_path}/there")[0] == 0
    assert "0_cartoon.png" in tree(tmp_path / "there")
    assert not (tmp_path / "file:").exists()


@pytest.mark.parametrize("word", ["-", "memory://photos"])
def test_only_what_is_on_this_machine_is_watched(cartoonify, word):
    code, _, err = cartoonify(word, "--watch", "-o", "out")
    assert code == 2
    assert "watch" in err


def test_so_many_people_are_too_many(cartoonify, photos):
    code, _, err = cartoonify("photos/0.png", "--people", "9" * 5000)
    assert code == 2
    assert "people" in err
