"""`doctor` says what runs, and what does not."""

import importlib.util
import json
import sys

import pytest

from engine import pipeline, weights
from engine.cli import app, providers, self_test
from engine.errors import ModelError


def call(monkeypatch, capfd, *arguments):
    monkeypatch.setattr(sys, "argv", ["cartoonify", "doctor", *arguments])
    with pytest.raises(SystemExit) as stopped:
        app.cli()
    out, err = capfd.readouterr()
    return stopped.value.code, out, err


@pytest.mark.slow
def test_all_is_well_here(monkeypatch, capfd):
    code, out, _ = call(monkeypatch, capfd, "--json")
    findings = json.loads(out)
    assert code == 0
    assert findings["problems"] == []
    assert findings["self_test"]["result"] == "equal to the reference, bit for bit"
    assert findings["self_test"]["pictures"] > 1
    assert findings["self_test"]["stages"] == ["smoothing", "colours", "ink", "rendering"]
    assert findings["threads"]["used"] >= 1
    assert findings["providers"]["cpu"].endswith("runs on cpu")
    assert findings["network_ms"]["cpu"] > 0
    assert all(len(model["sha256"]) == 64 for model in findings["models"])


@pytest.mark.slow
def test_it_is_readable(monkeypatch, capfd):
    code, out, _ = call(monkeypatch, capfd)
    assert code == 0
    for word in ("versions", "processor", "threads", "providers", "self-test", "models", "folders"):
        assert word in out


def test_it_says_which_providers_work_and_how_fast(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(providers, "SECONDS", 0)
    problems = []
    findings = providers.examine_providers(problems)
    assert problems == []  # what is not installed is none
    assert findings["providers"]["auto"] == findings["providers"]["cpu"]
    assert findings["providers"]["openvino"].startswith("OpenVINO is not installed. Install it")
    assert findings["providers"]["cuda"].endswith("or use --provider cpu.")
    assert list(findings["network_ms"]) == ["cpu"]


def test_a_processor_on_which_nothing_runs_is_a_problem(monkeypatch):
    def fail(**_):
        raise ModelError("the default model is missing.")

    monkeypatch.setattr(pipeline, "load", fail)
    problems = []
    assert providers.examine_providers(problems)["network_ms"] == {}
    assert problems == [
        f"provider {name}: the default model is missing." for name in ("auto", "cpu")
    ]


def test_a_damaged_model_and_a_wrong_kernel_are_problems(monkeypatch, capfd, tmp_path):
    for path in weights.models_folder().iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[:-1])
    manifest = (weights.models_folder() / "manifest.json").read_bytes()
    (tmp_path / "manifest.json").write_bytes(manifest)
    monkeypatch.setattr(weights, "models_folder", lambda: tmp_path)
    monkeypatch.setattr(self_test, "KNOWN_CARTOONS", ("another",))
    code, out, _ = call(monkeypatch, capfd, "--json")
    problems = " ".join(json.loads(out)["problems"])
    assert code == 1
    assert "SHA-256" in problems
    assert "model refiner of edges" in problems
    assert "the cartoon of known picture 1 has changed" in problems


def test_a_plain_install_is_tested_too(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "engine.reference.stylise", None)  # as without SciPy
    code, out, _ = call(monkeypatch, capfd, "--json")
    assert code == 0
    assert json.loads(out)["self_test"]["result"] == "equal to known cartoons, bit for bit"


def test_a_kernel_that_differs_from_the_reference_is_a_problem(monkeypatch, capfd):
    monkeypatch.setattr("engine.reference.stylise.cartoonize", lambda picture: picture)
    code, out, _ = call(monkeypatch, capfd, "--json")
    assert code == 1
    assert "differs from the reference" in json.loads(out)["problems"][0]


@pytest.mark.parametrize(
    ("twin", "stage"), [("smooth.weigh", "smoothing"), ("tones.merge", "colours"),
                        ("lines.average_along", "ink"), ("raster.render", "rendering")],
)  # fmt: skip
def test_a_stage_of_the_default_style_that_differs_is_a_problem(monkeypatch, twin, stage):
    module, name = twin.split(".")
    right = getattr(importlib.import_module(f"engine.reference.{module}"), name)

    def wrong(*arguments):
        got = right(*arguments)
        return (got[0] + 1, *got[1:]) if isinstance(got, tuple) else got + 1

    monkeypatch.setattr(f"engine.reference.{twin}", wrong)
    problems = []
    assert self_test.run_self_test(problems) == {"result": "failed", "stage": stage}
    assert f"{stage} of the refined styles differs" in problems[0]


@pytest.mark.slow
def test_it_says_how_many_photos_memory_takes(monkeypatch, capfd):
    monkeypatch.setattr("engine.memory.free_memory", lambda: 2e9)
    memory = json.loads(call(monkeypatch, capfd, "--json")[1])["memory"]
    assert memory["megabytes_for_photos"] == 1600
    assert memory["photos_of_48_megapixels"] == 1
