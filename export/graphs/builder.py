"""A small way to write ONNX graphs: each call adds a node."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


class GraphBuilder:
    """Collects nodes; operands are names of tensors, or arrays that become constants."""

    def __init__(self, prefix: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._prefix, self._numbers = prefix, itertools.count()

    def __call__(self, op: str, *operands: Any, **attributes: Any) -> str:
        """Adds a node and returns its output's name."""
        out = f"{self._prefix}_{next(self._numbers)}"
        names = [self._name(operand) for operand in operands]
        self.nodes.append(helper.make_node(op, names, [out], name=f"{op}_{out}", **attributes))
        return out

    def _name(self, operand: Any) -> str:
        if isinstance(operand, str):
            return operand
        name = f"{self._prefix}_constant_{next(self._numbers)}"
        self.constants.append(numpy_helper.from_array(np.asarray(operand), name))
        return name
