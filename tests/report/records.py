"""Records as a run makes them, and as nobody should."""

from engine.display import data_uri
from engine.record import PhotoRecord
from tests.samples import RGB

THUMBNAIL = data_uri(RGB, 160)
CLASSIC_LEVELS = {"hue": 180, "saturation": 256, "value": 256}
LEVELS = {"lightness": 256, "chroma": 256, "hue": 180}


def record(photo="a.jpg", **fields):
    """A photo that was done in the comic style, with all that a report shows."""
    name = photo.rpartition(".")[0]
    done = {
        "state": "done", "width": 9, "height": 6, "share": 0.5, "metrics": {"ssim": 0.5},
        "style": "comic", "colours": ("#102030", "#ffffff"),
        "centroids": dict.fromkeys(LEVELS, (20, 80, 150)),
        "timings_ms": {"read": 1.0}, "files": (f"{name}_cutout.png", f"{name}_cartoon.png"),
        "thumbnails": dict.fromkeys(("photo", "cutout", "cartoon"), THUMBNAIL),
        "histograms": {channel: (1,) * levels for channel, levels in LEVELS.items()},
    }  # fmt: skip
    return PhotoRecord(photo=photo, **{**done, **fields})


def classic(photo="a.jpg", **fields):
    """The same of a photo that was drawn as published."""
    levels = {
        "centroids": dict.fromkeys(CLASSIC_LEVELS, (20, 80, 150)),
        "histograms": {channel: (1,) * levels for channel, levels in CLASSIC_LEVELS.items()},
    }
    return record(photo, style="classic", **{**levels, **fields})


def empty(photo="empty.jpg", **fields):
    """A photo in which nobody was found: its cartoon equals its cut-out."""
    return record(photo, share=0.0, metrics={"ssim": 1.0}, warnings=("no person found",), **fields)


def failed(photo="broken.jpg", error="broken"):
    """A photo that could not be read."""
    return PhotoRecord(photo=photo, state="failed", error=error, exit_code=3)
