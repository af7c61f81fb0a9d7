"""Weights into a network: downloaded, from a file, or seeded at random."""

from __future__ import annotations

import hashlib
import json
import math
import operator
from pathlib import Path

import torch
from torch import nn

from engine.errors import ModelError
from engine.weights import models_folder
from export.download import download
from export.network import DECODER, Decoder, LogitsOnly, Recipe
from export.vision import Bottleneck

SEED = 0
OWN_CHECKPOINT = "deeplabv3plus_mobilenet_v2.safetensors"
RANGES_KEY = "ranges"
"""In a .safetensors file's metadata: the activations' ranges, where it was trained for int8."""


def load_weights(network: nn.Module, recipe: Recipe, weights: str, new_part: str = "") -> str:
    """Fills `network` and returns the SHA-256 of its weights.

    `weights` is "default" (torchvision's, downloaded into torch's cache; for our own networks those
    of models/), "none" (random, seeded), or the path of a .pth or .safetensors state
    dict. A state dict may lack the whole of `new_part`, a prefix of keys: it stays as it is. A
    decoder with fewer channels is widened, and gives the same logits.

    Raises
    ------
    ModelError
        The download failed; the file is missing or not a state dict; keys are missing, unexpected
        or of another shape.
    """
    if weights == "none":
        _fill_at_random(network)
    elif weights == "default" and recipe.default_weights is None:
        _load_state(network, _read_own(network), OWN_CHECKPOINT)
    elif weights == "default":
        _load_state(network, _download_default(recipe), "default")
    else:
        state = _read_state(Path(weights))
        if new_part and not any(key.startswith(new_part) for key in state):
            state |= {k: v for k, v in network.state_dict().items() if k.startswith(new_part)}
        _load_state(network, state, weights)
    return _digest(network)


def read_ranges(weights: str, network: str = "") -> dict[str, tuple[float, float]] | None:
    """The activations' ranges that weights were trained with for int8, by tensor.

    `weights` is as in `load_weights`, `network` the name of the recipe. None for weights that were
    not trained for int8.

    Raises ModelError for ranges that are damaged.
    """
    if weights == "default" and f"{network}.safetensors" == OWN_CHECKPOINT:
        weights = str(models_folder() / OWN_CHECKPOINT)
    if not weights.endswith(".safetensors") or not Path(weights).is_file():
        return None
    from safetensors import safe_open

    try:
        with safe_open(weights, "pt") as file:
            text = (file.metadata() or {}).get(RANGES_KEY, "null")
        ranges = json.loads(text)
        if ranges is None:
            return None
        ranges = {name: (float(low), float(high)) for name, (low, high) in ranges.items()}
        if not all(-math.inf < low <= high < math.inf for low, high in ranges.values()):
            raise ValueError("expected the lowest value and the highest")
    except Exception as error:  # safetensors have errors of their own
        raise ModelError(f"{weights}: its ranges for int8 cannot be read: {error}") from error
    return ranges


def _download_default(recipe: Recipe) -> dict[str, torch.Tensor]:
    entry = recipe.default_weights
    download(entry.url, Path(torch.hub.get_dir()) / "checkpoints")
    # From the cache, which now holds the checked file.
    return entry.get_state_dict(progress=False, check_hash=True, weights_only=True)


def _read_own(network: nn.Module) -> dict[str, torch.Tensor]:
    """Our own weights; a network without the decoder takes the rest of them."""
    path = models_folder() / OWN_CHECKPOINT
    if not path.is_file():
        raise ModelError(
            f"{path}: no such file. The checkpoint of our own network is in the source tree only, "
            "not in the installed package: give --weights a copy of it."
        )
    state, wanted = _read_state(path), network.state_dict()
    return {key: value for key, value in state.items() if key in wanted}


def _read_state(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise ModelError(f"{path}: no such file, expected a .pth or .safetensors state dict.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and safetensors have errors of their own
        raise ModelError(f"{path}: no state dict that can be read safely: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise ModelError(f"{path}: expected a state dict, names to tensors, and nothing else.")
    return state


def _load_state(network: nn.Module, state: dict[str, torch.Tensor], where: str) -> None:
    state = {key: value for key, value in state.items() if not key.startswith("aux_classifier.")}
    wanted = network.state_dict()
    state |= {
        key: _widened(value, wanted[key])
        for key, value in state.items()
        if key.startswith(DECODER) and key in wanted
    }
    optional = {key for key in wanted if key.endswith("num_batches_tracked")}
    problems = {
        "missing": sorted(wanted.keys() - state.keys() - optional),
        "unexpected": sorted(state.keys() - wanted.keys()),
        "of another shape": sorted(
            f"{key} {tuple(state[key].shape)}, expected {tuple(wanted[key].shape)}"
            for key in wanted.keys() & state.keys()
            if state[key].shape != wanted[key].shape
        ),
    }
    found = [f"{kind}: {_some(keys)}" for kind, keys in problems.items() if keys]
    if found:
        raise ModelError(f"{where}: the weights do not fit the network; {'; '.join(found)}.")
    network.load_state_dict(state, strict=False)


def _widened(value: torch.Tensor, fresh: torch.Tensor) -> torch.Tensor:
    """More channels beside the old ones, which take nothing from them: the output stays the same.

    Convolutions start at random, always with the same numbers, batch norms as `fresh`. What is not
    narrower than `fresh` is returned as it is.
    """
    if value.ndim != fresh.ndim or any(map(operator.gt, value.shape, fresh.shape)):
        return value
    wide = fresh.clone()
    if value.ndim > 1:
        spread = (2 / fresh[0].numel()) ** 0.5
        wide.normal_(std=spread, generator=torch.Generator().manual_seed(SEED))
        wide[: len(value)] = 0
    wide[tuple(map(slice, value.shape))] = value
    return wide


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
    return ", ".join(keys[:5]) + more


def _fill_at_random(network: nn.Module) -> None:
    """Kaiming's weights, and batch norm statistics measured on smooth noise."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(SEED)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None  # the plain mean over all batches
        for module in network.modules():
            if isinstance(module, Bottleneck):
                # Small branches beside the trunk, as in trained networks: large random ones
                # multiply rounding errors from layer to layer.
                nn.init.constant_(module.bn3.weight, 0.2)
            elif isinstance(module, Decoder):
                module.logits.weight.mul_(0.2)
        noise = torch.randn(8, 3, 9, 9)
        photos = nn.functional.interpolate(noise, size=(129, 129), mode="bilinear")
        network.train()
        LogitsOnly(network)(photos)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 0.1  # torch's own
    network.eval()


def _digest(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        if not key.endswith("num_batches_tracked"):
            digest.update(key.encode() + value.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
