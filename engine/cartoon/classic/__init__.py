"""The K-histogram method as published, bit for bit; docs/method.md has its rules."""
