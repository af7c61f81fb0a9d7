"""Which photos are done, and what their outputs are called."""

import os

import pytest

from engine.batch.output import parse_output
from engine.batch.plan import plan_jobs
from engine.errors import OptionError

OUTPUT = parse_output("elsewhere", None, None, "white", overwrite=False)


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


def planned(*inputs):
    return [(os.path.basename(j.source), j.name) for j in plan_jobs([*map(str, inputs)], OUTPUT)]


def test_a_folder_means_the_pictures_in_it_sorted(folder):
    root = folder("b.JPG", "a.png", ".hidden.png", "notes.txt", "a.png.xmp", "sub/c.jpg")
    assert planned(root) == [("a.png", "a"), ("b.JPG", "b")]


def test_outputs_of_an_earlier_run_are_no_inputs(folder):
    root = folder("a.jpg", "a_cutout.png", "a_mask.png", "my_cartoon.png")
    assert planned(root) == [("a.jpg", "a"), ("my_cartoon.png", "my_cartoon")]


def test_outputs_of_photos_told_apart_are_no_inputs_either(folder):
    root = folder("a.jpg", "a.png", "a.jpg_cutout.png", "a.png_labels.png")
    assert planned(root) == [("a.jpg", "a.jpg"), ("a.png", "a.png")]


def test_a_photo_that_an_output_would_replace_is_kept(folder):
    root = folder("x.png", "x_cartoon.png")
    inside = parse_output(str(root), None, None, "white", overwrite=True)
    with pytest.raises(OptionError, match="is an input of this run"):
        plan_jobs([str(root / "x.png"), str(root / "x_cartoon.png")], inside)


def test_inputs_that_failed_take_no_names(folder):
    root = folder("one/notes.txt", "two/notes.txt", "one.jpg", "two.jpg")
    jobs = plan_jobs([str(root / "one"), str(root / "two"), str(root / "one.jpg")], OUTPUT)
    assert [job.name for job in jobs if not job.error] == ["one"]


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
        plan_jobs([str(root / "x"), str(root / "y")], OUTPUT)


def test_a_telling_name_may_not_hit_another_photo(folder):
    root = folder("a.jpg", "a.png", "a.png.webp", "a.png.webp.gif", "b.jpg")
    names = [name for _, name in planned(root)]
    assert len(set(names)) == 5
    assert "b" in names


def test_a_folder_without_pictures_is_a_job_that_failed(folder):
    root = folder("empty/readme.txt", "a.jpg")
    jobs = plan_jobs([str(root / "empty"), str(root / "a.jpg")], OUTPUT)
    assert "without pictures" in str(jobs[0].error)
    assert jobs[1].error is None
