"""The forms that videos are written in: containers, their codecs, and what they can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.errors import OptionError


@dataclass(frozen=True)
class Form:
    """One form of a written video."""

    name: str
    """Also its suffix, without the dot."""
    muxer: str
    """FFmpeg's name of the container; empty for files of single pictures."""
    codec: str = "libx264"
    """Of opaque pictures while they are drawn, and mostly in the file."""
    pixels: str = "yuv420p"
    """FFmpeg's name of how these are stored."""
    alpha_codec: str = ""
    alpha_pixels: str = ""
    """The same of pictures with an alpha channel; empty where they cannot be held."""
    sound: frozenset[str] = frozenset()
    """Codecs that are copied."""
    sound_encoder: str = ""
    """By which others are encoded again; empty for a form without sound."""
    subtitles: frozenset[str] = frozenset()
    subtitle_encoder: str = ""
    options: dict[str, str] = field(default_factory=dict)
    """Of the muxer."""

    def codec_of(self, has_alpha: bool) -> tuple[str, str]:
        """Codec and pixels. Raises OptionError where the form holds no transparency."""
        if not has_alpha:
            return self.codec, self.pixels
        if not self.alpha_codec:
            others = "webm, mov, webp, gif or png"
            raise OptionError(f"{self.name} holds no transparency; use {others}.")
        return self.alpha_codec, self.alpha_pixels


_MP4_SOUND = frozenset(("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac", "mp2"))
_LOSSLESS: dict[str, Any] = {
    "codec": "ffv1", "pixels": "bgr0", "alpha_codec": "ffv1", "alpha_pixels": "bgra",
}  # fmt: skip
"""Until all frames are drawn: only then the palette of all is known, or the file can begin."""

FORMS = {
    form.name: form
    for form in (
        Form(
            "mp4", "mp4", sound=_MP4_SOUND, sound_encoder="aac",
            subtitles=frozenset(("mov_text",)), subtitle_encoder="mov_text",
            options={"movflags": "faststart"},
        ),
        Form(
            "mov", "mov", alpha_codec="prores_ks", alpha_pixels="yuva444p10le",
            sound=(_MP4_SOUND - {"opus", "flac"}) | {"pcm_s16le", "pcm_s24le", "pcm_s16be"},
            sound_encoder="aac", subtitles=frozenset(("mov_text",)), subtitle_encoder="mov_text",
            options={"movflags": "faststart"},
        ),
        Form(
            "webm", "webm", "libvpx-vp9", "yuv420p", "libvpx-vp9", "yuva420p",
            sound=frozenset(("opus", "vorbis")), sound_encoder="libopus",
            subtitles=frozenset(("webvtt",)), subtitle_encoder="webvtt",
        ),
        Form("webp", "webp", **_LOSSLESS),
        Form("gif", "gif", **_LOSSLESS),
        Form("png", "", alpha_codec="png", alpha_pixels="rgba"), Form("jpg", ""),
    )
}  # fmt: skip
FILES = tuple(name for name, form in FORMS.items() if form.muxer)
"""Those that are one file each."""
SEQUENCES = tuple(name for name, form in FORMS.items() if not form.muxer)
"""Those that are a file for each frame."""
ONLY_VIDEOS = tuple(name for name in FILES if name != "webp")
"""Those that no photo is written in."""
TRANSPARENT = "webm"
"""What a video with a transparent background is written as unless it is said."""


def encoder_options(codec: str, quality: int | None, has_alpha: bool) -> dict[str, str]:
    """FFmpeg's options for a codec. `quality` is 1..100, or None for the codec's own."""
    share = 0.0 if quality is None else (100 - quality) / 99
    if codec == "libx264":
        crf = 18 if quality is None else round(8 + 40 * share)
        return {"preset": "veryfast", "crf": str(crf)}
    if codec == "libvpx-vp9":
        crf = 24 if quality is None else round(10 + 50 * share)
        alpha = {"auto-alt-ref": "0"} if has_alpha else {}  # hidden frames have no alpha
        speed = {"deadline": "good", "cpu-used": "5", "row-mt": "1"}
        return {"crf": str(crf), "b": "0", **speed, **alpha}
    if codec == "prores_ks":
        return {"profile": "4444", "vendor": "apl0"}
    return {}
