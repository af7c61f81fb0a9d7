"""The number of threads follows the affinity mask and the cgroup's quota."""

import math
import os

import numpy as np
import pytest

from engine import threads
from engine.errors import OptionError
from engine.threads import cgroup_cpus, usable_threads


def system(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, math.inf),
        ({"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        ({"sys/fs/cgroup/cpu.max": "max 100000\n"}, math.inf),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "200000 100000",
                "sys/fs/cgroup/a/b/cpu.max": "max 100000",
            },
            2,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/box\n1:name=systemd:/x\n",
                "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "50000",
                "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000",
            },
            0.5,
        ),
        (
            {
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            math.inf,
        ),
        ({"sys/fs/cgroup/cpu.max": "garbage"}, math.inf),
    ],
)
def test_the_quota_is_the_smallest_on_the_way_up(tmp_path, files, expected):
    assert cgroup_cpus(system(tmp_path, files)) == expected


@pytest.mark.parametrize(
    ("affinity", "quota", "asked", "expected"),
    [
        (8, math.inf, None, 8),
        (8, 2.5, None, 3),
        (8, 0.1, None, 1),
        (2, 16, None, 2),
        (8, math.inf, 3, 3),
        (2, math.inf, 64, 2),
    ],
)
def test_never_more_than_the_process_may_use(monkeypatch, affinity, quota, asked, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(affinity)), raising=False)
    monkeypatch.setattr(threads, "cgroup_cpus", lambda _: quota)
    assert usable_threads(asked) == expected


@pytest.mark.parametrize("asked", [0, -1, "2", 2.5, 2.0, True, [2], float("nan"), b"2"])
def test_what_is_no_number_of_threads_is_refused(asked):
    with pytest.raises(OptionError, match=r"threads is .*at least 1"):
        usable_threads(asked)


def test_a_number_of_numpys_is_a_number():
    assert usable_threads(np.int64(1)) == 1
