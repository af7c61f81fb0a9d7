"""Training our own network: `python -m export.training`."""
