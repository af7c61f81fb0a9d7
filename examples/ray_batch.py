"""Cartoons in a Ray Data pipeline of your own: `python examples/ray_batch.py PHOTOS TOONS`.

PHOTOS is a folder or a URL, and TOONS becomes a Parquet data set with a row for each photo: its
path, the cartoon as the bytes of a PNG, its colours, the share that is people, and what was wrong.
Needs the extra `ray`. To get files instead, with a journal, run `cartoonify PHOTOS -o TOONS --ray`.
"""

import sys

import ray

import engine


class Cartoonify:
    """A worker on one processor, which loads the model once."""

    def __init__(self):
        self.app = engine.load(threads=1, provider="cpu")

    def __call__(self, row):
        toon = {"path": row["path"], "cartoon": b"", "palette": [], "share": 0.0, "problem": ""}
        try:
            result = self.app(row["bytes"])
        except engine.PhotoError as error:  # one broken photo does not stop the others
            return toon | {"problem": str(error)}
        return toon | {
            "cartoon": result.encode("cartoon"),
            "palette": result.palette.by_share,
            "share": result.share,
        }


def build(photos):
    """The data set, which is computed when it is read or written."""
    workers = max(1, int(ray.cluster_resources()["CPU"]) - 1)  # the last one reads and writes
    pool = ray.data.ActorPoolStrategy(min_size=1, max_size=workers)
    rows = ray.data.read_binary_files(photos, include_paths=True)
    return rows.map(Cartoonify, num_cpus=1, compute=pool)


if __name__ == "__main__":
    ray.init()
    build(sys.argv[1]).write_parquet(sys.argv[2])
