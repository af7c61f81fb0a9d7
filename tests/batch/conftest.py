"""A journal as a run would leave it."""

import pytest

from engine.batch.journal import Journal, open_journal
from engine.record import PhotoRecord


@pytest.fixture
def write_journal():
    """Notes that a photo of a folder was done, with these files below the folder."""

    def write(folder, name, files, **facts):
        record = PhotoRecord(
            photo=f"{name}.jpg", name=name, state="done", files=tuple(files),
            digests=("",) * len(files), **facts,
        )  # fmt: skip
        with open_journal(str(folder), alone=True) as journal:
            assert isinstance(journal, Journal)
            journal.append(record)

    return write
