"""Machine code of kernels: kept and found again, checked before it runs, brought by the package."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine.kernels import ahead, compile, jit, machine

pytestmark = pytest.mark.skipif(jit.IS_PLAIN or jit.IS_CHECKED, reason="no machine code is kept")

BEST = next(iter(machine.LEVELS))


def scale(values, factor, out):
    """A kernel that is quick to compile."""
    for i in range(len(values)):
        out[i] = values[i] * factor
    return len(values)


def make():
    return jit.Kernel(scale, "int64(float64[::1], float64, float64[::1])")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where kernels are kept, and nowhere else."""
    monkeypatch.setattr(machine, "_levels", tuple)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path


def run(kernel):
    values, out = np.arange(4.0), np.empty(4)
    assert kernel(values, np.float64(2.5), out) == 4
    assert_array_equal(out, values * 2.5)


def forbid(*_):
    raise AssertionError("it is compiled")


def test_a_kernel_is_compiled_once_and_then_found(folder, monkeypatch):
    run(make())
    (path,) = folder.iterdir()
    monkeypatch.setattr(compile, "to_object", forbid)
    monkeypatch.setattr(compile, "to_dispatcher", forbid)
    run(make())
    assert [path] == list(folder.iterdir())


@pytest.mark.parametrize("place", [0, 20, -1], ids=["of another source", "digest", "code"])
def test_what_is_damaged_or_of_another_source_is_compiled_anew(folder, place):
    run(make())
    (path,) = folder.iterdir()
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 1
    path.write_bytes(damaged)
    assert machine.find(make()) is None
    run(make())
    assert machine.find(make())


def test_a_kernel_runs_where_nothing_can_be_kept(folder, monkeypatch):
    (folder / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder / "file"))
    kernel = make()
    run(kernel)
    assert type(kernel._run).__name__ == "function"
    assert machine.find(make()) is None


def test_a_kernel_that_needs_numba_runs_in_numba(folder, monkeypatch):
    monkeypatch.setattr(compile, "_KNOWN", compile.re.compile("nothing"))
    kernel = make()
    run(kernel)
    assert type(kernel._run).__name__ == "CPUDispatcher"


@pytest.mark.parametrize(
    "values",
    [np.zeros(4, np.float32), np.zeros((4, 1)), np.zeros(8)[::2]],
    ids=["dtype", "dimensions", "order"],
)
def test_an_array_of_another_kind_is_refused(folder, values):
    with pytest.raises(TypeError, match="expected float64 with 1 dimensions in C order"):
        make()(values, 1.0, np.empty(4))


def test_arrays_in_kernels_start_at_aligned_addresses_and_are_reshaped(folder):
    def spread(table, out):
        copy = np.zeros(table.shape)
        for y in range(table.shape[0]):
            for x in range(table.shape[1]):
                copy[y, x] = table[y, x]
        flat = copy.reshape(table.size)
        for i in range(len(flat)):
            out[i] = flat[i]

    table, out = np.arange(15.0).reshape(3, 5), np.empty(15)
    kernel = jit.Kernel(spread, "void(float64[:, ::1], float64[::1])")
    assert kernel(table, out) is None
    assert type(kernel._run).__name__ == "function"
    assert_array_equal(out, table.ravel())


@pytest.mark.parametrize("level", machine.LEVELS)
def test_the_package_brings_code_of_the_kernels_as_they_are(level):
    old = [
        kernel.full_name
        for kernel in ahead.find_kernels(level)
        if machine.read(ahead.path_of(level, kernel), machine.digest_of_source(kernel)) is None
    ]
    assert not old, "run python -m engine.kernels.ahead"


def test_code_of_every_level_is_equal_to_numba():
    """The levels that run here; whole kernels are compared in their own tests, by the best one."""
    kernel = next(k for k in ahead.find_kernels(BEST) if k.full_name == "tones.find_nearest")
    points, colours = np.random.default_rng(0).random((2, 500, 3))
    expected = np.empty(500, np.int64)
    compile.to_dispatcher(kernel.function, kernel.signature)(points, colours, expected)
    for level in machine._levels():
        path = ahead.path_of(level, kernel)
        code, got = machine.read(path, machine.digest_of_source(kernel)), np.empty(500, np.int64)
        machine._load(kernel, code)(points, colours, got)
        assert_array_equal(got, expected)


@pytest.mark.skipif(not machine._levels(), reason="the package brings no code for this processor")
def test_a_photo_is_drawn_without_importing_numba(tiny_model, photo):
    program = f"""
import sys, engine
engine.load({str(tiny_model)!r}, provider="cpu")({str(photo)!r})
assert "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_code_names_no_folder_of_the_machine_that_compiled_it():
    files = list(machine.CODE.rglob("*.o"))
    assert files
    for path in files:
        assert b"site-packages" not in path.read_bytes()
        assert b"/engine/kernels/" not in path.read_bytes()
