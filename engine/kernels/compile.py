"""A kernel to machine code by Numba: the one place with Numba's flags.

Kernels release the GIL and use one thread: Numba's own thread pools may abort a process that
enters them from two threads. `fastmath` stays off, to equal the reference. Division is
NumPy's: Python's check for zero would keep loops from being vectorised.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import llvmlite.binding as llvm
import numba

from engine.kernels.machine import parse

if TYPE_CHECKING:
    from engine.kernels.jit import Kernel, WrittenKernel

_njit: Any = numba.njit
_types: Any = numba.types
_carray: Any = vars(numba)["carray"]
_FLAGS = {"nogil": True, "error_model": "numpy"}
_ONLY_NATIVE = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
# They stand for Numba's own functions, so that the code runs without Numba. Its arrays count their
# references in a head of 40 bytes, whose field at 24 is the address of the data.
_RUNTIME = """
declare ptr @malloc(i64)
declare void @free(ptr)
define internal ptr @NRT_Allocate(i64 %size) {
  %memory = call ptr @malloc(i64 %size)
  ret ptr %memory
}
define internal void @NRT_Free(ptr %memory) {
  call void @free(ptr %memory)
  ret void
}
define internal ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 %align) {
  %unit = zext i32 %align to i64
  %head = add i64 %unit, 63
  %whole = add i64 %size, %head
  %memory = call ptr @malloc(i64 %whole)
  %is_null = icmp eq ptr %memory, null
  br i1 %is_null, label %none, label %some
none:
  ret ptr null
some:
  %start = ptrtoint ptr %memory to i64
  %behind = add i64 %start, %head
  %mask = sub i64 0, %unit
  %aligned = and i64 %behind, %mask
  %data = inttoptr i64 %aligned to ptr
  %field = getelementptr i8, ptr %memory, i64 24
  store i64 1, ptr %memory
  store ptr %data, ptr %field
  ret ptr %memory
}
define internal ptr @NRT_MemInfo_alloc(i64 %size) {
  %memory = call ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 16)
  ret ptr %memory
}
define internal void @NRT_MemInfo_call_dtor(ptr %memory) {
  call void @free(ptr %memory)
  ret void
}
define internal i32 @numba_attempt_nocopy_reshape(
    i64 %old_axes, ptr %old_sides, ptr %old_strides, i64 %axes, ptr %sides, ptr %strides,
    i64 %itemsize, i32 %is_fortran) {
entry:
  br label %head
head:
  %after = phi i64 [ %axes, %entry ], [ %axis, %body ]
  %stride = phi i64 [ %itemsize, %entry ], [ %next, %body ]
  %is_done = icmp eq i64 %after, 0
  br i1 %is_done, label %done, label %body
body:
  %axis = sub i64 %after, 1
  %place = getelementptr i64, ptr %strides, i64 %axis
  store i64 %stride, ptr %place
  %from = getelementptr i64, ptr %sides, i64 %axis
  %side = load i64, ptr %from
  %next = mul i64 %stride, %side
  br label %head
done:
  ret i32 1
}
"""
"""Only arrays in C order are reshaped in kernels."""
_DECLARED = re.compile(
    r"^declare .*@(?:NRT_Allocate|NRT_Free|NRT_MemInfo_alloc(?:_aligned)?|NRT_MemInfo_call_dtor"
    r"|numba_attempt_nocopy_reshape)\(.*\n",
    re.MULTILINE,
)
_KNOWN = re.compile(r"llvm\.|(malloc|free|memset|memcpy|(exp|log|pow|sqrt)f?)$")
"""Functions that compiled code may call: every process has them."""

_FOLDERS = [str(Path(file).parents[depth]) for file, depth in ((numba.__file__, 1), (__file__, 2))]
"""Of the machine that compiles. Numba writes them into what it would raise."""


def to_dispatcher(function: Callable[..., Any], *signature: str) -> Any:
    """The function as Numba runs it, compiled for a signature or for whatever it is called with."""
    return _njit(*signature, **_FLAGS)(function)


def to_object(kernel: Kernel) -> bytes:
    """An object of machine code, with a function of the kernel's full name.

    It takes where to put the result, where to put an error, then numbers as they are, and of each
    array the address and the sides. It returns 0, or something else for an error. Raises ValueError
    where the code needs what Numba alone can give.
    """
    entry = _njit(**_FLAGS, **_ONLY_NATIVE)(_make_entry(kernel))
    entry.compile(_entry_types(kernel.signature))
    (compiled,) = entry.overloads.values()
    text = _DECLARED.sub("", compiled.library.get_llvm_str()) + _RUNTIME
    for folder in _FOLDERS:
        text = text.replace(folder, "." * len(folder))
    module = llvm.parse_assembly(text)
    for function in module.functions:
        if function.is_declaration and not _KNOWN.match(function.name):
            raise ValueError(f"it calls {function.name}")
        if function.name == compiled.fndesc.llvm_func_name:
            function.name = kernel.full_name
        elif not function.is_declaration:
            function.linkage = "internal"
    code: bytes = compiled.library.codegen._tm.emit_object(module)
    return code


def write_object(kernel: WrittenKernel) -> bytes:
    """The same of a kernel that writes its own code."""
    from llvmlite import ir

    address, i64, i32 = ir.PointerType(), ir.IntType(64), ir.IntType(32)
    kinds = [address, address]
    for _, dimensions in parse(kernel.signature)[1]:
        kinds += [address, *[i64] * dimensions] if dimensions else [i64]
    module = ir.Module()
    entry = ir.Function(module, ir.FunctionType(i32, kinds), kernel.full_name)
    builder = ir.IRBuilder(entry.append_basic_block())
    kernel.function(builder, list(entry.args[2:]))
    builder.ret(ir.Constant(i32, 0))
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(
        features=",".join(f"+{name}" for name in sorted(kernel.features)),
        opt=3,
        codemodel="jitdefault",
    )
    code: bytes = target.emit_object(llvm.parse_assembly(str(module)))
    return code


def _make_entry(kernel: Kernel) -> Callable[..., Any]:
    """A function of addresses, sides and numbers that calls the kernel with arrays."""
    names, arguments = [], []
    for index, (_, dimensions) in enumerate(parse(kernel.signature)[1]):
        sides = [f"side{index}_{axis}" for axis in range(dimensions)]
        names += [f"value{index}", *sides]
        shape = "".join(f"{side}, " for side in sides)
        arguments.append(f"carray(value{index}, ({shape}))" if sides else f"value{index}")
    space = {"kernel": to_dispatcher(kernel.function), "carray": _carray}
    exec(f"def entry({', '.join(names)}): return kernel({', '.join(arguments)})", space)
    return space["entry"]  # type: ignore[no-any-return]


def _entry_types(signature: str) -> Any:
    returned, parameters = parse(signature)
    kinds = []
    for name, dimensions in parameters:
        kind = getattr(_types, name)
        kinds.append(_types.CPointer(kind) if dimensions else kind)
        kinds += [_types.int64] * dimensions
    return getattr(_types, returned)(*kinds)
