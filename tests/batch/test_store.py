"""Stores: this machine's files, and remote ones behind the same interface."""

import os

import pytest

from engine.batch.store import digest, digest_at, join, local_path, open_store
from engine.errors import OptionError, OutputError, PhotoError

fsspec = pytest.importorskip("fsspec", reason="the ray extra is not installed")


@pytest.fixture(params=["local", "memory"])
def root(request, tmp_path):
    """A folder of each store, with two files, one of them in a folder below it."""
    folder = str(tmp_path) if request.param == "local" else "memory://stores/root"
    store = open_store(folder)
    store.write(join(folder, "a.jpg"), b"1", overwrite=False)
    store.write(join(folder, "sub/b.jpg"), b"22", overwrite=False)
    store.write(join(folder, ".hidden/c.jpg"), b"333", overwrite=False)
    yield folder
    if request.param == "memory":
        fsspec.filesystem("memory").rm("/stores", recursive=True)


def listed(root, recursive=True, skip=frozenset()):
    store = open_store(root)
    return [
        (os.path.relpath(listing.folder, root), name)
        for listing in store.walk(root, recursive, skip)
        for name in listing.files
    ]


def test_folders_are_listed(root):
    assert listed(root) == [(".", "a.jpg"), ("sub", "b.jpg")]
    assert listed(root, recursive=False) == [(".", "a.jpg")]
    own = frozenset([open_store(root).identity(join(root, "sub"))])
    assert listed(root, skip=own) == [(".", "a.jpg")]


def test_kinds_patterns_and_identities(root):
    store = open_store(root)
    assert [store.kind(join(root, name)) for name in ("a.jpg", "sub", "none")] == [
        "file", "folder", "",
    ]  # fmt: skip
    assert [os.path.basename(path) for path in store.glob(join(root, "*.jpg"))] == ["a.jpg"]
    path = join(root, "a.jpg")
    assert store.exists(path)
    assert store.identity(path) == store.identity(store.glob(path)[0])


def test_files_are_read_written_and_removed(root):
    store, path = open_store(root), join(root, "new/x.png")
    store.write(path, b"data", overwrite=False)
    with pytest.raises(OutputError, match="exists already"):
        store.write(path, b"other", overwrite=False)
    assert store.read(path, max_megapixels=1) == b"data"
    store.write(path, b"other", overwrite=True)
    assert digest_at(store, path) == digest(b"other")
    store.sweep(path)
    store.remove(path)
    store.remove(path)
    assert not store.exists(path)
    assert digest_at(store, path) == ""
    with pytest.raises(PhotoError, match="no such file"):
        store.read(path, max_megapixels=1)


def test_a_file_that_is_too_long_for_a_photo_is_not_read(root):
    store, path = open_store(root), join(root, "long.jpg")
    store.write(path, bytes((1 << 26) + 100), overwrite=False)
    with pytest.raises(PhotoError, match="longer than 67 megabytes"):
        store.read(path, max_megapixels=1e-5)
    store.remove(path)


def test_pipes_and_devices_are_told_apart(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    os.symlink("/dev/zero", tmp_path / "endless.jpg")
    os.symlink("nowhere", tmp_path / "broken.jpg")
    os.symlink("itself.jpg", tmp_path / "itself.jpg")
    store = open_store(str(tmp_path))
    (listing,) = store.walk(str(tmp_path), False, frozenset())
    assert listing.irregular == {"pipe.jpg", "endless.jpg"}
    assert listing.links == {"endless.jpg", "broken.jpg", "itself.jpg"}
    assert store.kind(str(tmp_path / "pipe.jpg")) == "other"
    assert digest_at(store, str(tmp_path / "pipe.jpg")) == ""


@pytest.mark.parametrize("url", ["nofs://x/y", "s3://bucket/x"])
def test_a_file_system_that_is_not_there_is_told(url, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(OptionError, match=url.partition(":")[0]):
        open_store(url)


def test_a_file_url_is_a_path():
    assert local_path("file:///tmp/x.jpg") == "/tmp/x.jpg"
    assert local_path("x.jpg") == "x.jpg"
