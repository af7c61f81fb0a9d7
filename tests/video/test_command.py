"""`cartoonify clip.mp4`: what comes out, decoded again."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.video.films import (
    HEIGHT,
    RATE,
    WIDTH,
    av,
    centre,
    clicks_of,
    disc,
    packets_of,
    pictures_of,
    times_of,
    write_film,
    write_sound,
)

from engine.video import parts  # isort: skip, it needs PyAV

TIMES = [Fraction(i, RATE) for i in range(12)]


@pytest.fixture
def clip(tmp_path):
    """clip.mp4: twelve frames, and sound with a click at each half second."""
    return write_film(tmp_path / "clip.mp4", sound=("aac",))


@pytest.fixture
def short_segments(monkeypatch):
    monkeypatch.setattr(parts, "LENGTH", 5)


def left_over(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_a_video_becomes_a_video_with_its_sound(cartoonify, clip, tmp_path, short_segments):
    code, out, err = cartoonify("clip.mp4", "-o", "toon.mp4")
    assert (code, err) == (0, "")
    assert "clip.mp4  128 x 96" in out
    assert times_of("toon.mp4") == TIMES
    assert packets_of("toon.mp4") == packets_of(clip)
    got = pictures_of("toon.mp4")
    assert {picture.shape for picture in got} == {(HEIGHT, WIDTH, 3)}
    assert all(picture[2, 2].min() > 245 for picture in got)  # the background is white
    assert left_over(tmp_path) == []


def test_the_files_say_their_colours_and_begin_with_their_index(cartoonify, clip):
    cartoonify("clip.mp4", "-o", "toon.mp4")
    with av.open("toon.mp4") as film:
        context = film.streams.video[0].codec_context
        assert (context.pix_fmt, context.colorspace, context.color_range) == ("yuv420p", 1, 1)
        assert (context.color_primaries, context.color_trc) == (1, 1)
    with open("toon.mp4", "rb") as file:
        data = file.read()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(
    ("out", "codec"), [("toon.webm", "vp9"), ("toon.mov", "prores"), ("toon.webp", "webp")]
)
def test_a_transparent_background(cartoonify, clip, short_segments, out, codec):
    code, _, err = cartoonify("clip.mp4", "-o", out, "-b", "transparent")
    assert (code, err) == (0, "")
    if codec == "webp":
        with Image.open(out) as image:
            got = [np.asarray(frame(image, i)) for i in range(image.n_frames)]
    else:
        with av.open(out) as film:
            assert film.streams.video[0].codec_context.name == codec
        assert [round(float(t), 3) for t in times_of(out)] == [float(t) for t in TIMES]
        got = pictures_of(out, has_alpha=True)
    assert len(got) == 12
    for index, picture in enumerate(got):
        assert picture[2, 2, 3] < 8
        assert picture[HEIGHT // 2, centre(index), 3] > 247


def frame(image, index):
    image.seek(index)
    return image.convert("RGBA")


def test_an_alpha_channel_is_announced(cartoonify, clip):
    cartoonify("clip.mp4", "-o", "toon.webm", "-b", "transparent")
    with av.open("toon.webm") as film:
        tags = {k.lower(): v for k, v in film.streams.video[0].metadata.items()}
    assert tags["alpha_mode"] == "1"


@pytest.mark.parametrize("background", ["white", "transparent"])
def test_a_gif_has_one_palette_and_the_delays(cartoonify, tmp_path, short_segments, background):
    times = [Fraction(t, 100) for t in (0, 10, 40, 45, 60, 70, 80, 100)]
    write_film(tmp_path / "clip.mp4", 8, times=times)
    code, _, err = cartoonify("clip.mp4", "-o", "toon.gif", "-b", background)
    assert (code, err) == (0, "")
    with Image.open("toon.gif") as image:
        delays = []
        for index in range(image.n_frames):
            image.seek(index)
            delays.append(image.info["duration"])
            alpha = np.asarray(image.convert("RGBA"))[2, 2, 3]
            assert alpha == (255 if background == "white" else 0)
            assert image.dispose is None or not image.tile or index == 0
        assert image.info["loop"] == 0
    assert delays[:7] == [100, 300, 50, 150, 100, 100, 200]
    data = (tmp_path / "toon.gif").read_bytes()
    assert data[10] & 0x80  # a palette of all frames


def test_an_animated_webp_keeps_the_delays(cartoonify, tmp_path):
    times = [Fraction(t, 100) for t in (0, 10, 40, 45, 60)]
    write_film(tmp_path / "clip.mp4", 5, times=times)
    cartoonify("clip.mp4", "-o", "toon.webp")
    with Image.open("toon.webp") as image:
        stamps = []
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            stamps.append(image.info["timestamp"])
    assert stamps == [0, 100, 400, 450, 600]


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_sequence_of_pictures(cartoonify, clip, tmp_path, short_segments, suffix):
    code, _, err = cartoonify("clip.mp4", "-o", f"toon_%03d.{suffix}")
    assert (code, err) == (0, "")
    names = sorted(path.name for path in tmp_path.glob("toon_*"))
    assert names == [f"toon_{i:03d}.{suffix}" for i in range(1, 13)]
    with Image.open(tmp_path / names[0]) as image:
        assert image.size == (WIDTH, HEIGHT)
    assert left_over(tmp_path) == []
    code, _, err = cartoonify("clip.mp4", "-o", f"toon_%03d.{suffix}")
    assert code == 3
    assert "exists already" in err


def test_a_sequence_of_pictures_becomes_a_video(cartoonify, tmp_path):
    for index in range(6):
        Image.fromarray(disc(index)).save(tmp_path / f"in_{index:02d}.png")
    assert cartoonify("in_%02d.png", "-o", "toon.mp4", "--fps", "12")[0] == 0
    assert times_of("toon.mp4") == [Fraction(i, 12) for i in range(6)]
    _, out, _ = cartoonify("in_%02d.png", "-o", "other.mp4", "--dry-run")
    assert out == "in_%02d.png -> other.mp4\n"


def test_a_gif_becomes_a_video_where_one_is_asked_for(cartoonify, tmp_path):
    first, *rest = [Image.fromarray(disc(i)) for i in range(4)]
    first.save(tmp_path / "a.gif", save_all=True, append_images=rest, duration=[100, 300, 50, 200])
    assert cartoonify("a.gif", "-o", "toon.mp4")[0] == 0
    assert times_of("toon.mp4") == [Fraction(t, 100) for t in (0, 10, 40, 45)]
    assert cartoonify("a.gif", "-s", "cartoon")[0] == 0
    assert (tmp_path / "out" / "a_cartoon.png").is_file()


def test_sound_that_cannot_be_copied_is_encoded_again_in_sync(cartoonify, clip):
    assert cartoonify("clip.mp4", "-o", "toon.webm")[0] == 0
    with av.open("toon.webm") as film:
        assert film.streams.audio[0].codec_context.name in ("opus", "libopus")
    got, expected = clicks_of("toon.webm"), clicks_of(clip)
    assert len(got) == len(expected) == 3
    assert np.abs(np.subtract(got, expected)).max() < 0.01


def test_sound_of_a_wav_is_encoded_again_in_sync(cartoonify, tmp_path):
    write_film(tmp_path / "clip.avi", 12, "mjpeg", "yuvj420p", sound=("pcm_s16le",))
    assert cartoonify("clip.avi", "-o", "toon.mp4")[0] == 0
    with av.open("toon.mp4") as film:
        assert film.streams.audio[0].codec_context.name == "aac"
    assert np.abs(np.subtract(clicks_of("toon.mp4"), (0, 0.5, 1))).max() < 0.01


def test_sound_of_a_transport_stream_is_copied_in_sync(cartoonify, tmp_path):
    film = write_film(tmp_path / "clip.ts", 12, sound=("aac",))
    assert cartoonify("clip.ts", "-o", "toon.mp4")[0] == 0
    picture, sound = times_of(film)[0], clicks_of(film)[0]
    got = float(times_of("toon.mp4")[0]), clicks_of("toon.mp4")[0]
    assert got[1] - got[0] == pytest.approx(sound - float(picture), abs=0.002)
    with av.open("toon.mp4") as made:
        assert made.streams.audio[0].codec_context.name == "aac"


def test_time_that_goes_back_is_left_out(cartoonify, tmp_path):
    once = write_film(tmp_path / "once.ts", 12, sound=("aac",)).read_bytes()
    (tmp_path / "clip.ts").write_bytes(once + once)
    for out in ("toon.mp4", "toon.webm"):
        assert cartoonify("clip.ts", "-o", out)[0] == 0
        assert len(times_of(out)) == 12
        assert len(clicks_of(out)) == 3


def test_all_tracks_are_kept_with_their_languages(cartoonify, tmp_path):
    film = write_film(tmp_path / "clip.mkv", sound=("aac", "libopus", "mp3"))
    assert cartoonify("clip.mkv", "-o", "toon.mp4")[0] == 0
    with av.open("toon.mp4") as made:
        assert [t.metadata["language"] for t in made.streams.audio] == ["eng", "deu", "fra"]
        names = [t.codec_context.codec.canonical_name for t in made.streams.audio]
        assert names == ["aac", "opus", "mp3"]
    for track in range(3):
        got, expected = packets_of("toon.mp4", track), packets_of(film, track)
        assert [data for data, _ in got] == [data for data, _ in expected]


@pytest.mark.parametrize("seconds", [0.4, 3])
def test_sound_shorter_or_longer_than_the_picture_keeps_its_length(cartoonify, tmp_path, seconds):
    film = write_film(tmp_path / "clip.mp4", sound=("aac",), sound_seconds=seconds)
    assert cartoonify("clip.mp4", "-o", "toon.mp4")[0] == 0
    assert packets_of("toon.mp4") == packets_of(film)
    assert times_of("toon.mp4") == TIMES


def test_a_late_picture_stays_in_sync(cartoonify, tmp_path):
    times = [Fraction(3 + i, RATE) for i in range(12)]
    film = write_film(tmp_path / "clip.mp4", sound=("aac",), times=times)
    assert cartoonify("clip.mp4", "-o", "toon.mp4")[0] == 0
    assert times_of("toon.mp4") == times == times_of(film)
    assert packets_of("toon.mp4") == packets_of(film)


def test_a_rate_that_varies_is_kept(cartoonify, tmp_path, short_segments):
    times = [Fraction(t, 100) for t in (0, 4, 30, 31, 90, 100, 130, 131, 133, 200, 210, 300)]
    write_film(tmp_path / "clip.mp4", 12, times=times, sound=("aac",))
    for out in ("toon.mp4", "toon.webm"):
        assert cartoonify("clip.mp4", "-o", out)[0] == 0
        assert [round(float(t), 3) for t in times_of(out)] == [float(t) for t in times]


def test_a_part_with_its_sound(cartoonify, clip):
    assert cartoonify("clip.mp4", "-o", "toon.mp4", "--start", "0.4", "--end", "0:00:00.9")[0] == 0
    assert times_of("toon.mp4") == [Fraction(i, RATE) for i in range(5)]
    assert np.abs(np.subtract(clicks_of("toon.mp4"), (0.1,))).max() < 0.03
    source = dict(packets_of(clip))
    assert all(data in source for data, _ in packets_of("toon.mp4"))


def test_fewer_frames_per_second(cartoonify, clip):
    assert cartoonify("clip.mp4", "-o", "toon.mp4", "--fps", "5")[0] == 0
    assert times_of("toon.mp4") == TIMES[::2]


def test_size_and_quality(cartoonify, clip, tmp_path):
    assert cartoonify("clip.mp4", "-o", "a.mp4", "--size", "48")[0] == 0
    assert pictures_of("a.mp4")[0].shape == (36, 48, 3)
    assert cartoonify("clip.mp4", "-o", "b.mp4", "--quality", "10")[0] == 0
    assert cartoonify("clip.mp4", "-o", "c.mp4", "--quality", "95")[0] == 0
    assert (tmp_path / "b.mp4").stat().st_size < (tmp_path / "c.mp4").stat().st_size


def test_high_quality_is_a_precise_look_and_none_of_the_file(cartoonify, clip):
    assert cartoonify("clip.mp4", "-o", "high.mp4", "--quality", "high")[0] == 0
    assert cartoonify("clip.mp4", "-o", "precise.mp4", "--precise")[0] == 0
    assert np.array_equal(pictures_of("high.mp4"), pictures_of("precise.mp4"))
    code, _, err = cartoonify("clip.mp4", "-o", "toon.mp4", "--quality", "best")
    assert (code, "quality is 'best'; expected 1 to 100, or high" in err) == (2, True)


def test_an_odd_size_is_filled_up_where_it_has_to_be(cartoonify, tmp_path):
    pictures = [disc(i)[:95, :127] for i in range(3)]
    write_film(tmp_path / "clip.mkv", pictures, "ffv1", "bgr0")
    for out, size in (("a.mp4", (96, 128, 3)), ("a.webm", (95, 127, 3)), ("a.gif", (95, 127, 3))):
        assert cartoonify("clip.mkv", "-o", out)[0] == 0
        assert pictures_of(out)[0].shape == size


def test_subtitles(cartoonify, tmp_path):
    write_with_subtitles(tmp_path / "clip.mkv")
    for out, codec in (("toon.mp4", "mov_text"), ("toon.webm", "webvtt")):
        code, _, err = cartoonify("clip.mkv", "-o", out)
        assert (code, err) == (0, "")
        with av.open(out) as film:
            (stream,) = film.streams.subtitles
            assert stream.codec_context.name == codec
            assert stream.metadata["language"] == "eng"
        got = [(data, t) for data, t in packets_of(out, kind="subtitle") if b"there" in data]
        assert len(got) == 1
        assert got[0][1] == Fraction(1, 2)


def write_with_subtitles(path):
    plain = write_film(path.with_name("plain.mkv"))
    text = path.with_name("text.srt")
    text.write_text("1\n00:00:00,500 --> 00:00:01,000\nHello there\n\n")
    with av.open(str(plain)) as film, av.open(str(text)) as words, av.open(str(path), "w") as out:
        pairs = [(film, film.streams.video[0]), (words, words.streams.subtitles[0])]
        made = [out.add_stream_from_template(stream) for _, stream in pairs]
        made[1].metadata["language"] = "eng"
        for (source, stream), target in zip(pairs, made, strict=True):
            for packet in source.demux(stream):
                if packet.size:
                    packet.stream = target
                    out.mux(packet)


@pytest.mark.parametrize(
    ("policy", "kept"),
    [("copy-safe", {"title"}), ("keep", {"title", "location"}), ("strip", set())],
)
def test_metadata(cartoonify, tmp_path, policy, kept):
    tags = {"title": "Summer \x1b[31m‮", "location": "+48.85+002.35/", "comment": "x" * 9000}
    options = {"movflags": "use_metadata_tags"}
    write_film(tmp_path / "clip.mp4", 2, metadata=tags, options=options)
    assert cartoonify("clip.mp4", "-o", "toon.mp4", "--metadata", policy)[0] == 0
    with av.open("toon.mp4") as film:
        got = film.metadata
    assert {key for key in tags if key in got} == kept
    assert "\x1b" not in str(got)


def test_all_kinds(cartoonify, clip, tmp_path):
    code, out, err = cartoonify("clip.mp4", "-s", "all", "-b", "transparent", "--json")
    assert (code, err) == (0, "")
    kinds = ("cutout", "cartoon", "mask", "labels", "compare")
    files = [f"out/clip_{kind}.webm" for kind in kinds]
    assert json.loads(out)["files"] == files
    for path in files:
        assert len(pictures_of(path)) == 12
    assert pictures_of(files[2])[0][HEIGHT // 2, centre(0)].min() > 245
    assert pictures_of(files[4])[0].shape == (HEIGHT, 3 * WIDTH, 3)


def test_another_video_lies_behind_again_and_again(cartoonify, clip, tmp_path):
    blue = [np.full((32, 32, 3), (0, 0, 250), np.uint8)] * 2
    grey = [np.full((32, 32, 3), 90, np.uint8)] * 2
    write_film(tmp_path / "behind.mp4", [*blue, *grey])
    assert cartoonify("clip.mp4", "-o", "toon.mp4", "-b", "behind.mp4")[0] == 0
    got = [picture[4, 4].astype(int) for picture in pictures_of("toon.mp4")]
    for index, pixel in enumerate(got):
        expected = (0, 0, 250) if index % 4 < 2 else (90, 90, 90)
        assert np.abs(pixel - expected).max() < 12
    code, _, err = cartoonify("me.png", "clip.mp4", "-b", "behind.mp4", "-o", "both")
    assert code == 1
    Image.fromarray(disc(0)).save(tmp_path / "me.png")
    code, _, err = cartoonify("me.png", "-b", "behind.mp4", "-o", "both")
    assert code == 2
    assert "a video lies behind videos only" in err


def test_classic_is_frame_by_frame(cartoonify, tmp_path, tiny_model):
    import engine

    write_film(tmp_path / "clip.mkv", 3, "ffv1", "bgr0")
    code, _, err = cartoonify("clip.mkv", "-o", "toon_%d.png", "--style", "classic")
    assert (code, err) == (0, "")
    app = engine.load(tiny_model, cartoon=engine.CartoonOptions("classic"))
    for index in range(3):
        with Image.open(tmp_path / f"toon_{index + 1}.png") as image:
            np.testing.assert_array_equal(np.asarray(image), app(disc(index)).cartoon)


def test_folders_mix_photos_and_videos(cartoonify, tmp_path, clip):
    folder = tmp_path / "in"
    folder.mkdir()
    os.replace(clip, folder / "clip.mp4")
    Image.fromarray(disc(0)).save(folder / "me.png")
    (folder / "bad.mp4").write_bytes(b"no video" * 99)
    (folder / "notes.txt").write_text("hello")
    code, out, err = cartoonify("in")
    assert code == 1
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        ".cartoonify.jsonl", "clip_cartoon.mp4", "clip_cutout.mp4", "me_cartoon.png",
        "me_cutout.png",
    ]  # fmt: skip
    assert "error: in/bad.mp4: not a video, or damaged" in err
    assert "2 of 3 photos done, 1 of 3 photos failed" in err
    stamp = (tmp_path / "out" / "clip_cartoon.mp4").stat().st_mtime_ns
    code, out, err = cartoonify("in", "--resume")
    assert "2 of 3 photos were done before" in err
    assert (tmp_path / "out" / "clip_cartoon.mp4").stat().st_mtime_ns == stamp
    code, out, err = cartoonify("in", "--dry-run")
    assert "in/clip.mp4 -> out/clip_cutout.mp4, out/clip_cartoon.mp4" in out


def test_several_at_a_time(cartoonify, tmp_path):
    for index in range(3):
        write_film(tmp_path / f"clip{index}.mp4", 4)
    code, _, err = cartoonify(*(f"clip{i}.mp4" for i in range(3)), "-j", "3", "-s", "cartoon")
    assert code == 0
    assert "3 of 3 photos done" in err


def test_the_report_shows_videos(cartoonify, clip, tmp_path):
    assert cartoonify("clip.mp4", "--report")[0] == 0
    assert "clip.mp4" in (tmp_path / "out" / "report.html").read_text()


def test_existing_videos_are_kept(cartoonify, clip, tmp_path):
    (tmp_path / "toon.mp4").write_bytes(b"mine")
    code, _, err = cartoonify("clip.mp4", "-o", "toon.mp4")
    assert code == 3
    assert "exists already" in err
    assert (tmp_path / "toon.mp4").read_bytes() == b"mine"
    assert cartoonify("clip.mp4", "-o", "toon.mp4", "--overwrite")[0] == 0
    assert len(times_of("toon.mp4")) == 12


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("clip.mp4", "-o", "toon.png"), 2, "takes a picture, and clip.mp4 is a video"),
        (("me.png", "-o", "toon.mp4"), 2, "takes a video, and me.png is a photo"),
        (("https://a.example/clip.mp4", "-o", "toon.mp4"), 3, "is read from this machine only"),
        (("s3://bucket/clip.mp4",), 3, "is read from this machine only. Download it first"),
        (("-", "-o", "toon.mp4"), 2, "a video is read from a file only"),
        (("clip.mp4", "-o", "-"), 2, "takes a picture, and clip.mp4 is a video"),
        (("clip.mp4", "-o", "toon.mp4", "-b", "transparent"), 2, "mp4 holds no transparency"),
        (("clip.mp4", "-s", "svg"), 2, "a video has no svg"),
        (("clip.mp4", "--crop"), 2, "the crop would move"),
        (("clip.mp4", "--start", "soon"), 2, "start is 'soon'; expected seconds"),
        (("clip.mp4", "--start", "2", "--end", "1"), 2, "0 <= start < end"),
        (("clip.mp4", "--start", "60"), 3, "there is no frame to draw"),
        (("clip.mp4", "--fps", "0"), 2, "fps is 0.0"),
        (("clip.mp4", "--every", "0"), 2, "every is 0"),
        (("clip.mp4", "--max-megapixels", "0.001"), 3, "--max-megapixels raises it"),
        (("none.mp4",), 3, "none.mp4: no such file"),
        (("--camera", "63"), 3, "/dev/video63: no such"),
        (("clip.mp4", "-o", "toon.webm", "-f", "mp4"), 2, "contradict each other"),
        (("clip.mp4", "-o", "toon_%d.webp"), 2, "written as png, jpg only"),
        (("--camera", "0", "--resume"), 2, "leave out resume"),
        (("clip.mp4", "-o", "a/b%d_%d.png"), 2, "takes a picture"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(
    cartoonify, clip, tmp_path, arguments, code, message
):
    Image.fromarray(disc(0)).save(tmp_path / "me.png")
    got, _, err = cartoonify(*arguments)
    assert (got, len(err.splitlines())) == (code, 1)
    assert message in err
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty.mp4", "empty, expected a video"),
        ("text.mp4", "not a video, or damaged"),
        ("sound.mp4", "sound only, there are no pictures"),
        ("cut.mp4", "--end 1.50 takes what is there"),
        ("lost.mp4", "damaged, or of a kind that FFmpeg cannot decode"),
        ("none.mkv", "ends before its first picture"),
    ],
)
def test_a_broken_video_ends_in_one_line(cartoonify, tmp_path, name, message):
    noise = np.random.default_rng(0).integers(0, 256, (25, HEIGHT, WIDTH, 3), np.uint8)
    options = {"movflags": "faststart"}
    whole = write_film(tmp_path / "whole.mp4", list(noise), options=options).read_bytes()
    matroska = write_film(tmp_path / "whole.mkv", 2, "ffv1", "bgr0").read_bytes()
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_bytes(b"hello" * 99)
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    (tmp_path / "lost.mp4").write_bytes(write_film(tmp_path / "a.mp4").read_bytes()[:2000])
    (tmp_path / "none.mkv").write_bytes(matroska[: matroska.index(b"\x1f\x43\xb6\x75")])
    with av.open(str(tmp_path / "sound.mp4"), "w") as film:
        write_sound(film, film.add_stream("aac", rate=44_100), 1)
    code, out, err = cartoonify(name, "-o", "new/toon.mp4")
    assert (code, out, len(err.splitlines())) == (3, "", 1)
    assert message in err
    assert not (tmp_path / "new").exists()


def test_a_video_on_stdin_is_told_to_be_saved_first(cartoonify, clip, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(Path("clip.mp4").read_bytes()))
    monkeypatch.setattr("sys.stdin", stdin)
    code, _, err = cartoonify("-", "-o", "new")
    assert (code, len(err.splitlines())) == (3, 1)
    assert "stdin: a video is read from a file only. Save it first." in err


def test_the_network_may_look_at_every_other_frame(cartoonify, clip):
    assert cartoonify("clip.mp4", "-o", "toon.mp4", "--every", "2")[0] == 0
    assert times_of("toon.mp4") == TIMES


def test_without_its_package_a_video_is_told_how_to_get_it(cartoonify, clip, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("engine.video.")]:
        if name.rpartition(".")[2] not in ("names", "forms", "options", "frame"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr("engine.batch.listing.can_read_videos", lambda: False)
    code, _, err = cartoonify("clip.mp4", "-o", "toon.mp4")
    assert code == 3
    assert "clip.mp4: videos need one more package: pip install" in err
    assert "[video]" in err


@pytest.fixture
def camera(clip, tmp_path, monkeypatch):
    """A file stands in for the device."""
    from engine.video import names, read

    monkeypatch.setattr(names, "_CAMERA", str(tmp_path / "cam"))
    monkeypatch.setattr(read, "_CAMERA_FORMAT", "mov")
    os.replace(clip, tmp_path / "cam0")


def test_a_camera_is_recorded_until_the_end(cartoonify, camera):
    assert cartoonify("--camera", "0", "-o", "toon.mp4", "--end", "0.5")[0] == 0
    assert times_of("toon.mp4") == TIMES[:5]


def test_ctrl_c_ends_what_a_camera_sees_and_keeps_it(cartoonify, camera, tmp_path, monkeypatch):
    from engine.video import make

    picture, drawn = make._picture, []

    def press(*arguments):
        drawn.append(1)
        if len(drawn) == 4:
            signal.raise_signal(signal.SIGINT)
        return picture(*arguments)

    monkeypatch.setattr(make, "_picture", press)
    assert cartoonify("--camera", "0", "-o", "toon.mp4")[0] == 0
    assert times_of("toon.mp4") == TIMES[:4]
    assert left_over(tmp_path) == []


RUN = """
import sys, time
from engine.cli.app import cli
from engine.video import make, parts
parts.LENGTH = 5
draw = make._picture
def slowly(*arguments):
    time.sleep({pause})
    return draw(*arguments)
make._picture = slowly
cli(sys.argv[1:])
"""


@pytest.fixture
def started(tmp_path, tiny_model):
    """Starts a run in a process of its own, that waits before each frame; it ends with the test."""
    runs = []

    def start(*arguments, pause):
        code = RUN.replace("{pause}", str(pause))
        command = [sys.executable, "-c", code, *arguments, "--model", str(tiny_model)]
        runs.append(subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True))
        return runs[-1]

    yield start
    for run in runs:
        run.kill()
        run.wait()
        run.stderr.close()


def wait_for_segments(folder, count):
    for _ in range(1200):
        journal = folder / "journal"
        if journal.exists() and len(journal.read_text().splitlines()) > count:
            return
        time.sleep(0.05)
    raise AssertionError("no segment was written")


@pytest.mark.slow
def test_a_run_that_was_killed_is_resumed_to_the_same_video(
    cartoonify, started, tmp_path, short_segments
):
    pictures = [disc(i) if i < 7 else 255 - disc(i)[..., [1, 0, 2]] for i in range(23)]
    write_film(tmp_path / "clip.mp4", pictures, sound=("aac",))
    run = started("clip.mp4", "-o", "toon.mp4", pause=0.1)
    wait_for_segments(tmp_path / ".toon.mp4.parts", 2)
    run.kill()
    run.wait()
    assert not (tmp_path / "toon.mp4").exists()
    *_, last = (tmp_path / ".toon.mp4.parts" / "journal").read_text().splitlines()
    assert json.loads(last)["shot"] == 7
    assert cartoonify("clip.mp4", "-o", "toon.mp4", "--resume")[0] == 0
    assert left_over(tmp_path) == []
    assert cartoonify("clip.mp4", "-o", "whole.mp4")[0] == 0
    for got, expected in zip(pictures_of("toon.mp4"), pictures_of("whole.mp4"), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert (tmp_path / "toon.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.slow
def test_an_end_in_between_leaves_only_whole_segments(
    cartoonify, started, tmp_path, short_segments
):
    write_film(tmp_path / "clip.mp4", 17)
    run = started("clip.mp4", "-o", "toon.mp4", pause=0.1)
    wait_for_segments(tmp_path / ".toon.mp4.parts", 1)
    run.terminate()
    _, err = run.communicate()
    assert run.returncode == 143
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "toon.mp4").exists()
    kept = {path.name for path in (tmp_path / ".toon.mp4.parts").iterdir()}
    lines = (tmp_path / ".toon.mp4.parts" / "journal").read_text().splitlines()
    assert kept == {"journal", "lock"} | {f"{i:06d}.cartoon" for i in range(len(lines) - 1)}
    assert cartoonify("clip.mp4", "-o", "toon.mp4")[0] == 0  # without --resume it begins anew
    assert len(times_of(tmp_path / "toon.mp4")) == 17
    assert left_over(tmp_path) == []


@pytest.mark.slow
def test_ctrl_c_in_the_first_segment_leaves_nothing(started, tmp_path):
    write_film(tmp_path / "clip.mp4", 17)
    run = started("clip.mp4", "-o", "toon.mp4", pause=1)
    wait_for_segments(tmp_path / ".toon.mp4.parts", 0)
    run.send_signal(signal.SIGINT)
    run.communicate()
    assert run.returncode == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4"]


def test_a_full_disk_is_told_and_resumed(cartoonify, clip, tmp_path, monkeypatch, short_segments):
    from engine.video import encode

    add, left = encode.Encoder.add, [7]

    def run_out(self, picture, seconds):
        left[0] -= 1
        if left[0] < 0:
            with encode.failure_to_error("x"):
                raise OSError(28, "No space left on device")
        add(self, picture, seconds)

    monkeypatch.setattr(encode.Encoder, "add", run_out)
    code, _, err = cartoonify("clip.mp4", "-o", "toon.mp4")
    assert code == 3
    assert "No space left on device" in err
    assert "continue with --resume" in err
    assert not (tmp_path / "toon.mp4").exists()
    assert (tmp_path / ".toon.mp4.parts" / "000000.cartoon").exists()
    monkeypatch.setattr(encode.Encoder, "add", add)
    assert cartoonify("clip.mp4", "-o", "toon.mp4", "--resume")[0] == 0
    assert times_of("toon.mp4") == TIMES
    assert left_over(tmp_path) == []


def test_a_disk_that_is_full_when_the_video_is_joined(
    cartoonify, clip, tmp_path, monkeypatch, short_segments
):
    from engine.video import join as joining

    def run_out(path, *arguments):
        raise OSError(28, "No space left on device")

    whole = joining._pictures
    monkeypatch.setattr(joining, "_pictures", run_out)
    code, _, err = cartoonify("clip.mp4", "-o", "toon.mp4")
    assert code == 3
    assert "No space left on device" in err
    kept = sorted(path.name for path in (tmp_path / ".toon.mp4.parts").iterdir())
    assert kept == ["000000.cartoon", "000001.cartoon", "000002.cartoon", "journal", "lock"]
    monkeypatch.setattr(joining, "_pictures", whole)
    assert cartoonify("clip.mp4", "-o", "toon.mp4", "--resume")[0] == 0
    assert times_of("toon.mp4") == TIMES


@pytest.mark.parametrize(
    "journal",
    [b"", b"[" * 9000, b'{"key": 1}\n{"ticks": [1, 0], "duration": 0, "share": 0}', b"\xff\xfe"],
)
def test_a_hostile_journal_is_left_out(cartoonify, clip, tmp_path, journal):
    folder = tmp_path / ".toon.mp4.parts"
    folder.mkdir()
    (folder / "journal").write_bytes(journal)
    (folder / "000000.cartoon").write_bytes(b"no video")
    (folder / "letter.txt").write_text("not ours")
    assert cartoonify("clip.mp4", "-o", "toon.mp4", "--resume")[0] == 0
    assert times_of("toon.mp4") == TIMES
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def test_a_link_in_the_place_of_the_parts_is_not_followed(cartoonify, clip, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "000000.cartoon").write_text("mine")
    (tmp_path / ".toon.mp4.parts").symlink_to(elsewhere)
    code, _, err = cartoonify("clip.mp4", "-o", "toon.mp4")
    assert code == 3
    assert "it is a link" in err
    assert (elsewhere / "000000.cartoon").read_text() == "mine"


def test_two_runs_do_not_write_one_video(cartoonify, clip, tmp_path):
    with parts.Parts(tmp_path / ".toon.mp4.parts", "key", False):
        code, _, err = cartoonify("clip.mp4", "-o", "toon.mp4")
    assert code == 3
    assert "another run is writing there" in err


def test_other_settings_begin_anew(cartoonify, clip, tmp_path, monkeypatch, short_segments):
    from engine.video import make

    join, drawn = make._join, []
    monkeypatch.setattr(make, "_join", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
    cartoonify("clip.mp4", "-o", "toon.mp4")
    assert (tmp_path / ".toon.mp4.parts" / "000002.cartoon").exists()
    monkeypatch.setattr(make, "_join", join)
    picture = make._picture
    monkeypatch.setattr(make, "_picture", lambda *a: drawn.append(1) or picture(*a))
    assert cartoonify("clip.mp4", "-o", "toon.mp4", "--resume", "--lines", "0")[0] == 0
    assert len(drawn) == 12


@pytest.mark.slow
def test_ctrl_c_ends_all_videos_that_are_under_way(started, tmp_path):
    for index in range(2):
        write_film(tmp_path / f"clip{index}.mp4", 60)
    run = started("clip0.mp4", "clip1.mp4", "-j", "2", "-s", "cartoon", pause=0.2)
    wait_for_segments(tmp_path / "out" / ".clip0.parts", 1)
    run.send_signal(signal.SIGINT)
    run.communicate()
    assert run.returncode == 130
    assert {path.name for path in (tmp_path / "out").iterdir()} <= {".clip0.parts", ".clip1.parts"}
