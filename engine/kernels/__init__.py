"""Numba twins of the reference: plain arrays and numbers in, arrays out.

They trust their caller: dtypes, shapes and ranges are checked where data enters the engine.
A kernel is compiled when its file is imported, so its helpers stand above it, and in the same
file: the cache of machine code notices changes of that file only.
"""
