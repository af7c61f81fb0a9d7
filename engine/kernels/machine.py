"""Machine code of kernels: where it is kept, what is checked before it runs, how it is called.

A file holds one kernel as an object of LLVM's, after a digest of what it was compiled from and one
of itself. It depends on the processor only, not on the versions of Python, NumPy and Numba. The
package brings files for common processors (`code`, made by `engine.kernels.ahead`); what is
compiled on a machine is kept beside them, else in the user's cache.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engine.kernels.jit import Kernel

FORMAT = b"cartoonify 1"
CODE = Path(__file__).parent / "code"
V3 = frozenset({"avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"})
V4 = V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
LEVELS = {"x86-64-v4": V4, "x86-64-v3": V3}
"""Of the x86-64 psABI, for which the package brings code, the best first: features of each."""
_DIGEST_BYTES = 16
_PARAMETER = re.compile(r"(\w+)(\[[^\]]*\])?")
_C_TYPES: dict[str, Any] = {
    "void": ctypes.c_void_p, "int64": ctypes.c_int64, "float32": ctypes.c_float,
    "float64": ctypes.c_double,
}  # fmt: skip
_DATA_OFFSET = object.__basicsize__
"""Of the pointer to the data in an array: the first field of NumPy's public PyArrayObject."""

log = logging.getLogger(__name__)


def find(kernel: Kernel) -> Callable[..., Any] | None:
    """A kernel that was compiled before, from the same source; None where there is none."""
    expected = digest_of_source(kernel)
    for path in _places(kernel):
        code = read(path, expected)
        if code:
            return _load(kernel, code)
    return None


def keep(kernel: Kernel, code: bytes) -> Callable[..., Any]:
    """A kernel that has just been compiled; its code is kept where that is possible."""
    for path in _places(kernel, own_only=True):
        try:
            write(path, kernel, code)
            break
        except OSError as error:
            log.debug("%s: %s", path, error)
    return _load(kernel, code)


def write(path: Path, kernel: Kernel, code: bytes) -> None:
    """A file of machine code, whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(digest_of_source(kernel) + _digest(code) + code)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def digest_of_source(kernel: Kernel) -> bytes:
    """Of all that decides a kernel's machine code, but for the processor."""
    source = _read_source(kernel.function.__code__.co_filename)
    return _digest(
        b"\0".join((FORMAT, source, kernel.full_name.encode(), kernel.signature.encode()))
    )


def parse(signature: str) -> tuple[str, list[tuple[str, int]]]:
    """What is returned, and of each parameter the dtype and the number of dimensions."""
    returned, parameters = signature.rstrip(")").split("(")
    found = _PARAMETER.findall(parameters)
    return returned, [(dtype, sides.count(":") - sides.count("::")) for dtype, sides in found]


def _places(kernel: Kernel, own_only: bool = False) -> Iterator[Path]:
    """Files that a kernel's code may be in; `own_only` leaves out what the package brings."""
    if not own_only:
        yield from (CODE / level / f"{kernel.full_name}.o" for level in _levels())
    import platformdirs  # only where it is needed

    own = os.environ.get("NUMBA_CACHE_DIR")
    folders: list[str | Path] = [own] if own else [
        Path(__file__).parent / "__pycache__", platformdirs.user_cache_dir("cartoonify")
    ]  # fmt: skip
    for folder in folders:
        yield Path(folder, f"{kernel.full_name}.{_host()}.o")


@functools.cache
def _levels() -> tuple[str, ...]:
    return tuple(level for level, needed in LEVELS.items() if needed <= find_features())


@functools.cache
def find_features() -> frozenset[str]:
    """What an x86-64 processor under Linux has, by LLVM's names; nothing elsewhere."""
    import llvmlite.binding as llvm

    triple = llvm.get_process_triple().split("-")
    if triple[0] != "x86_64" or "linux" not in triple:
        return frozenset()
    return frozenset(name for name, has in llvm.get_host_cpu_features().items() if has)


@functools.cache
def _host() -> str:
    """A short name of this processor, with its features."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    whole = f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {features}"
    return _digest(whole.encode()).hex()[:12]


def read(path: Path, source: bytes) -> bytes | None:
    """The code in a file, if it is whole and from this source."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    found, code = content[:_DIGEST_BYTES], content[2 * _DIGEST_BYTES :]
    is_whole = content[_DIGEST_BYTES : 2 * _DIGEST_BYTES] == _digest(code)
    return code if found == source and is_whole else None


@functools.cache
def _read_source(path: str) -> bytes:
    return Path(path).read_bytes()


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()


def _load(kernel: Kernel, code: bytes) -> Callable[..., Any]:
    """The machine code as a function that checks what it is called with."""
    import llvmlite.binding as llvm

    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    returned, parameters = parse(kernel.signature)
    kinds: list[Any] = [ctypes.c_void_p, ctypes.c_void_p]
    for dtype, dimensions in parameters:
        kinds += [ctypes.c_void_p, *[ctypes.c_int64] * dimensions] if dimensions else [
            _C_TYPES[dtype]
        ]  # fmt: skip
    address = engine.get_function_address(kernel.full_name)
    if not address:
        raise ValueError("its machine code holds no function")
    return _to_function(
        ctypes.CFUNCTYPE(ctypes.c_int32, *kinds)(address), kernel.full_name, returned, parameters
    )


@functools.cache
def _engine() -> Any:
    """LLVM's loader of objects. Raises ValueError where an array's data are not found."""
    import llvmlite.binding as llvm

    probe = np.zeros(1)
    if _address(probe) != probe.ctypes.data:
        raise ValueError("this NumPy keeps arrays in another way")
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)


def _to_function(
    run: Any, name: str, returned: str, parameters: list[tuple[str, int]]
) -> Callable[..., Any]:
    """Numba's own convention: where the result goes, where an error goes, all values in a row."""
    checks = [(np.dtype(dtype), dimensions) for dtype, dimensions in parameters]
    result_type, error = _C_TYPES[returned], ctypes.c_void_p()

    def call(*arguments: Any) -> Any:
        result = result_type()
        values: list[Any] = []
        for value, (dtype, dimensions) in zip(arguments, checks, strict=True):
            if not dimensions:
                values.append(int(value) if dtype.kind == "i" else float(value))
                continue
            if value.dtype != dtype or value.ndim != dimensions or not value.flags.c_contiguous:
                expected = f"{dtype} with {dimensions} dimensions in C order"
                raise TypeError(f"{name}: {value.dtype} {value.shape}, expected {expected}.")
            values.append(_address(value))
            values += value.shape
        if run(ctypes.byref(result), ctypes.byref(error), *values):
            raise MemoryError(f"{name}: not enough memory")
        return result.value

    return call


def _address(array: np.ndarray) -> int | None:
    """`array.ctypes.data` in an eighth of its time."""
    return ctypes.c_void_p.from_address(id(array) + _DATA_OFFSET).value
