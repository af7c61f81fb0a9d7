"""From torch to ONNX, once; torch is imported here only, never by the engine."""
