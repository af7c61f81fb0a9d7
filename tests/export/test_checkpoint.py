"""Weights from files, and at random."""

import pickle

import pytest

from engine.errors import ModelError
from export import checkpoint
from export.checkpoint import load_weights
from export.network import find_recipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
RECIPE = find_recipe("deeplabv3plus_mobilenet_v2")


@pytest.fixture(scope="module")
def state(small_network):
    return {key: value.clone() for key, value in small_network.state_dict().items()}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_state_dict_is_loaded_without_the_auxiliary_head(tmp_path, state, suffix):
    from safetensors.torch import save_file

    path = tmp_path / f"weights{suffix}"
    full = state | {"aux_classifier.0.weight": torch.zeros(3)}
    torch.save(full, path) if suffix == ".pth" else save_file(full, path)
    network = RECIPE.build()
    load_weights(network, RECIPE, str(path))
    for key, value in network.state_dict().items():
        assert torch.equal(value, state[key]), key


def test_a_narrower_decoder_is_widened_and_gives_the_same_logits(tmp_path, monkeypatch):
    from export import network as networks

    monkeypatch.setattr(networks, "DECODER_CHANNELS", 40)
    narrow = RECIPE.build().eval()
    load_weights(narrow, RECIPE, "none")
    torch.nn.init.normal_(narrow.classifier.decoder.logits.weight)
    torch.save(narrow.state_dict(), tmp_path / "narrow.pth")
    monkeypatch.setattr(networks, "DECODER_CHANNELS", 56)
    wide, again = RECIPE.build().eval(), RECIPE.build().eval()
    digests = {load_weights(each, RECIPE, str(tmp_path / "narrow.pth")) for each in (wide, again)}
    assert len(digests) == 1
    photos = torch.rand((1, 3, 65, 65), generator=torch.Generator().manual_seed(0))
    first, second = (networks.LogitsOnly(each)(photos) for each in (narrow, wide))
    assert torch.allclose(first, second, atol=1e-4)
    second.square().sum().backward()
    new = wide.classifier.decoder.logits.weight.grad[:, 40:]
    assert (new.abs().sum(dim=(0, 2, 3)) > 0).float().mean() > 0.5  # the new channels can learn


def test_what_does_not_fit_is_named(tmp_path, state):
    spoilt = dict(state)
    del spoilt["classifier.logits.bias"]
    spoilt["classifier.extra"] = torch.zeros(2)
    spoilt["classifier.logits.weight"] = torch.zeros(7, 256, 1, 1)
    torch.save(spoilt, tmp_path / "spoilt.pth")
    with pytest.raises(ModelError) as caught:
        load_weights(RECIPE.build(), RECIPE, str(tmp_path / "spoilt.pth"))
    for words in (
        "missing: classifier.logits.bias",
        "unexpected: classifier.extra",
        "classifier.logits.weight (7, 256, 1, 1), expected (21, 256, 1, 1)",
    ):
        assert words in str(caught.value)


def test_the_installed_package_says_where_the_checkpoint_is(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "models_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match=r"in the source tree only.*give --weights a copy"):
        load_weights(RECIPE.build(), RECIPE, "default")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("code in a checkpoint was run",))


@pytest.mark.parametrize("content", ["bomb", "garbage", "list"])
def test_a_file_that_is_no_state_dict_is_refused(tmp_path, content):
    path = tmp_path / "weights.pth"
    if content == "bomb":
        path.write_bytes(pickle.dumps({"a": Bomb()}))
    elif content == "garbage":
        path.write_bytes(b"garbage")
    else:
        torch.save([1, 2], path)
    with pytest.raises(ModelError, match="state dict"):
        load_weights(RECIPE.build(), RECIPE, str(path))


def test_random_weights_are_the_same_each_time_and_leave_the_generator_alone():
    before = torch.random.get_rng_state()
    digests = {load_weights(RECIPE.build(), RECIPE, "none") for _ in range(1)}
    torch.manual_seed(5)
    digests.add(load_weights(RECIPE.build(), RECIPE, "none"))
    assert len(digests) == 1
    torch.random.set_rng_state(before)
