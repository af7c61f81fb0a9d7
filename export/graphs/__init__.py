"""From a torch network to an ONNX graph, and the rewrites of graphs."""
