"""Videos: frames in, the same people drawn in each of them, and files with their sound out."""
