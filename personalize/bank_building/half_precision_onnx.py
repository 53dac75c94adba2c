"""ONNX files of torch networks, with weights in half precision and the same bytes at every export. Needs torch.

Weights are stored in half precision and cast to single precision by the graph. ONNX Runtime folds the casts when it loads a file, so the
network runs in single precision at its usual speed, from a file of half the size.
"""

import logging

import numpy as np
import onnx
import torch
from jaxtyping import UInt8
from onnx import helper, numpy_helper
from torch import Tensor

from personalize.bank_building.extractor_networks import ExtractorNetwork
from personalize.errors import BadBank

INPUT = "pixels"
SMALLEST = 64  # numbers; smaller arrays save nothing

for library in ("onnx_ir", "onnxscript"):
    logging.getLogger(library).setLevel(logging.WARNING)  # they report every step


def exported(network: ExtractorNetwork, *, height: int, width: int, any_size: bool) -> bytes:
    """The network as an ONNX file: any number of photos, of this height and width, or with `any_size` of any.

    Raises:
        BadBank: the network cannot be written as ONNX.
    """
    sizes = ("photos", "height", "width") if any_size else ("photos",)
    program = torch.onnx.export(
        network.eval(),
        (_example(height, width),),
        dynamo=True,
        verbose=False,
        input_names=[INPUT],
        output_names=list(network.names),
        dynamic_shapes=(dict.fromkeys(range(len(sizes)), torch.export.Dim.DYNAMIC),),
    )
    if program is None:
        raise BadBank("The network could not be written as ONNX.")
    model = program.model_proto
    _clean(model, sizes)
    _halve(model.graph)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _example(height: int, width: int) -> UInt8[Tensor, "photos height width 3"]:
    return torch.zeros(2, height, width, 3, dtype=torch.uint8)  # torch takes sizes 0 and 1 for constants


def _clean(model: onnx.ModelProto, sizes: tuple[str, ...]) -> None:
    """Remove what differs between machines (paths of source files, names of shapes), and name the sizes of the input and the outputs."""
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    model.doc_string = model.graph.doc_string = ""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]
        value.doc_string = ""
    for initializer in model.graph.initializer:
        del initializer.metadata_props[:]
        initializer.doc_string = ""
    for place, name in enumerate(sizes):
        model.graph.input[0].type.tensor_type.shape.dim[place].dim_param = name
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[0].dim_param = sizes[0]


def _halve(graph: onnx.GraphProto) -> None:
    """Store every array that half precision holds exactly in half precision, followed by a cast; no number changes."""
    casts = []
    for stored in graph.initializer:
        value = numpy_helper.to_array(stored)
        if value.dtype != np.float32 or value.size < SMALLEST:
            continue
        with np.errstate(over="ignore"):
            half = value.astype(np.float16)
        if np.array_equal(half, value):
            name = stored.name
            stored.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
