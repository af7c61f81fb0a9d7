"""Which photos are done, and what their outputs are called."""

import os
import subprocess

import pytest

from engine.batch.listing import HEIC, IRREGULAR, OTHER, OUTPUTS, Lister
from engine.batch.plan import plan_tasks
from engine.batch.target import Target
from engine.errors import OptionError

ELSEWHERE = Target(folder="elsewhere")


@pytest.fixture
def folder(tmp_path):
    """A folder with names only: planning opens no file."""

    def fill(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return fill


def plan(*words, target=ELSEWHERE, recursive=False, holder=lambda _: ""):
    found = Lister(target.folder, recursive).find([*map(str, words)])
    return plan_tasks(found, target, holder)


def planned(*words, **options):
    return [(os.path.basename(task.photo), task.name) for task in plan(*words, **options)]


def test_a_folder_means_the_pictures_in_it_sorted(folder):
    root = folder("b.JPG", "a.png", ".hidden.png", "notes.txt", "a.png.xmp", "sub/c.jpg")
    assert planned(root) == [("a.png", "a"), ("b.JPG", "b")]


def test_only_a_journal_makes_a_file_an_output(folder, write_journal):
    root = folder("a.jpg", "a_cutout.png", "a_mask.png", "sub/b.jpg", "sub/b_cartoon.png")
    write_journal(root, "a", ["a_cutout.png"])
    write_journal(root / "sub", "b", ["b_cartoon.png"])
    lister = Lister("elsewhere", recursive=True)
    found = [os.path.basename(f.photo) for f in lister.find([str(root)])]
    assert found == ["a.jpg", "a_mask.png", "b.jpg"]
    assert lister.skipped[OUTPUTS] == 2


def test_a_journal_hides_nothing_outside_its_folder(folder, write_journal):
    root = folder("one/a.jpg", "two/b.jpg")
    write_journal(root / "one", "a", ["a_cutout.png"])
    line = (root / "one" / ".cartoonify.jsonl").read_text()
    for path in ("../two/b.jpg", str(root / "two" / "b.jpg")):
        with open(root / "one" / ".cartoonify.jsonl", "a") as journal:
            journal.write(line.replace("a_cutout.png", path))
    assert len(planned(root, recursive=True)) == 2


def test_what_is_skipped_is_counted(folder):
    root = folder("a.jpg", "notes.txt", "b.txt", ".hidden.txt")
    os.mkfifo(root / "pipe.jpg")
    (root / "endless.png").symlink_to("/dev/zero")
    lister = Lister()
    assert [found.below for found in lister.find([str(root)])] == ["a.jpg"]
    assert lister.skipped == {OTHER: 2, IRREGULAR: 2}


def test_heic_without_its_package_is_counted(folder, monkeypatch):
    import importlib.util

    root = folder("a.jpg", "b.HEIC", "c.heif")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    lister = Lister()
    assert [found.below for found in lister.find([str(root)])] == ["a.jpg"]
    assert lister.skipped == {HEIC: 2}


@pytest.fixture
def deep(tmp_path):
    """A folder with a photo that lies 1,100 folders deep."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(os.open("x.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    yield tmp_path
    subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # shutil.rmtree is recursive


def test_folders_may_lie_a_thousand_deep(deep):
    (deep / "a.jpg").touch()
    assert [name for name, _ in planned(deep, recursive=True)] == ["a.jpg", "x.jpg"]


def test_a_photo_that_an_output_would_replace_is_kept(folder):
    root = folder("x.png", "x_cartoon.png")
    inside = Target(folder=str(root), overwrite=True)
    with pytest.raises(OptionError, match="is an input of this run"):
        plan(root / "x.png", root / "x_cartoon.png", target=inside)


def test_inputs_that_failed_take_no_names(folder):
    root = folder("one/notes.txt", "two/notes.txt", "one.jpg", "two.jpg")
    tasks = plan(root / "one", root / "two", root / "one.jpg")
    assert [task.name for task in tasks if not task.problem] == ["one"]


def test_a_photo_named_twice_is_done_once(folder):
    root = folder("a.jpg")
    (root / "link.jpg").symlink_to(root / "a.jpg")
    assert planned(root / "a.jpg", root, root / "." / "a.jpg") == [("a.jpg", "a")]


def test_one_stem_with_two_suffixes_is_told_apart(folder):
    root = folder("a.jpg", "a.png", "b.jpg", "A.webp", "c.jpg", "C.jpg")
    assert sorted(planned(root)) == [
        ("A.webp", "A.webp"), ("C.jpg", "C.jpg"), ("a.jpg", "a.jpg"), ("a.png", "a.png"),
        ("b.jpg", "b"), ("c.jpg", "c.jpg"),
    ]  # fmt: skip


def test_one_name_in_two_folders_is_refused_before_any_work(folder):
    root = folder("x/a.jpg", "y/a.jpg")
    with pytest.raises(OptionError, match="same files"):
        plan(root / "x", root / "y")


def test_a_telling_name_may_not_hit_another_photo(folder):
    root = folder("a.jpg", "a.png", "a.png.webp", "a.png.webp.gif", "b.jpg")
    names = [name for _, name in planned(root)]
    assert len(set(names)) == 5
    assert "b" in names


def test_a_folder_without_pictures_is_a_task_that_failed(folder):
    root = folder("empty/readme.txt", "a.jpg")
    empty, photo = plan(root / "empty", root / "a.jpg")
    assert str(empty.problem).endswith("empty: a folder without pictures.")
    assert photo.problem is None


def test_pictures_in_folders_below_are_hinted_at(folder):
    root = folder("top/sub/a.jpg")
    (task,) = plan(root / "top")
    assert task.problem.told(lambda option: f"--{option}").endswith(
        "but there are some in the folders below it. --recursive takes them."
    )


def test_a_name_is_kept_when_a_sibling_arrives(folder):
    root = folder("b.png", "b.jpg", "c.gif")
    held = {"b": str(root / "b.png")}
    assert planned(root, holder=lambda name: held.get(name, "")) == [
        ("b.jpg", "b.jpg"), ("b.png", "b"), ("c.gif", "c"),
    ]  # fmt: skip
    (root / "b.png").unlink()
    held["b.jpg"] = str(root / "b.jpg")
    assert ("b.jpg", "b.jpg") in planned(root, holder=lambda name: held.get(name, ""))


def test_a_folder_that_was_moved_keeps_its_names(folder):
    root = folder("new/b.png")
    assert planned(root / "new", holder={"b": "/old/b.png"}.get) == [("b.png", "b")]


def test_a_link_to_a_folder_is_not_followed(folder):
    root = folder("top/a.jpg")
    (root / "top" / "again").symlink_to(root / "top")
    assert len(planned(root / "top", recursive=True)) == 1


def test_several_photos_do_not_fit_into_one_file(folder):
    root = folder("a.jpg", "b.jpg")
    with pytest.raises(OptionError, match=r"x.png takes one picture, and 2 photos are given"):
        plan(root, target=Target(file="x.png"))
