"""What lies in a folder, and waiting until something does."""

import time

from engine.batch.journal import NAME as JOURNAL


def tree(folder):
    """The paths of all files below a folder, relative to it, sorted."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def pictures(folder):
    """Relative path to content, of all files below a folder that are no journal."""
    names = [name for name in tree(folder) if not name.endswith(JOURNAL)]
    return {name: (folder / name).read_bytes() for name in names}


def wait_for(condition, seconds=180):
    """Returns when the condition holds; fails the test when it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
