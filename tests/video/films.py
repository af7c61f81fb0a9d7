"""Small videos that the tests write, and what is in the videos that come out."""

from fractions import Fraction

import numpy as np
import pytest

av = pytest.importorskip("av")

HEIGHT, WIDTH, RATE = 96, 128, 10
SOUND_RATE = 44_100


def disc(index, height=HEIGHT, width=WIDTH):
    """A red disc on green, which the tiny model takes for a person; it moves to the right."""
    picture = np.full((height, width, 3), (10, 120, 10), np.uint8)
    y, x = np.ogrid[:height, :width]
    picture[(y - height / 2) ** 2 + (x - centre(index)) ** 2 < 26**2] = (250, 20, 20)
    return picture


def centre(index):
    """Of the disc, in pixels from the left."""
    return 51 + 2 * index


def write_film(
    path,
    pictures=12,
    codec="libx264",
    pixels="yuv420p",
    *,
    rate=RATE,
    times=None,
    tick=Fraction(1, 12_800),
    sound=(),
    sound_seconds=None,
    stream_setup=lambda stream: None,
    frame_setup=lambda frame: None,
    metadata=None,
    options=None,
    form=None,
):
    """Writes pictures, as many or these, at `times` in seconds; `sound` are codecs of tracks."""
    pictures = [disc(i) for i in range(pictures)] if isinstance(pictures, int) else pictures
    times = times or [Fraction(i, rate) for i in range(len(pictures))]
    with av.open(str(path), "w", format=form, options=options or {}) as film:
        film.metadata.update(metadata or {})
        video = film.add_stream(codec, rate=rate)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = pixels
        video.codec_context.time_base = tick
        stream_setup(video)
        tracks = [film.add_stream(name, rate=rate_of(name)) for name in sound]
        for number, track in enumerate(tracks):
            track.metadata["language"] = ("eng", "deu", "fra")[number]
        for picture, time in zip(pictures, times, strict=True):
            frame = to_frame(picture).reformat(format=pixels)
            frame.pts, frame.time_base = round(time / tick), tick
            frame_setup(frame)
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        for track in tracks:
            write_sound(film, track, sound_seconds or float(times[-1]) + 1 / rate)
    return path


def to_frame(picture):
    return av.VideoFrame.from_ndarray(picture, "rgba" if picture.shape[2] == 4 else "rgb24")


def rate_of(codec):
    return 48_000 if "opus" in codec else SOUND_RATE


def write_sound(film, track, seconds):
    """Silence with a click at each half second."""
    rate = track.codec_context.sample_rate
    samples = np.zeros((2, int(seconds * rate)), np.float32)
    for begin in range(0, samples.shape[1], rate // 2):
        samples[:, begin : begin + 200] = 0.9
    format = track.codec_context.format.name
    for begin in range(0, samples.shape[1], 1024):
        piece = np.ascontiguousarray(samples[:, begin : begin + 1024])
        frame = av.AudioFrame.from_ndarray(piece, "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, begin, Fraction(1, rate)
        resampled = av.AudioResampler(format, "stereo", rate).resample(frame)
        for part in resampled:
            film.mux(track.encode(part))
    film.mux(track.encode(None))


def pictures_of(path, has_alpha=False):
    """Decoded by FFmpeg: all pictures, RGB or RGBA."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        decoder = stream.codec_context
        if has_alpha and decoder.name == "vp9":
            decoder = av.CodecContext.create("libvpx-vp9", "r")
            decoder.extradata = stream.codec_context.extradata
        frames = [frame for packet in film.demux(stream) for frame in decoder.decode(packet)]
        return [frame.to_ndarray(format="rgba" if has_alpha else "rgb24") for frame in frames]


def times_of(path):
    """Of all pictures, in seconds."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        return [frame.pts * stream.time_base for frame in film.decode(stream)]


def packets_of(path, track=0, kind="audio"):
    """Bytes and seconds of each packet of a track."""
    with av.open(str(path)) as film:
        stream = [s for s in film.streams if s.type == kind][track]
        return [(bytes(p), p.pts * p.time_base) for p in film.demux(stream) if p.size]


def clicks_of(path, track=0):
    """When the sound's clicks begin, in seconds."""
    with av.open(str(path)) as film:
        stream = film.streams.audio[track]
        found, last = [], -1.0
        for frame in film.decode(stream):
            loud = np.abs(frame.to_ndarray().astype(np.float32))
            loud = loud if loud.max() <= 2 else loud / 32_768
            rate, begin = frame.sample_rate, float(frame.pts * frame.time_base)
            loud = loud.reshape(1, -1) if loud.shape[0] > 2 else loud
            for index in np.flatnonzero(loud.max(axis=0) > 0.45):
                second = begin + index / rate
                if second - last > 0.1:
                    found.append(second)
                    last = second
        return found
