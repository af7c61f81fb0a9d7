"""Numba twins of the reference: plain arrays and numbers in, arrays out.

They trust their caller: dtypes, shapes and ranges are checked where data enters the engine.
A kernel is compiled at its first call, unless its code is kept already (`jit`, `machine`).
Its helpers stand in the same file, because changes are noticed in that file only. After one,
`python -m engine.kernels.ahead` makes the code anew that the package brings.
"""
