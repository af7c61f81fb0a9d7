"""The refiner of edges: its data, its network, its training, and the benchmark of mattes."""

import csv
import json

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch", reason="the export extra is not installed")
pytestmark = pytest.mark.torch

from engine.cutout import refine  # noqa: E402
from engine.cutout.refine import open_refiner, refined_matte  # noqa: E402
from engine.errors import ModelError, OptionError  # noqa: E402
from engine.segment.preprocess import resize  # noqa: E402
from export import matte_benchmark  # noqa: E402
from export.matte_benchmark import find_errors  # noqa: E402
from export.photos import PERSON, VOID  # noqa: E402
from export.refiner import Refiner, apply_planes, to_refiner_graph  # noqa: E402
from export.training import crops as crops_module  # noqa: E402
from export.training import edges  # noqa: E402
from export.training.batches import read_index  # noqa: E402
from export.training.compose import Composer, enlarge  # noqa: E402
from export.training.crops import STEP, CropMaker, Crops, disturb, resize_alpha  # noqa: E402
from export.training.edges import CHECKPOINT, GRAPH, LOG, Trainer, find_loss, train  # noqa: E402

DISC = (110, 60)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small tensors in several threads wait for each other, above all where the machine is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    """A photo of a red disc with its matte, and a green one of nobody, of each split."""
    folder = tmp_path_factory.mktemp("discs")
    for name in ("photos", "masks", "mattes"):
        (folder / name).mkdir()
    rows, rng = [], np.random.default_rng(0)
    for split in ("train", "val"):
        for name, labels in ((f"{split}_disc", "person"), (f"{split}_empty", "all")):
            photo = rng.integers(0, 90, (240, 280, 3), dtype=np.uint8)
            photo[..., 1] += 60
            mask = np.zeros((240, 280), np.uint8)
            if labels == "person":
                cv2.circle(photo, DISC[::-1], 50, (20, 20, 250), -1)  # OpenCV writes B, G, R
                cv2.circle(mask, DISC[::-1], 50, PERSON, -1)
                matte = cv2.GaussianBlur(np.where(mask > 0, 255, 0).astype(np.uint8), (5, 5), 0)
                cv2.imwrite(str(folder / "mattes" / f"{name}.png"), matte)
            mask[:6, :6] = VOID
            cv2.imwrite(str(folder / "photos" / f"{name}.jpg"), photo)
            cv2.imwrite(str(folder / "masks" / f"{name}.png"), mask)
            rows.append({"name": name, "source": "discs", "split": split, "labels": labels})
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture
def few(monkeypatch):
    for module in (crops_module, edges):
        monkeypatch.setattr(module, "PHOTOS_PER_SHARD", 2)
    monkeypatch.setattr(crops_module, "SIDE", 65)
    monkeypatch.setattr(edges, "BATCH", 3)
    monkeypatch.setattr(edges, "VAL_SHARDS", 1)


def red_is_a_person(photo):
    """What a network might have seen and found: the red pixels, coarsely."""
    height, width = (4 * (side // 4) + 1 for side in photo.shape[:2])
    small = resize(photo, (height, width))
    red = (small[..., 0] > small[..., 1] + 60).astype(np.float32)
    return small, cv2.blur(red, (9, 9))[::STEP, ::STEP].copy()


@pytest.fixture
def crops(discs, few):
    return CropMaker(read_index(discs, "train"), red_is_a_person, seed=0).make(0)


def test_a_composed_person_covers_the_scene_by_its_alpha(discs):
    composer = Composer(read_index(discs, "train"))
    photo, mask, alpha = composer.compose(None, np.random.default_rng(0))
    again = composer.compose(None, np.random.default_rng(0))
    assert_array_equal(photo, again[0])
    assert photo.shape[:2] == mask.shape == alpha.shape
    assert photo[alpha == 255][:, 0].mean() > 150
    assert photo[alpha == 0][:, 0].mean() < 60
    assert ((mask == PERSON) == (alpha > 127)).mean() > 0.99


def test_photos_without_scenes_or_mattes_cannot_be_composed(discs):
    with pytest.raises(OptionError, match="0 without people"):
        Composer(read_index(discs, "train")[:1])


def test_an_enlarged_edge_stays_sharp(discs):
    view = read_index(discs, "train")[0].read_soft()
    photo, mask, alpha = enlarge(view, 6)
    assert photo.shape[:2] == mask.shape == alpha.shape == (1440, 1680)
    soft = ((view[2] > 0) & (view[2] < 255)).sum()
    assert ((alpha > 0) & (alpha < 255)).sum() < 12 * soft  # 36 times the pixels


def test_a_shard_depends_on_its_seed_and_number_only(discs, few):
    maker = CropMaker(read_index(discs, "train"), red_is_a_person, seed=0)
    first, again, other = maker.make(1), maker.make(1), maker.make(2)
    for name in vars(first):
        assert_array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.photo, other.photo)


def test_crops_show_borders_and_lie_on_the_coarse_cells(crops):
    assert crops.photo.shape == (6, 65, 65, 3)
    assert crops.coarse.shape == (6, 17, 17)
    shares = crops.alpha.mean(axis=(1, 2)) / 255
    assert ((shares > 0) & (shares < 1)).sum() >= 3  # the other photo may be of nobody
    apart = np.abs(crops.alpha[:, ::STEP, ::STEP] / 255 - crops.coarse.astype(np.float32))
    assert apart.mean() < 0.15


def test_about_half_of_the_borders_are_moved_a_little():
    coarse = np.zeros((40, 65, 65), np.float16)
    coarse[:, :, 30:] = 1
    got = disturb(coarse, np.random.default_rng(0))
    assert_array_equal(got, disturb(coarse, np.random.default_rng(0)))
    moved = [not np.array_equal(*pair) for pair in zip(got, coarse, strict=True)]
    assert 10 < sum(moved) < 30
    assert_array_equal(got[..., :20], coarse[..., :20])
    assert_array_equal(got[..., 40:], coarse[..., 40:])


def test_alpha_is_resized_as_the_photo_is():
    alpha = np.random.default_rng(0).integers(0, 255, (40, 60), dtype=np.uint8)
    expected = resize(np.stack([alpha] * 3, axis=-1), (97, 129))[..., 0]
    assert np.abs(resize_alpha(alpha, (97, 129)).astype(int) - expected).max() <= 1


def test_an_untrained_refiner_gives_the_coarse_probability():
    coarse = torch.rand((1, 1, 17, 25), generator=torch.Generator().manual_seed(0))
    photo = torch.rand((1, 3, 65, 97)) * 2 - 1
    alpha = apply_planes(Refiner()(photo, coarse), photo).sigmoid()
    assert_allclose(alpha[0, ::4, ::4].detach(), coarse[0, 0], atol=0.01)


def test_unknown_pixels_teach_nothing(crops):
    unknown = Crops(crops.photo, crops.coarse, crops.alpha, np.zeros_like(crops.known))
    refiner = random_refiner()
    find_loss(refiner, unknown).backward()
    assert all(p.grad.abs().max() == 0 for p in refiner.parameters())


def test_the_loss_falls_and_training_continues_where_it_stopped(crops, tmp_path):
    trainer = Trainer(tmp_path)
    losses = [trainer.learn(crops) for _ in range(40)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    trainer.save()
    resumed = Trainer(tmp_path)
    assert resumed.step == 40
    assert trainer.learn(crops) == resumed.learn(crops)
    for name in ("refiner", "average"):
        own, other = (getattr(each, name).parameters() for each in (trainer, resumed))
        assert all(torch.equal(a, b) for a, b in zip(own, other, strict=True))


def test_a_damaged_checkpoint_is_told(tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(b"half a file")
    with pytest.raises(ModelError, match=CHECKPOINT):
        Trainer(tmp_path)


def test_a_run_is_logged_and_continues_when_called_again(crops, discs, few, tmp_path):
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
        crops.save(tmp_path / split / "0000.npz")
    train(tmp_path, 1e-4, seed=0, every=20)
    first = Trainer(tmp_path)
    train(tmp_path, (first.seconds + 0.5) / 3600, seed=0, every=20)
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert lines[0]["step"] == first.step < lines[1]["step"]
    assert {"loss", "val"} <= lines[0].keys()
    open_refiner("cpu", 1, tmp_path / GRAPH)


@pytest.fixture
def graph(tmp_path):
    """A random refiner, and its graph's file."""
    refiner = random_refiner()
    path = tmp_path / "refiner.onnx"
    path.write_bytes(to_refiner_graph(refiner).SerializeToString())
    return refiner, path


def random_refiner():
    torch.manual_seed(0)
    refiner = Refiner()
    torch.nn.init.normal_(refiner.planes.weight, std=0.3)
    return refiner


@pytest.mark.parametrize("size", [(65, 97), (449, 577), (66, 91), (33, 200)])
def test_the_graph_is_the_network(graph, size):
    refiner, path = graph
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (*size, 3), dtype=np.uint8)
    coarse = rng.random([(side - 1) // 4 + 1 for side in size], dtype=np.float32)
    photo = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        expected = refiner(photo, torch.from_numpy(coarse)[None, None])[0].permute(1, 2, 0)
    got = open_refiner("cpu", 1, path).find_planes(small, coarse)
    assert_allclose(got, expected, atol=1e-3)
    assert path.stat().st_size < 100_000


def test_the_engine_evaluates_planes_as_training_does(graph, monkeypatch):
    monkeypatch.setattr(refine, "PULL", 0.0)
    monkeypatch.setattr(refine, "REACH", 30)
    refiner, path = graph
    rng = np.random.default_rng(0)
    small = cv2.resize(rng.integers(0, 255, (9, 13, 3), dtype=np.uint8), (97, 65))
    coarse = np.clip(cv2.resize(rng.random((5, 7)), (25, 17)), 0, 1).astype(np.float32)
    photo = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        planes = refiner(photo, torch.from_numpy(coarse)[None, None])
        expected = apply_planes(planes, photo)[0].sigmoid().numpy()
    got, _ = refined_matte(coarse, small, small, 0.5, True, open_refiner("cpu", 1, path))
    assert np.abs(got - expected).max() < 0.04  # the sigmoid is stretched


def test_errors_are_those_of_the_literature():
    truth = np.zeros((40, 50), np.float32)
    truth[:, 25:] = 1
    same = find_errors(truth, truth)
    assert set(same.values()) == {0.0}
    off = find_errors(np.clip(truth + np.float32(0.5), 0, 1), truth)
    assert off["sad"] == pytest.approx(0.5 * 1000 / 1e3)
    assert off["mse"] == pytest.approx(0.25 * 0.5 * 1e3)
    assert off["gradient"] > 0


def test_the_benchmark_prints_a_line_for_each_mode(discs, graph, tiny_model, capsys, monkeypatch):
    monkeypatch.setattr(matte_benchmark, "SIZES", {"small": (None, 2)})
    matte_benchmark.main(discs, str(tiny_model), graph[1], 1, as_json=False)
    out = capsys.readouterr().out
    for mode in ("none", "soft", "refined"):
        assert out.count(f"| {mode} |") == 2
    matte_benchmark.main(discs, str(tiny_model), None, 1, as_json=True)
    figures = json.loads(capsys.readouterr().out)
    assert figures["composed"]["small"].keys() == {"none", "soft", "refined"}
    assert figures["real"]["discs"]["soft"]["iou"] > 0.5
