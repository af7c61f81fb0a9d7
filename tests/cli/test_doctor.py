"""`doctor` says what runs, and what does not."""

import json
import sys

import pytest

from engine import weights
from engine.cli import doctor, run


def call(monkeypatch, capfd, *arguments):
    monkeypatch.setattr(sys, "argv", ["cartoonify", "doctor", *arguments])
    with pytest.raises(SystemExit) as stopped:
        run.cli()
    out, err = capfd.readouterr()
    return stopped.value.code, out, err


def test_all_is_well_here(monkeypatch, capfd):
    code, out, _ = call(monkeypatch, capfd, "--json")
    findings = json.loads(out)
    assert code == 0
    assert findings["problems"] == []
    assert findings["self_test"]["result"] == "equal to the reference, bit for bit"
    assert findings["self_test"]["pictures"] > 1
    assert findings["threads"]["used"] >= 1
    assert findings["providers"]["cpu"].endswith("runs on cpu")
    assert all(len(model["sha256"]) == 64 for model in findings["models"])


def test_it_is_readable(monkeypatch, capfd):
    code, out, _ = call(monkeypatch, capfd)
    assert code == 0
    for word in ("versions", "processor", "threads", "providers", "self-test", "models", "folders"):
        assert word in out


def test_a_damaged_model_and_a_wrong_kernel_are_problems(monkeypatch, capfd, tmp_path):
    for path in weights.models_folder().iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[:-1])
    manifest = (weights.models_folder() / "manifest.json").read_bytes()
    (tmp_path / "manifest.json").write_bytes(manifest)
    monkeypatch.setattr(weights, "models_folder", lambda: tmp_path)
    monkeypatch.setattr(doctor.engine, "cartoonize", lambda picture: picture)
    code, out, _ = call(monkeypatch, capfd, "--json")
    problems = " ".join(json.loads(out)["problems"])
    assert code == 1
    assert "SHA-256" in problems
    assert "differs from the reference" in problems
