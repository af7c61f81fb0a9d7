"""Videos in: what becomes of each kind of file."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from engine.errors import PhotoError
from tests.video.films import HEIGHT, RATE, WIDTH, av, disc, to_frame, write_film, write_sound

from engine.video import read  # isort: skip, it needs PyAV
from engine.video.read import open_clip  # isort: skip

FLAT = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
CORNER = FLAT.copy()
CORNER[:20, :40] = 255


def flat(*colour):
    return FLAT + np.array(colour, np.uint8)


def frames_of(path, **options):
    return list(open_clip(path).frames(**options))


def middle(path):
    return frames_of(path)[0].pixels[HEIGHT // 2, WIDTH // 2].astype(int)


def test_frames_have_the_pictures_and_the_times_of_the_file(tmp_path):
    got = frames_of(write_film(tmp_path / "a.mp4"))
    assert [frame.pts for frame in got] == [Fraction(i, RATE) for i in range(12)]
    assert all(frame.duration == Fraction(1, RATE) for frame in got)
    for index, frame in enumerate(got):
        assert frame.pixels.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(frame.pixels.astype(int) - disc(index)).mean() < 6


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi", "ts"])
def test_containers(tmp_path, suffix):
    got = frames_of(write_film(tmp_path / f"a.{suffix}", sound=("aac",)))
    assert len(got) == 12
    assert [round(float(f.pts - got[0].pts), 3) for f in got] == [i / 10 for i in range(12)]


def test_webm(tmp_path):
    path = write_film(tmp_path / "a.webm", 5, "libvpx-vp9", sound=("libopus",))
    assert len(frames_of(path)) == 5


@pytest.mark.parametrize(
    ("degrees", "flip", "turn"),
    [
        (90, False, lambda p: np.rot90(p)),
        (-90, False, lambda p: np.rot90(p, -1)),
        (180, False, lambda p: np.rot90(p, 2)),
        (0, True, lambda p: p[:, ::-1]),
    ],
)
def test_a_turned_video_is_turned_upright(tmp_path, degrees, flip, turn):
    def setup(stream):
        if not hasattr(type(stream), "set_display_rotation"):
            pytest.skip("this PyAV cannot write turned videos")
        stream.set_display_rotation(degrees, hflip=flip)

    path = write_film(tmp_path / "a.mp4", [CORNER] * 2, stream_setup=setup)
    clip = open_clip(path)
    expected = turn(CORNER)
    got = next(clip.frames()).pixels
    assert (clip.height, clip.width) == expected.shape[:2] == got.shape[:2]
    assert np.abs(got.astype(int) - expected).mean() < 8


@pytest.mark.parametrize(
    ("aspect", "size"), [("2/1", (HEIGHT, 2 * WIDTH)), ("1/2", (2 * HEIGHT, WIDTH))]
)
def test_pixels_that_are_not_square_become_so(tmp_path, aspect, size):
    def setup(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(aspect)

    clip = open_clip(write_film(tmp_path / "a.mp4", 2, stream_setup=setup))
    assert (clip.height, clip.width) == size == next(clip.frames()).pixels.shape[:2]


def test_a_rate_that_varies_is_kept(tmp_path):
    times = [Fraction(t, 100) for t in (0, 4, 30, 31, 90, 200)]
    got = frames_of(write_film(tmp_path / "a.mp4", 6, times=times))
    assert [frame.pts for frame in got] == times


def test_a_film_that_begins_late_begins_at_0(tmp_path):
    path = write_film(tmp_path / "a.ts", times=[7 + Fraction(i, RATE) for i in range(12)])
    assert [round(float(f.pts), 3) for f in frames_of(path)] == [i / 10 for i in range(12)]


@pytest.mark.parametrize("matrix", [1, 6])
@pytest.mark.parametrize("range_", [1, 2])
@pytest.mark.parametrize("colour", [(200, 30, 40), (20, 160, 30), (255, 255, 255), (0, 0, 0)])
def test_range_and_matrix_are_honoured(tmp_path, matrix, range_, colour):
    def setup(stream):
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, range_

    frame = to_frame(flat(*colour)).reformat(
        format="yuv444p", dst_colorspace=matrix, src_color_range=2, dst_color_range=range_
    )
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv444p"
        setup(stream)
        film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    assert np.abs(middle(path) - colour).max() <= 2


def test_small_video_without_a_matrix_is_bt601(tmp_path):
    frame = to_frame(flat(200, 30, 40)).reformat(
        format="yuv444p", dst_colorspace=5, src_color_range=2, dst_color_range=1
    )
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv444p"
        plain = av.VideoFrame.from_ndarray(frame.to_ndarray(), "yuv444p")
        film.mux(stream.encode(plain))
        film.mux(stream.encode(None))
    assert np.abs(middle(path) - (200, 30, 40)).max() <= 2


def write_hdr(path, transfer, signal):
    """Grey of a signal, 0..1, for each column."""
    grey = np.rint(65_535 * signal).astype(np.uint16)
    picture = np.ascontiguousarray(np.broadcast_to(grey[None, :, None], (HEIGHT, WIDTH, 3)))
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv444p10le"
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc = 9, 9, transfer
        context.color_range = 1
        frame = av.VideoFrame.from_ndarray(picture, "rgb48le").reformat(
            format="yuv444p10le", dst_colorspace=9, src_color_range=2, dst_color_range=1
        )
        frame.color_primaries, frame.color_trc = 9, transfer
        film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("transfer", "white", "grey"), [(16, 0.58, 0.38), (18, 0.75, 0.38)])
def test_high_dynamic_range_is_rolled_off(tmp_path, transfer, white, grey):
    signal = np.linspace(0, 1, WIDTH)
    got = frames_of(write_hdr(tmp_path / "a.mkv", transfer, signal))[0].pixels[0].astype(int)
    assert np.ptp(got, axis=1).max() <= 2  # grey stays grey
    assert (np.diff(got[:, 0]) >= 0).all()
    assert got[0, 0] == 0
    assert 215 < got[round(white * (WIDTH - 1)), 0] < 240  # reference white leaves room above
    assert got[-1, 0] > got[round(white * (WIDTH - 1)), 0] + 10
    assert 70 < got[round(grey * (WIDTH - 1)), 0] < 140


@pytest.mark.parametrize("size", [(63, 95), (1, 1), (2, 161)])
def test_odd_sizes(tmp_path, size):
    path = write_film(tmp_path / "a.mkv", [np.full((*size, 3), 90, np.uint8)] * 2, "ffv1", "bgr0")
    assert [frame.pixels.shape for frame in frames_of(path)] == [(*size, 3)] * 2


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("a.webm", "libvpx-vp9", "yuva420p"), ("a.mov", "png", "rgba"), ("a.mkv", "ffv1", "bgra")],
)
def test_what_is_transparent_is_laid_on_white(tmp_path, name, codec, pixels):
    picture = np.dstack([flat(200, 30, 40), np.zeros((HEIGHT, WIDTH), np.uint8)])
    picture[20:44, 30:60, 3] = 255

    def setup(stream):
        if codec == "libvpx-vp9":
            stream.options["auto-alt-ref"] = "0"

    path = write_film(tmp_path / name, [picture] * 2, codec, pixels, stream_setup=setup)
    got = frames_of(path)[0].pixels
    assert np.abs(got[4, 4].astype(int) - 255).max() <= 3
    assert np.abs(got[32, 45].astype(int) - (200, 30, 40)).max() <= 12


def test_a_gif_keeps_its_delays(tmp_path):
    first, *rest = [Image.fromarray(disc(i)) for i in range(4)]
    path = tmp_path / "a.gif"
    first.save(path, save_all=True, append_images=rest, duration=[100, 300, 50, 200], loop=0)
    got = frames_of(path)
    assert [frame.pts for frame in got] == [Fraction(t, 100) for t in (0, 10, 40, 45)]
    assert np.abs(got[2].pixels.astype(int) - disc(2)).mean() < 6


def test_an_animated_webp_keeps_its_delays(tmp_path):
    first, *rest = [Image.fromarray(disc(i)) for i in range(4)]
    path = tmp_path / "a.webp"
    first.save(path, save_all=True, append_images=rest, duration=[100, 300, 50, 200], loop=0)
    got = frames_of(path)
    assert [frame.pts for frame in got] == [Fraction(t, 100) for t in (0, 10, 40, 45)]
    assert [frame.duration for frame in got] == [Fraction(t, 100) for t in (10, 30, 5, 20)]
    assert np.abs(got[2].pixels.astype(int) - disc(2)).mean() < 6


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_numbered_pictures_are_a_video(tmp_path, suffix):
    for index in range(5):
        Image.fromarray(disc(index)).save(tmp_path / f"frame_{index + 7:04d}.{suffix}")
    clip = open_clip(tmp_path / f"frame_%04d.{suffix}", rate=8)
    got = list(clip.frames())
    assert [frame.pts for frame in got] == [Fraction(i, 8) for i in range(5)]
    assert np.abs(got[4].pixels.astype(int) - disc(4)).mean() < 6


def test_one_frame_is_a_video(tmp_path):
    assert len(frames_of(write_film(tmp_path / "a.mp4", 1))) == 1


def test_a_part_of_a_video(tmp_path):
    path = write_film(tmp_path / "a.mp4", 20)
    got = frames_of(path, start=Fraction(1, 2), end=Fraction(3, 2))
    assert [frame.pts for frame in got] == [Fraction(i, RATE) for i in range(10)]
    assert np.abs(got[0].pixels.astype(int) - disc(5)).mean() < 6
    skipped = frames_of(path, start=Fraction(1, 2), end=Fraction(3, 2), skip=4)
    assert [frame.pts for frame in skipped] == [frame.pts for frame in got[4:]]
    np.testing.assert_array_equal(skipped[0].pixels, got[4].pixels)


def test_fewer_frames_per_second(tmp_path):
    path = write_film(tmp_path / "a.mp4", 20)
    assert [f.pts for f in frames_of(path, rate=5)] == [Fraction(i, 5) for i in range(10)]
    assert len(frames_of(path, rate=100)) == 20
    assert open_clip(path).survey(rate=5) == 10


def test_frames_are_counted_without_decoding(tmp_path):
    clip = open_clip(write_film(tmp_path / "a.mp4", 20, sound=("aac",)))
    assert clip.survey() == 20
    assert clip.survey(Fraction(1, 2), Fraction(1)) == 5


def test_a_cover_is_no_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as film:
        cover = film.add_stream("png", rate=1)
        cover.height, cover.width, cover.pix_fmt = HEIGHT, WIDTH, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic.value
        track = film.add_stream("aac", rate=44_100)
        for packet in (*cover.encode(to_frame(disc(0))), *cover.encode(None)):
            film.mux(packet)
        write_sound(film, track, 1)
    with pytest.raises(PhotoError, match="sound only"):
        open_clip(path)


def test_sound_alone_is_refused(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as film:
        write_sound(film, film.add_stream("aac", rate=44_100), 1)
    with pytest.raises(PhotoError, match="sound only"):
        open_clip(path)


def test_a_video_without_frames_is_refused(tmp_path):
    whole = write_film(tmp_path / "a.mkv", 12, "ffv1", "bgr0").read_bytes()
    cluster = whole.index(b"\x1f\x43\xb6\x75")
    path = tmp_path / "b.mkv"
    path.write_bytes(whole[:cluster])
    with pytest.raises(PhotoError, match="ends before its first picture"):
        open_clip(path)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.mp4", b"", "empty, expected a video"),
        ("a.mp4", b"hello" * 100, "not a video, or damaged"),
        ("a.mkv", bytes(5000), "not a video, or damaged"),
        ("list.mp4", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "not a video, or damaged"),
        ("list.mp4", b"ffconcat version 1.0\nfile '/etc/passwd'\n", "not a video, or damaged"),
        ("list.mp4", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 9 RTP/AVP 96\n", "not a video"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(PhotoError, match=message):
        open_clip(tmp_path / name)


def test_nothing_and_folders_are_refused(tmp_path):
    with pytest.raises(PhotoError, match="no such file"):
        open_clip(tmp_path / "none.mp4")
    with pytest.raises(PhotoError, match="is a folder"):
        open_clip(tmp_path)
    with pytest.raises(PhotoError, match="no pictures of these names"):
        open_clip(tmp_path / "none_%03d.png")
    with pytest.raises(PhotoError, match="cannot be read"):
        open_clip("a\0.mp4")


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_truncated_video_is_told(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (25, HEIGHT, WIDTH, 3), np.uint8)
    options = {"movflags": "faststart"} if suffix == "mp4" else {}
    whole = write_film(tmp_path / f"a.{suffix}", list(noise), options=options).read_bytes()
    path = tmp_path / f"b.{suffix}"
    path.write_bytes(whole[: len(whole) * 6 // 10])
    clip = open_clip(path)
    with pytest.raises(
        PhotoError, match=r"truncated, it ends after 1\.\d+ s of 2\.50 s"
    ) as failure:
        clip.survey()
    assert failure.value.option == "end"
    assert clip.survey(end=Fraction(1)) == 10


def test_an_mp4_that_lost_its_end_is_told(tmp_path):
    whole = write_film(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PhotoError, match="not a video, or damaged"):
        open_clip(tmp_path / "b.mp4")


def test_damage_in_the_middle_leaves_frames_out(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (25, HEIGHT, WIDTH, 3), np.uint8)
    data = bytearray(write_film(tmp_path / "a.ts", list(noise)).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 5000] = bytes(5000)
    (tmp_path / "b.ts").write_bytes(data)
    assert 10 < len(frames_of(tmp_path / "b.ts")) <= 25


def test_a_video_above_the_limit_is_refused(tmp_path):
    path = write_film(tmp_path / "a.mp4")
    with pytest.raises(PhotoError, match=r"the limit is 0\.005") as failure:
        open_clip(path, max_megapixels=0.005)
    assert failure.value.option == "max_megapixels"


def test_a_frame_that_grows_is_reduced_to_the_first(tmp_path):
    path = tmp_path / "a.ts"
    small = write_film(tmp_path / "small.ts", 5).read_bytes()
    late = [Fraction(5 + i, RATE) for i in range(5)]
    large = [np.repeat(np.repeat(disc(i), 2, 0), 2, 1) for i in range(5)]
    path.write_bytes(small + write_film(tmp_path / "large.ts", large, times=late).read_bytes())
    got = frames_of(path)
    assert len(got) > 5
    assert {frame.pixels.shape for frame in got} == {(HEIGHT, WIDTH, 3)}


def test_hours_beyond_the_limit_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(read, "MOST_HOURS", 1 / 3600)
    clip = open_clip(write_film(tmp_path / "a.mp4", 25))
    with pytest.raises(PhotoError, match="longer than"):
        clip.survey()
    assert clip.survey(end=Fraction(1)) == 10


def test_one_frame_is_in_memory_at_a_time(tmp_path):
    import tracemalloc

    size = (360, 640)
    path = write_film(tmp_path / "a.mp4", [disc(i, *size) for i in range(25)])
    frames = open_clip(path).frames()
    next(frames)
    tracemalloc.start()
    for _ in frames:
        pass
    assert tracemalloc.get_traced_memory()[1] < 4 * 3 * size[0] * size[1]
    tracemalloc.stop()
