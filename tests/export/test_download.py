"""Downloads against a local server: whole, broken off, garbage, and none."""

import hashlib

import pytest

from engine.errors import ModelError

pytest.importorskip("torch")
from export import checkpoint
from export.checkpoint import load_weights
from export.download import download
from export.network import Recipe, find_recipe
from tests.file_server import CONTENT

torch = pytest.importorskip("torch")
NAME = f"weights-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


def test_a_file_is_fetched_once(server, tmp_path):
    path = download(f"{server.url}/{NAME}", tmp_path / "cache")
    assert path.read_bytes() == CONTENT
    assert download(f"{server.url}/{NAME}", tmp_path / "cache") == path
    assert server.asked == [None]
    assert [p.name for p in path.parent.iterdir()] == [NAME]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_breaks_off_is_resumed(server, tmp_path, ranges):
    server.limit, server.ranges = 1_500_000, ranges
    with pytest.raises(
        ModelError, match=r"the download failed: .*put it there as .*--weights FILE"
    ):
        download(f"{server.url}/{NAME}", tmp_path)
    part = tmp_path / f"{NAME}.part"
    have = part.stat().st_size
    assert 0 < have < len(CONTENT)
    server.limit = None
    assert download(f"{server.url}/{NAME}", tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={have}-"]
    assert not part.exists()


def test_a_part_that_is_whole_is_taken(server, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)
    assert download(f"{server.url}/{NAME}", tmp_path).read_bytes() == CONTENT


def test_garbage_is_refused_and_removed(server, tmp_path):
    server.content = b"<html>log in first</html>"
    with pytest.raises(ModelError, match="not the file promised"):
        download(f"{server.url}/{NAME}", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_spoilt_file_in_the_cache_is_refused(server, tmp_path):
    (tmp_path / NAME).write_bytes(b"spoilt")
    with pytest.raises(ModelError, match="not the file promised"):
        download(f"{server.url}/{NAME}", tmp_path)
    assert download(f"{server.url}/{NAME}", tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("what", ["missing", "offline"])
def test_no_server_says_what_to_fetch_and_where_to_put_it(server, tmp_path, what):
    url = f"{server.url}/{NAME}"
    if what == "offline":
        server.shutdown()
        server.server_close()
    else:
        server.content = b""
    with pytest.raises(ModelError) as caught:
        download(url, tmp_path)
    for words in (url, str(tmp_path / NAME), "--weights FILE"):
        assert words in str(caught.value)


def test_a_name_without_a_hash_is_refused(server, tmp_path):
    with pytest.raises(ModelError, match="carries no SHA-256"):
        download(f"{server.url}/weights.pth", tmp_path)


def test_default_weights_come_through_torchs_cache(server, tmp_path, monkeypatch, small_network):
    """torchvision's weights entry, its URL turned to the local server."""
    from torchvision.models._api import Weights

    state = tmp_path / "state.pth"
    torch.save(small_network.state_dict(), state)
    server.content = state.read_bytes()
    name = f"own-{hashlib.sha256(server.content).hexdigest()[:8]}.pth"
    entry = Weights(url=f"{server.url}/{name}", transforms=None, meta={})
    entry.get_state_dict = lambda **options: torch.hub.load_state_dict_from_url(
        entry.url, **options
    )
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    own = find_recipe("deeplabv3plus_mobilenet_v2")
    recipe = Recipe(own.build, entry, own.facts)
    network = recipe.build()
    assert load_weights(network, recipe, "default") == checkpoint._digest(small_network)
    assert (tmp_path / "hub" / "checkpoints" / name).is_file()
    assert len(server.asked) == 1
