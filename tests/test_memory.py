"""How much memory this process may take."""

import pytest

from engine.memory import free_memory

GIGABYTE = 1 << 30


def system(root, **files):
    """Files of the system below `root`: name with "__" for "/", and content."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_without_limits_it_is_what_is_available(tmp_path):
    root = system(tmp_path, proc__meminfo="MemTotal: 9000000 kB\nMemAvailable:  2097152 kB\n")
    assert free_memory(root) == 2 * GIGABYTE


def test_where_the_system_does_not_say_it_is_infinite(tmp_path):
    assert free_memory(tmp_path) == float("inf")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {
                "proc__self__cgroup": "0::/box\n",
                "sys__fs__cgroup__box__memory_DOT_max": f"{4 * GIGABYTE}\n",
                "sys__fs__cgroup__box__memory_DOT_current": f"{3 * GIGABYTE}\n",
                "sys__fs__cgroup__box__memory_DOT_stat": f"anon 5\ninactive_file {GIGABYTE}\n",
            },
            2 * GIGABYTE,
        ),
        (
            {
                "proc__self__cgroup": "0::/box/inner\n",
                "sys__fs__cgroup__box__inner__memory_DOT_max": "max\n",
                "sys__fs__cgroup__box__memory_DOT_max": f"{GIGABYTE}\n",
            },
            GIGABYTE,
        ),
        (
            {
                "proc__self__cgroup": "4:memory:/box\n2:cpu:/other\n",
                "sys__fs__cgroup__memory__box__memory_DOT_limit_in_bytes": f"{3 * GIGABYTE}\n",
                "sys__fs__cgroup__memory__box__memory_DOT_usage_in_bytes": f"{GIGABYTE}\n",
            },
            2 * GIGABYTE,
        ),
        (
            {
                "proc__self__cgroup": "4:memory:/\n",
                "sys__fs__cgroup__memory__memory_DOT_limit_in_bytes": "9223372036854771712\n",
            },
            8 * GIGABYTE,
        ),
    ],
)
def test_a_group_s_limit_counts(tmp_path, files, expected):
    root = system(tmp_path, proc__meminfo=f"MemAvailable: {8 * GIGABYTE // 1024} kB", **files)
    assert free_memory(root) == expected
