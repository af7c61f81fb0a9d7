"""A torch network to an ONNX graph that gives its low-resolution logits."""

from __future__ import annotations

import copy
import io
import json
import logging
import warnings
from contextlib import redirect_stdout
from importlib.metadata import version
from typing import Any

import onnx
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from engine.weights import METADATA_KEY
from export.network import LogitsOnly

OPSET = 18
TRACED_SIZE = (321, 385)
VERSIONED = ("torch", "torchvision", "onnx", "onnxscript")


def to_logits_graph(network: nn.Module) -> onnx.ModelProto:
    """The graph: "input" float32 (1, 3, height, width), normalised, to "logits" (1, C, h, w).

    Height and width are free; there is no auxiliary head, and batch norms are folded.
    """
    folded = fold_batch_norms(LogitsOnly(network)).eval()
    free = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of the exporter, about itself
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            folded,
            (torch.zeros(1, 3, *TRACED_SIZE),),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["logits"],
            dynamic_shapes=[free],
        )
    assert program is not None
    model = program.model_proto
    _name_axes(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """A copy in which each batch norm has become part of the convolution before it.

    Relies on modules being registered in the order in which they run, as torchvision's are;
    the proof of each export would notice another one.
    """
    network = copy.deepcopy(network).eval()
    for parent in list(network.modules()):
        before = ""
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(parent, before, fuse_conv_bn_eval(getattr(parent, before), child))
                setattr(parent, name, nn.Identity())
            before = name
    return network


def describe(model: onnx.ModelProto, facts: dict[str, Any]) -> None:
    """Writes all that the engine needs to know into the graph's metadata_props."""
    versions = {name: version(name) for name in VERSIONED}
    text = json.dumps(facts | {"versions": versions})
    onnx.helper.set_model_props(model, {METADATA_KEY: text})


def _name_axes(model: onnx.ModelProto) -> None:
    """height and width for the input's free axes, h and w for the output's."""
    del model.graph.value_info[:]  # written in the exporter's names
    axes = [(model.graph.input[0], "height", "width"), (model.graph.output[0], "h", "w")]
    for value, height, width in axes:
        shape = value.type.tensor_type.shape.dim
        shape[2].dim_param, shape[3].dim_param = height, width
