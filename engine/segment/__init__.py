"""Photo to logits, label map and probability."""
