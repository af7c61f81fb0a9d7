"""The command line, as a process and through its entry point."""

import importlib.util
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from tests.folders import tree
from tests.samples import JPEG, png_claiming


def without_journal(folder):
    return [name for name in tree(folder) if not name.endswith(".cartoonify.jsonl")]


def test_a_photo_becomes_a_cutout_and_a_cartoon(cartoonify, photo, tmp_path):
    code, out, err = cartoonify("me.png")
    assert code == 0
    assert without_journal(tmp_path) == ["me.png", "out/me_cartoon.png", "out/me_cutout.png"]
    assert out.startswith("me.png  210 x 150  kept ")
    assert out.count("\n") == 1
    for word in ("colours", "SSIM", "ms"):
        assert word in out
    assert err == ""


def test_all_kinds_formats_and_names(cartoonify, photo, tmp_path):
    every = "cutout,cartoon,mask,labels,compare"
    assert cartoonify("me.png", "-o", "x/y", "--save", every, "--format", "webp")[0] == 0
    assert without_journal(tmp_path / "x") == [
        "y/me_cartoon.webp", "y/me_compare.webp", "y/me_cutout.webp",
        "y/me_labels.png", "y/me_mask.png",
    ]  # fmt: skip


def test_a_second_run_keeps_what_exists_unless_asked(cartoonify, photo, tmp_path):
    cartoonify("me.png")
    (tmp_path / "out" / "me_cutout.png").unlink()
    before = (tmp_path / "out" / "me_cartoon.png").stat().st_mtime_ns
    code, _, err = cartoonify("me.png")
    assert code == 3
    assert "me_cartoon.png: exists already, and is kept. --overwrite" in err
    assert without_journal(tmp_path / "out") == ["me_cartoon.png"]
    assert cartoonify("me.png", "--overwrite")[0] == 0
    assert (tmp_path / "out" / "me_cartoon.png").stat().st_mtime_ns > before


def test_one_broken_photo_does_not_stop_the_others(cartoonify, photo, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(JPEG[:300])
    code, out, err = cartoonify("broken.jpg", "nowhere.jpg", "me.png")
    assert code == 1
    assert out.startswith("me.png")
    assert out.count("\n") == 1
    assert "error: broken.jpg: damaged or truncated" in err
    assert "error: nowhere.jpg: no such file" in err
    assert "2 of 3 photos failed" in err
    assert without_journal(tmp_path / "out") == ["me_cartoon.png", "me_cutout.png"]


def test_json_is_an_object_a_photo(cartoonify, photo, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no")
    code, out, _ = cartoonify("me.png", "broken.jpg", "--json")
    done, failed = map(json.loads, out.splitlines())
    assert code == 1
    assert (done["width"], done["height"]) == (210, 150)
    assert set(done["metrics"]) == {"mse", "log_mse", "ssim"}
    assert done["style"] == "comic"
    assert set(done["centroids"]) == {"lightness", "chroma", "hue"}
    assert all(colour.startswith("#") for colour in done["colours"])
    assert all(os.path.exists(path) for path in done["files"])
    assert failed["photo"] == "broken.jpg"
    assert failed["exit_code"] == 3
    assert "not a picture" in failed["error"]


def test_json_knows_no_nan(cartoonify, tmp_path):
    Image.new("RGB", (3, 3), "red").save(tmp_path / "dot.png")
    out = cartoonify("dot.png", "--json")[1]
    assert json.loads(out, parse_constant=pytest.fail)["metrics"]["ssim"] is None


def test_stdin_to_stdout(tiny_model, person_photo):
    buffer = io.BytesIO()
    Image.fromarray(person_photo).save(buffer, "PNG")
    command = [sys.executable, "-m", "engine.run", "-", "-o", "-", "--model", str(tiny_model)]
    done = subprocess.run(
        [*command, "--save", "mask"], input=buffer.getvalue(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    with Image.open(io.BytesIO(done.stdout)) as mask:
        assert mask.mode == "L"
        assert mask.size == (210, 150)


def test_stdin_to_a_folder(tiny_model, photo, tmp_path):
    command = [sys.executable, "-m", "engine.run", "-", "-o", "out", "--model", str(tiny_model)]
    with photo.open("rb") as file:
        subprocess.run(command, stdin=file, check=True, cwd=tmp_path, capture_output=True)
    assert without_journal(tmp_path / "out") == ["stdin_cartoon.png", "stdin_cutout.png"]


def test_a_redirected_stdout_gets_the_picture(tiny_model, photo, tmp_path):
    command = f"{sys.executable} -m engine.run - --model {tiny_model} < me.png > toon.png"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=True)
    assert done.stderr == b""
    with Image.open(tmp_path / "toon.png") as image:
        assert image.size == (210, 150)
    assert not (tmp_path / "out").exists()


def test_a_pictures_path_takes_one_picture(cartoonify, photo, tmp_path):
    assert cartoonify("me.png", "-o", "face.jpeg", "--save", "cutout")[0] == 0
    with Image.open(tmp_path / "face.jpeg") as image:
        assert image.format == "JPEG"
        assert image.size == (210, 150)
    assert cartoonify("me.png", "-o", "toon.png")[0] == 0
    code, _, err = cartoonify("me.png", "me.png", "-o", "a.png", "--save", "mask,labels")
    assert code == 2
    assert "takes one picture" in err


def test_options_reach_the_pipeline(cartoonify, photo, tmp_path):
    assert cartoonify("me.png", "--background", "transparent", "-o", "a")[0] == 0
    assert cartoonify("me.png", "--classic", "-o", "b")[0] == 0
    assert cartoonify("me.png", "--keep", "dog", "-o", "c")[0] == 0
    with Image.open(tmp_path / "a/me_cutout.png") as image:
        assert image.mode == "RGBA"
    with Image.open(tmp_path / "b/me_cutout.png") as image:
        assert image.size == (630, 450)
    with Image.open(tmp_path / "c/me_cutout.png") as image:
        assert_array_equal(np.asarray(image), 255)


def test_nothing_found_is_no_failure_but_a_warning(tiny_model, tmp_path):
    Image.new("RGB", (40, 40), "green").save(tmp_path / "meadow.png")
    command = [sys.executable, "-m", "engine.run", "meadow.png", "--model", str(tiny_model)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "kept 0.0%" in done.stdout
    assert done.stderr == "WARNING: meadow: no person found, nothing is kept\n"


def test_quiet_prints_nothing(cartoonify, photo):
    assert cartoonify("me.png", "--quiet") == (0, "", "")


def test_verbose_says_what_runs(tiny_model, photo, tmp_path):
    command = [sys.executable, "-m", "engine.run", "me.png", "-v", "--model", str(tiny_model)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "tiny runs on cpu" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        ((), 2, "no photo is given"),
        (("--bogus",), 2, "No such option"),
        (("me.png", "--threads", "x"), 2, "--threads"),
        (("me.png", "--threads", "0"), 2, "at least 1"),
        (("me.png", "--save", "cutoff"), 2, "expected some of cutout"),
        (("me.png", "--format", "bmp"), 2, "expected png"),
        (("me.png", "--keep", "persn"), 2, "Did you mean person"),
        (("me.png", "--background", "#12"), 2, "a colour"),
        (("me.png", "--background", "whit"), 2, "Did you mean white"),
        (("me.png", "--background", "transparent", "--format", "jpg"), 2, "no transparency"),
        (("me.png", "--classic", "--background", "none"), 2, "classic"),
        (("me.png", "-o", "me.png/x"), 2, "is a file, expected a folder"),
        (("me.png", "-o", "o" * 300), 3, "File name too long"),
        (("me.png", "-o", "me.png/x.png"), 2, "is a file, expected a folder"),
        (("me.png", "-o", ""), 2, "it is empty; expected a folder"),
        (("me.png", "--save", ""), 2, "cannot be saved"),
        (("me.png", "-o", "-", "--save", "mask", "--format", "jpg"), 2, "png only"),
        (("",), 3, "no such file"),
        (("me.png", "-o", "x.bmp"), 2, "bmp is not written; expected png, jpg, webp"),
        (("me.png", "-o", "x.jpg", "--format", "png"), 2, "contradict each other"),
        (("me.png", "-o", "x.jpg", "--save", "labels"), 2, "png only"),
        (("me.png", "me_cartoon.png", "-o", ".", "--overwrite"), 2, "an input of this run"),
        (("me.png", "-o", "-", "--json"), 2, "cannot both go to stdout"),
        (("me.png", "-o", "-", "--save", "mask,labels"), 2, "one picture"),
        (("me.png", "other.png", "-o", "-"), 2, "2 photos are given"),
        (("me.png", "--quiet", "--verbose"), 2, "contradict"),
        (("me.png", "--provider", "tpu"), 2, "expected one of"),
        (("me.png", "--max-megapixels", "0.001"), 3, "the limit is 0.001"),
        (("nowhere.png",), 3, "no such file"),
        (("empty",), 3, "without pictures"),
        (("zero.png",), 3, "empty, expected a photo"),
        (("text.png",), 3, "not a picture"),
        (("cut.jpg",), 3, "truncated"),
        (("bomb.png",), 3, "megapixels"),
    ],
)
def test_what_is_wrong_ends_in_one_line_and_no_file(
    cartoonify, photo, tmp_path, arguments, code, reason
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "zero.png").touch()
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "cut.jpg").write_bytes(JPEG[: len(JPEG) // 2])
    (tmp_path / "bomb.png").write_bytes(png_claiming(60_000, 60_000))
    before = tree(tmp_path)
    got, out, err = cartoonify(*arguments)
    assert got == code
    assert reason in err
    assert out == ""
    assert "Traceback" not in err
    # typer explains wrong usage in a few lines of its own, all else is one.
    assert err.count("\n") == 1 or err.startswith("Usage: ")
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "model", "code", "reason"),
    [
        (("me.png",), "nomodel", 4, "no such name or file"),
        (("me.png",), "m" * 300, 4, "no such name or file"),
        (("me.png",), "text.onnx", 4, "cannot load it"),
        (("me.png", "--provider", "cuda"), None, 5, "no CUDA provider"),
    ],
)
def test_models_and_providers_have_their_exit_codes(
    cartoonify, photo, tmp_path, monkeypatch, arguments, model, code, reason
):
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    (tmp_path / "text.onnx").write_text("text")
    got, _, err = cartoonify(*arguments, model=model)
    assert got == code
    assert reason in err
    assert not (tmp_path / "out").exists()


def test_what_another_provider_drew_is_drawn_again(cartoonify, photo, tmp_path, monkeypatch):
    pytest.importorskip("openvino")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for provider, state in (("openvino", "done"), ("openvino", "skipped"), ("cpu", "done")):
        out = cartoonify("me.png", "--provider", provider, "--resume", "--json")[1]
        record = json.loads(out)
        assert (record["provider"], record["state"]) == (provider, state)


def test_the_demo_needs_no_photo(cartoonify, tmp_path):
    pytest.importorskip("skimage")
    assert cartoonify("--demo")[0] == 0
    names = ["out/astronaut_cartoon.png", "out/astronaut_cutout.png"]
    assert without_journal(tmp_path) == names


def test_the_demo_without_its_photo_says_what_to_install(cartoonify, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    code, _, err = cartoonify("--demo")
    assert code == 2
    assert "[demo]'" in err


def test_an_interrupt_ends_in_one_line(cartoonify, photo, monkeypatch):
    def interrupt(*_, name):
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.pipeline.Cartoonifier.__call__", interrupt)
    code, _, err = cartoonify("me.png")
    assert code == 130
    assert err == "error: interrupted; what was written is whole\n"


def test_a_file_that_exists_is_told_before_any_work(cartoonify, photo, tmp_path, monkeypatch):
    cartoonify("me.png")
    monkeypatch.setattr("engine.pipeline.Cartoonifier.__call__", pytest.fail)
    assert cartoonify("me.png")[0] == 3


def test_opencv_keeps_to_the_threads_asked_for(cartoonify, photo):
    import cv2

    before = cv2.getNumThreads()
    try:
        assert cartoonify("me.png", "--threads", "1")[0] == 0
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)


def test_edges_and_clean_up_can_be_chosen(cartoonify):
    photo = np.full((150, 600, 3), (10, 120, 10), np.uint8)
    photo[10:140, 250:550] = 250, 20, 20
    photo[37:75, 37:75] = 125, 75, 10  # a stray island that the tiny model is not sure of
    Image.fromarray(photo).save("me.png")
    masks = {}
    for name, options in {
        "default": (),
        "soft": ("--edges", "soft"),
        "raw": ("--no-clean",),
        "named": ("--edges", "refined", "--clean"),
    }.items():
        assert cartoonify("me.png", "--save", "mask", "-o", name, *options)[0] == 0
        masks[name] = np.asarray(Image.open(f"{name}/me_mask.png"))
    assert_array_equal(masks["default"], masks["named"])
    assert not np.array_equal(masks["default"], masks["soft"])
    assert masks["default"][:, :150].max() == 0
    assert masks["raw"][:, :150].max() > 0
    code, _, err = cartoonify("me.png", "--edges", "refind")
    assert code == 2
    assert "Did you mean refined" in err


@pytest.mark.parametrize("arguments", [("-o", "-"), ()])
@pytest.mark.slow
def test_a_full_stdout_is_told(tiny_model, photo, tmp_path, arguments):
    command = [sys.executable, "-m", "engine.run", "me.png", "--model", str(tiny_model)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*command, *arguments], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode in (1, 3)
    assert done.stderr.decode() == "error: stdout: cannot be written: No space left on device.\n"


@pytest.mark.parametrize(("words", "said"), [("me.png -o - >&-", "stdout"), ("- <&-", "stdin")])
@pytest.mark.slow
def test_a_closed_stream_is_told(tiny_model, photo, tmp_path, words, said):
    command = f"{sys.executable} -m engine.run --model {tiny_model} {words}"
    done = subprocess.run(command, shell=True, cwd=tmp_path, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 3
    assert done.stderr.decode() == f"error: {said}: is closed.\n"


@pytest.mark.slow
def test_nothing_is_written_to_home(tiny_model, photo, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    command = [sys.executable, "-m", "engine.run", "me.png", "--model", str(tiny_model)]
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert not [path for path in home.rglob("*") if "onnxruntime" in path.name.lower()]


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_ends_it_in_silence(tiny_model, photo, tmp_path):
    command = f"{sys.executable} -m engine.run me.png -o - --model {tiny_model} | head -c 10"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=False)
    assert done.stdout.startswith(b"\x89PNG")
    assert done.stderr == b""


def test_an_unforeseen_error_fails_one_photo(cartoonify, photo, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.pipeline.refined_matte", lambda *_: 1 / 0)
    code, _, err = cartoonify("me.png")
    assert code == 1
    assert "unexpected ZeroDivisionError" in err


@pytest.mark.slow
def test_odd_file_names_are_printed(tiny_model, person_photo, tmp_path):
    odd = os.fsencode(tmp_path) + b"/caf\xe9 \n x.png"
    with open(odd, "wb") as file:
        Image.fromarray(person_photo).save(file, "PNG")
    command = [sys.executable, "-m", "engine.run", odd, "--model", str(tiny_model)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"\n") == 1
    assert len(without_journal(tmp_path / "out")) == 2


def test_help_and_version_load_nothing_heavy():
    heavy = {"numba", "onnxruntime", "cv2", "scipy", "numpy", "PIL", "torch"}
    code = f"""
import sys
import engine, engine.run
try:
    engine.run.cli()
except SystemExit as stopped:
    assert stopped.code == 0
print(sorted({heavy!r} & set(sys.modules)))
"""
    for flag, said in (("--help", "--background"), ("--version", "cartoonify-engine 0")):
        done = subprocess.run(
            [sys.executable, "-c", code, flag], capture_output=True, text=True, check=True
        )  # fmt: skip
        assert said in done.stdout
        assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_a_run_needs_neither_scipy_nor_torch(tiny_model, photo):
    code = """
import sys
for absent in ("scipy", "torch", "skimage", "matplotlib", "onnx"):
    sys.modules[absent] = None  # an import of it fails
import engine
result = engine.load(sys.argv[1])(sys.argv[2])
result.metrics, result.label_map
"""
    command = [sys.executable, "-c", code, str(tiny_model), str(photo)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
