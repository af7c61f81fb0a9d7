"""What runs networks, behind one interface (`runtime.py`), chosen by name (`choice.py`)."""
