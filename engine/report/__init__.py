"""A run as a page to look at, and as JSON and CSV to work with."""
