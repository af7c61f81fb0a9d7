"""A network in torch on one photo, as the engine runs it."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from engine.segment.preprocess import network_size, resize, to_tensor
from engine.weights import InputRule, ModelFacts
from export.network import LogitsOnly, find_recipe
from export.photos import PERSON

NETWORK = "deeplabv3plus_mobilenet_v2"


@torch.inference_mode()
def find_logits(network: nn.Module, photo: np.ndarray) -> torch.Tensor:
    """Low-resolution logits, float32 (1, 21, h, w), of a photo, uint8 (H, W, 3)."""
    facts = network_facts()
    height, width = photo.shape[:2]
    small = resize(photo, network_size(height, width, facts.input))
    tensor = torch.from_numpy(to_tensor(small, facts))
    return LogitsOnly(network)(tensor.contiguous(memory_format=torch.channels_last))


def find_person(network: nn.Module, photo: np.ndarray) -> np.ndarray:
    """Probability of a person, float32 (H, W)."""
    return upsample_person(find_logits(network, photo), photo.shape[:2]).numpy()


def upsample_person(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Probability of a person, float32 `size`, of logits (1, 21, h, w)."""
    person = logits.softmax(dim=1)[:, PERSON : PERSON + 1]
    return F.interpolate(person, size, mode="bilinear", align_corners=True)[0, 0]


def network_facts() -> ModelFacts:
    """What the engine knows of the network."""
    facts = find_recipe(NETWORK).facts
    mean, std = tuple(facts["mean"]), tuple(facts["std"])
    return ModelFacts(NETWORK, InputRule(**facts["input"]), mean, std, "RGB", (), "", "", "")
