"""The K-histogram method: a picture to its cartoon."""
