"""The method in plain NumPy, SciPy and OpenCV: slow, readable, and the definition of what is right.

Only tests and benchmarks import it; SciPy and scikit-image come with the `test` extra.
"""
