"""Training: its data, its losses, its checkpoints."""

import copy
import csv
import functools
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal

torch = pytest.importorskip("torch", reason="the export extra is not installed")
pytestmark = pytest.mark.torch

from engine.errors import ModelError, OptionError, PhotoError  # noqa: E402
from export.photos import PERSON, VOID  # noqa: E402
from export.training import batches as data_module  # noqa: E402
from export.training import sittings as training  # noqa: E402
from export.training import trainer as training_steps  # noqa: E402
from export.training.batches import (  # noqa: E402
    NOT_PERSON,
    Batches,
    read_index,
    recolour,
    sharpen,
    warp,
)
from export.training.faster import speed_up  # noqa: E402
from export.training.sittings import LOG, train  # noqa: E402
from export.training.trainer import (  # noqa: E402
    CHECKPOINT,
    COOL_DOWN,
    LEVEL_STEPS,
    WARM_UP_STEPS,
    WEIGHTS,
    Trainer,
    find_losses,
    find_rate,
)
from export.training.unlabelled import find_others  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small tensors in several threads wait for each other, above all where the machine is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def people(tmp_path_factory, astronaut):
    """A data set of eight photos in the layout that training reads; two of them have mattes."""
    folder = tmp_path_factory.mktemp("people")
    for name in ("photos", "masks", "mattes"):
        (folder / name).mkdir()
    rows = []
    for i in range(8):
        photo = cv2.resize(astronaut[10 * i : 400 + 10 * i, : 500 - 9 * i], (150, 120))
        mask = np.zeros((120, 150), np.uint8)
        full = i % 2 == 0
        cv2.ellipse(mask, (70, 80), (40, 60), 0, 0, 360, PERSON, -1)
        mask[:20, 130:] = VOID
        if full:
            mask[100:, :20] = 9
        cv2.imwrite(str(folder / "photos" / f"p{i}.jpg"), photo[..., ::-1])
        cv2.imwrite(str(folder / "masks" / f"p{i}.png"), mask)
        if i < 2:
            matte = np.where(mask == PERSON, 255, 0).astype(np.uint8)
            cv2.imwrite(str(folder / "mattes" / f"p{i}.png"), cv2.GaussianBlur(matte, (7, 7), 0))
        split, labels = ("val" if i > 5 else "train"), ("all" if full else "person")
        rows.append({"name": f"p{i}", "source": f"s{i % 2}", "split": split, "labels": labels})
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(data_module, "SIDES", (65, 97))
    monkeypatch.setattr(data_module, "PIXELS_PER_BATCH", 4 * 97**2)


@pytest.fixture
def small_batches(people, small):
    return Batches(read_index(people, "train"), seed=3)


def test_the_index_is_read_by_split(people):
    train_entries, val = read_index(people, "train"), read_index(people, "val")
    assert [len(train_entries), len(val)] == [6, 2]
    assert [e.fully_labelled for e in val] == [True, False]
    photo, mask = val[0].read()
    assert photo.shape == (120, 150, 3)
    assert set(np.unique(mask)) == {0, 9, PERSON, VOID}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "name,split\na,train\n",
        "name,source,split,labels\na,s,val,all\n",
        "name,source,split,labels\na,s,train,All\n",
        "name,source,split,labels\na,all,train,all\n",
    ],
)
def test_an_index_that_cannot_be_used_is_told(tmp_path, text):
    if text is not None:
        (tmp_path / "index.csv").write_text(text)
    with pytest.raises(OptionError, match=r"index\.csv"):
        read_index(tmp_path, "train")


def test_a_batch_depends_on_its_seed_and_number_only(small_batches):
    first, again, other = small_batches[5], small_batches[5], small_batches[6]
    for name in ("photos", "classes", "person", "near_edge", "fully_labelled"):
        assert_array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.photos[0, :20, :20], other.photos[0, :20, :20])


def test_batches_are_whole(small_batches):
    for number in range(8):
        batch = small_batches[number]
        count, side = batch.photos.shape[:2]
        assert batch.photos.shape == (count, side, side, 3)
        assert batch.classes.shape == batch.person.shape == batch.near_edge.shape
        inside = (batch.classes == PERSON) & ~batch.near_edge
        assert batch.person[inside].min() >= 230
        assert set(np.unique(batch.classes)) <= {0, 9, PERSON, NOT_PERSON, VOID}


def test_photo_mask_and_alpha_are_warped_alike():
    photo = np.zeros((90, 120, 3), np.uint8)
    mask = np.zeros((90, 120), np.uint8)
    photo[20:70, 30:80], mask[20:70, 30:80] = 255, PERSON
    for seed in range(10):
        view, labels, alpha = warp((photo, mask, photo[..., 0]), 129, np.random.default_rng(seed))
        assert ((alpha > 127) != (view[..., 0] > 127)).mean() < 0.01  # sharpened in place
        differs = (alpha > 127) != (labels == PERSON)
        assert differs.mean() < 0.04  # half a pixel along the edges


def test_a_sharpened_edge_is_steeper_and_flat_parts_are_as_they_were():
    photo = np.repeat(np.linspace(60, 180, 16).astype(np.uint8)[None, :, None], 3, axis=2)
    photo = cv2.copyMakeBorder(photo, 8, 8, 24, 24, cv2.BORDER_REPLICATE)
    sharp = sharpen(photo, 3.0, 1.5)
    steepness = [np.diff(each[8, :, 0].astype(int)).max() for each in (photo, sharp)]
    assert steepness[1] > steepness[0]
    assert_array_equal(sharp[:, :8], photo[:, :8])
    assert_array_equal(sharpen(photo, 3.0, 0.0), photo)


@pytest.mark.parametrize("has_matte", [True, False])
def test_a_matte_decides_near_the_border_of_the_label_and_nowhere_else(people, tmp_path, has_matte):
    mask = np.zeros((100, 150), np.uint8)
    mask[20:80, 40:100] = PERSON
    mask[20:80, 100:103] = VOID  # beside the person
    mask[0:10, 130:] = VOID  # far away
    matte = np.full((100, 150), 128, np.uint8)
    matte[:, 98:] = 30
    photo = np.zeros((100, 150, 3), np.uint8)
    for name, picture in (("photo", photo), ("mask", mask), ("matte", matte)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    files = {name: tmp_path / f"{name}.png" for name in ("photo", "mask")}
    if has_matte:
        files["matte"] = tmp_path / "matte.png"
    _, classes, alpha = replace(read_index(people, "train")[3], **files).read_soft()
    assert set(np.unique(alpha[30:70, 45:95])) == {255}
    assert set(np.unique(classes[:10, 130:])) == {VOID}
    if has_matte:  # two pixels on both sides
        assert (alpha[30:70, 38:42] == 128).all()
        assert (classes[30:70, 38:42] == PERSON).all()
        assert (alpha[30:70, 98:102] == 30).all()
        assert (classes[30:70, 98:102] == NOT_PERSON).all()
        assert (classes[30:70, 102] == VOID).all()
    else:
        assert_array_equal(classes, mask)
        assert_array_equal(alpha == 255, mask == PERSON)


def test_a_matte_of_another_size_is_told(people, tmp_path):
    cv2.imwrite(str(tmp_path / "matte.png"), np.zeros((9, 9), np.uint8))
    with pytest.raises(PhotoError, match=r"matte\.png: expected the photo's size"):
        replace(read_index(people, "train")[0], matte=tmp_path / "matte.png").read_soft()


def test_colours_change_but_not_the_size(astronaut):
    photo, changed = astronaut[:90, :70], 0
    for seed in range(40):
        got = recolour(photo, np.random.default_rng(seed))
        assert got.shape == photo.shape
        assert got.dtype == np.uint8
        assert np.corrcoef(got.ravel(), photo.ravel())[0, 1] > 0.5
        changed += not np.array_equal(got, photo)
    assert changed > 35


def test_noise_reaches_every_channel():
    grey = np.full((60, 60, 3), 128, np.uint8)
    seen = np.zeros(3)
    for seed in range(60):
        seen = np.maximum(seen, recolour(grey, np.random.default_rng(seed)).std(axis=(0, 1)))
    assert seen.min() > 2


def test_losses_are_least_for_the_right_answer(small_batches):
    batch = small_batches[0]
    right = torch.full((len(batch.photos), 21, *batch.classes.shape[1:]), -8.0)
    classes = torch.from_numpy(np.where(batch.classes == VOID, 0, batch.classes)).long()
    right.scatter_(1, classes[:, None], 8.0)
    wrong = right.roll(1, dims=1)
    low, high = find_losses(right, batch), find_losses(wrong, batch)
    assert low.keys() == high.keys() >= {"person", "overlap"}
    assert all(low[name] < 0.2 * high[name] for name in low)


def test_the_teacher_keeps_the_classes_where_nobody_is(small_batches):
    batch = small_batches[0]
    shape = (len(batch.photos), 21, 17, 17)
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(0), requires_grad=True)
    taught = logits.detach()[:, :, ::4, ::4].clone()
    taught[:, PERSON] += 3  # is not asked
    assert find_losses(logits, batch, taught)["kept"] < 1e-6
    find_losses(logits, batch, taught.roll(1, dims=0) + torch.eye(21)[9, :, None, None])[
        "kept"
    ].backward()
    side = batch.classes.shape[1]
    step = (side - 1) // 4
    nobody = torch.from_numpy(batch.classes[:, ::step, ::step] != PERSON)
    pulled = logits.grad[:, :, ::4, ::4].abs().sum(dim=1) > 0
    assert nobody.any()
    assert torch.equal(pulled, nobody)


@pytest.mark.parametrize("full", [False, True])
def test_void_teaches_nothing(small_batches, full):
    batch = small_batches[0]
    hidden = replace(
        batch,
        classes=np.full_like(batch.classes, VOID),
        fully_labelled=np.full_like(batch.fully_labelled, full),
    )
    logits = torch.zeros((len(batch.photos), 21, 17, 17), requires_grad=True)
    sum(find_losses(logits, hidden).values()).backward()
    assert logits.grad.abs().max() == 0


def test_it_learns_and_resumes_where_it_stopped(small_batches, tmp_path, monkeypatch):
    monkeypatch.setattr(training_steps, "find_rate", lambda step, left: 10.0)
    torch.manual_seed(0)
    trainer = Trainer("none", tmp_path)
    batch = small_batches[1]
    losses = [sum(trainer.learn(batch).values()) for _ in range(6)]
    assert min(losses[3:]) < losses[0]
    trainer.progress.seconds = 1800
    trainer.save()
    resumed = Trainer("none", tmp_path)
    assert resumed.progress == trainer.progress
    for own, other in ((trainer.network, resumed.network), (trainer.average, resumed.average)):
        assert all(
            torch.equal(a, b) for a, b in zip(own.parameters(), other.parameters(), strict=True)
        )
    # One more step of each is the same step: the optimiser's moments are there too.
    for each in (trainer, resumed):
        torch.manual_seed(1)
        each.learn(small_batches[2])
    pairs = zip(trainer.network.parameters(), resumed.network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_the_rate_cools_down_to_zero_at_the_end_of_the_hours():
    rates = [find_rate(WARM_UP_STEPS, left) for left in (1.0, COOL_DOWN, COOL_DOWN / 2, 0.0, -0.01)]
    assert rates == [1.0, 1.0, 0.5, 0.0, 0.0]
    assert find_rate(WARM_UP_STEPS, 0.5, cool_down=1.0) == 0.5


def test_the_rate_rises_stays_and_falls_with_the_root_of_the_step():
    rates = [find_rate(step, 1.0) for step in range(5 * LEVEL_STEPS)]
    assert rates[0] == 1 / WARM_UP_STEPS
    assert rates[: WARM_UP_STEPS + 1] == sorted(rates[: WARM_UP_STEPS + 1])
    assert set(rates[WARM_UP_STEPS:LEVEL_STEPS]) == {1.0}
    assert rates[4 * LEVEL_STEPS - 1] == 0.5


@pytest.mark.parametrize("decoder", ["new", "trained"])
def test_batch_norms_keep_their_statistics_but_for_a_new_decoders(
    small_batches, tmp_path, small_network, decoder
):
    from safetensors.torch import save_file

    state = {k: v.contiguous() for k, v in small_network.state_dict().items()}
    if decoder == "new":
        state = {k: v for k, v in state.items() if ".decoder." not in k}
    save_file(state, tmp_path / "init.safetensors")
    trainer = Trainer(str(tmp_path / "init.safetensors"), tmp_path)
    before = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    trainer.learn(small_batches[0])
    after = trainer.network.state_dict()
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    statistics = {k for k in changed if "running" in k}
    assert {".decoder." in key for key in statistics} == ({True} if decoder == "new" else set())
    assert "classifier.decoder.logits.weight" in changed
    assert "backbone.features.9.conv.2.weight" in changed
    assert "backbone.features.1.conv.1.weight" not in changed


def test_the_quicker_network_has_the_same_outputs_and_gradients(small_network):
    plain, quick = copy.deepcopy(small_network), copy.deepcopy(small_network)
    speed_up(quick)
    photos = torch.rand((2, 3, 97, 129), generator=torch.Generator().manual_seed(0))
    outputs = [network(photos)["out"] for network in (plain, quick)]
    assert torch.allclose(*outputs, atol=1e-4)
    for output in outputs:
        output[:, PERSON].square().mean().backward()
    for (name, own), other in zip(plain.named_parameters(), quick.parameters(), strict=True):
        error = (own.grad - other.grad).norm() / own.grad.norm().clamp(min=1e-3)
        assert error < 1e-2, name


def test_stopped_while_saving_the_old_checkpoint_stays(tmp_path, monkeypatch):
    trainer = Trainer("none", tmp_path)
    trainer.progress.step = 7
    trainer.save()

    def half(_, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", half)
    trainer.progress.step = 8
    with pytest.raises(KeyboardInterrupt):
        trainer.save()
    assert Trainer("none", tmp_path).progress.step == 7


def test_a_damaged_checkpoint_is_told(tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(b"half a file")
    with pytest.raises(ModelError, match=CHECKPOINT):
        Trainer("none", tmp_path)


def few(evaluate, network, entries):
    return evaluate(network, entries[:1])


def test_a_run_is_logged_and_goes_on_when_called_again(people, small, tmp_path, monkeypatch):
    from export.checkpoint import load_weights
    from export.network import find_recipe

    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(training, "evaluate", functools.partial(few, training.evaluate))
    train(people, "none", 1e-4, tmp_path, seed=0, every=20, main_only=["s1"])
    with (tmp_path / LOG).open("a") as file:
        file.write('{"step": 1')  # a sitting that was killed while it wrote
    first = Trainer("none", tmp_path).progress
    hours = (first.seconds + 1) / 3600
    train(people, "none", hours, tmp_path, seed=0, every=20, main_only=["s1"])
    with pytest.raises(OptionError, match="used up"):
        train(people, "none", hours, tmp_path, seed=0, every=20, main_only=[])
    with pytest.raises(OptionError, match="no such source"):
        train(people, "none", 2 * hours, tmp_path, seed=0, every=20, main_only=["s2"])
    text = (tmp_path / LOG).read_text().replace('{"step": 1\n', "")
    lines = [json.loads(line) for line in text.splitlines()]
    steps = [line["step"] for line in lines]
    assert steps[0] == 0
    assert steps == sorted(set(steps))
    assert len(steps) == 3
    for line in lines:
        assert line["val"]["iou"].keys() == {"s0", "all"}
        assert line["val"]["photos"] == 1
    assert len(list((tmp_path / "void").glob("*.png"))) == 3
    recipe = find_recipe("deeplabv3plus_mobilenet_v2")
    load_weights(recipe.build(), recipe, str(tmp_path / WEIGHTS))


def test_a_run_for_int8_goes_on_with_its_ranges_and_leaves_them_in_its_weights(
    people, small, tmp_path, monkeypatch, trace
):
    from export.checkpoint import OWN_CHECKPOINT, models_folder, read_ranges

    monkeypatch.setattr(training, "evaluate", functools.partial(few, training.evaluate))
    monkeypatch.setattr(training, "to_logits_graph", trace)
    monkeypatch.setattr(training_steps, "to_logits_graph", trace)
    init, out = str(models_folder() / OWN_CHECKPOINT), tmp_path / "int8"
    common = {"seed": 0, "every": 20, "main_only": [], "int8": True}
    train(people, init, 1e-4, out, **common)
    ranges = read_ranges(str(out / WEIGHTS))
    assert ranges["hardtanh"] == (0.0, pytest.approx(6, abs=0.2))
    first = json.loads((out / LOG).read_text().splitlines()[-1])
    assert first["loss"].keys() >= {"person", "drift"}
    monkeypatch.setattr(training, "calibrate", None)  # is not done again
    hours = (first["seconds"] + 2) / 3600
    train(people, init, hours, out, **common)
    assert read_ranges(str(out / WEIGHTS)) == ranges
    assert json.loads((out / LOG).read_text().splitlines()[-1])["step"] > first["step"]
    with pytest.raises(OptionError, match="is one for int8; give another folder"):
        train(people, init, 1, out, **common | {"int8": False})
    Trainer("none", tmp_path).save()
    with pytest.raises(OptionError, match="is one for float; give another folder"):
        train(people, init, 1, tmp_path, **common)
    with pytest.raises(OptionError, match="only trained weights"):
        train(people, "none", 1, tmp_path / "new", **common)


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("--hours", "0"), 2, "more than 0"),
        (("--init", "no.pth"), 4, "no such file"),
        (("--data", "nowhere"), 2, "index.csv"),
    ],
)
def test_wrong_words_end_in_one_line(people, tmp_path, capsys, arguments, code, reason):
    import typer

    from export.training.__main__ import main

    app = typer.Typer(add_completion=False)
    app.command()(main)
    words = {"--data": people, "--init": "none", "--hours": "1", "--out": tmp_path}
    words |= dict([arguments])
    with pytest.raises(SystemExit) as ended:
        app([str(word) for pair in words.items() for word in pair])
    assert ended.value.code == code
    err = capsys.readouterr().err
    assert reason in err
    assert err.count("\n") == 1


def test_what_the_void_mask_covers_is_ignored(people, tmp_path):
    entry = read_index(people, "train")[0]
    void = np.zeros((120, 150), np.uint8)
    void[50:60, 60:90] = 255
    cv2.imwrite(str(tmp_path / "void.png"), void)
    assert (replace(entry, void=tmp_path / "void.png").read()[1][50:60, 60:90] == VOID).all()


@pytest.mark.parametrize("kind", ["missing", "colour", "class", "size"])
def test_a_mask_that_cannot_be_used_is_told(people, tmp_path, kind):
    entry = replace(read_index(people, "train")[0], mask=tmp_path / "mask.png")
    if kind != "missing":
        shape = {"colour": (120, 150, 3), "class": (120, 150), "size": (30, 150)}[kind]
        value = 100 if kind == "class" else 0
        cv2.imwrite(str(entry.mask), np.full(shape, value, np.uint8))
    with pytest.raises(PhotoError, match=r"mask\.png"):
        entry.read()


def test_others_are_those_apart_from_the_labelled_person():
    probability = np.zeros((100, 100), np.float32)
    probability[20:80, 20:50] = probability[30:60, 70:80] = 0.9
    probability[90:92, 90:92] = 0.9  # too small
    labelled = np.zeros((100, 100), bool)
    labelled[20:80, 20:45] = True
    others = find_others(probability, labelled)
    assert others[30:60, 70:80].all()
    assert not others[:, :60].any()
    assert not others[88:].any()
