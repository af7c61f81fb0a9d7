"""Other people's networks over HTTP, against a server on this machine."""

import hashlib
from dataclasses import replace

import pytest
import typer

from engine.errors import ModelError, OptionError
from engine.known import NETWORKS, RELEASES
from export.__main__ import main
from export.fetch import fetch
from tests.file_server import CONTENT


@pytest.fixture
def address(server, monkeypatch):
    """That of u2netp and bria-rmbg, which are as CONTENT here."""
    for name, algorithm in (("u2netp", "md5"), ("bria-rmbg", "sha256")):
        digest = f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}"
        url = f"{server.url}/v0/{name}-as-released.onnx"
        known = replace(NETWORKS[name], size=len(CONTENT), digest=digest, url=url)
        monkeypatch.setitem(NETWORKS, name, known)
    return f"{server.url}/v0/u2netp-as-released.onnx"


def test_licence_size_and_address_are_said_before_anything_is_fetched(server, address, tmp_path):
    asked = []
    path = fetch("rmbg", tmp_path, lambda line: asked.append((line, len(server.asked))))
    assert path == tmp_path / "bria-rmbg.onnx"
    assert path.read_bytes() == CONTENT
    (licence, before), (where, still_before) = asked
    assert "not for commercial use" in licence
    assert "2.3 MB from http://127.0.0.1" in where
    assert before == still_before == 0
    assert len(server.asked) == 1


def test_a_file_that_is_there_is_not_fetched_again(server, address, tmp_path):
    for _ in range(2):
        fetch("u2netp", tmp_path, print)
    assert server.asked == [None]
    assert [path.name for path in tmp_path.iterdir()] == ["u2netp.onnx"]


def test_a_download_that_breaks_off_is_resumed(server, address, tmp_path):
    server.limit = 1_500_000
    with pytest.raises(ModelError, match=r"the download failed: .*put it there as .*u2netp\.onnx"):
        fetch("u2netp", tmp_path, print)
    have = (tmp_path / "u2netp.onnx.part").stat().st_size
    server.limit = None
    assert fetch("u2netp", tmp_path, print).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={have}-"]


def test_another_file_is_refused_and_removed(server, address, tmp_path):
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(ModelError, match="not the file promised, md5 is another"):
        fetch("u2netp", tmp_path, print)
    assert not list(tmp_path.iterdir())


def test_a_file_of_ones_own_is_left_alone(server, address, tmp_path):
    (tmp_path / "u2netp.onnx").write_bytes(b"mine")
    with pytest.raises(ModelError, match=r"u2netp\.onnx is there and is another file"):
        fetch("u2netp", tmp_path, print)
    assert (tmp_path / "u2netp.onnx").read_bytes() == b"mine"
    assert server.asked == []


def test_the_list_names_a_fetched_network_once(address, tmp_path, capsys):
    fetch("u2netp", tmp_path, print)
    main("list", out=tmp_path)
    rows = [line for line in capsys.readouterr().out.splitlines() if "│ u2netp " in line]
    assert len(rows) == 1
    assert "found" in rows[0]


def test_a_network_without_an_address_says_where_it_is(tmp_path):
    with pytest.raises(ModelError, match=r"no address to fetch it from\. The Python package photo"):
        fetch("modnet", tmp_path, print)


@pytest.mark.parametrize(("name", "hint"), [("u2nett", "Did you mean u2net"), (None, "Known: u2")])
def test_an_unknown_name_is_told(tmp_path, name, hint):
    with pytest.raises(OptionError, match=hint):
        fetch(name, tmp_path, print)


def test_the_command_prints_the_licence_and_the_path(address, tmp_path, capsys):
    main("fetch", "u2netp", out=tmp_path)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "u2netp: licence Apache-2.0"
    assert out[-1] == str(tmp_path / "u2netp.onnx")


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("fetch",), 2, "error: fetch : Known: u2net"),
        (("fetch", "modnet"), 4, "no address"),
        (("deeplabv3_resnet50", "u2netp"), 2, "only fetch takes"),
    ],
)
def test_wrong_words_end_in_one_line(tmp_path, capsys, words, code, reason):
    with pytest.raises(typer.Exit) as ended:
        main(*words, out=tmp_path)
    assert ended.value.exit_code == code
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1


def test_releases_are_rembgs_own_and_encrypted():
    for known in NETWORKS.values():
        assert known.url == "" or known.url.startswith(RELEASES)
    assert RELEASES.startswith("https://github.com/danielgatis/rembg/releases/")
