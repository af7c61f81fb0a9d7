"""How long things take, side by side; `make bench` runs them all."""
