"""A rater's model with its extractors and their resizing as one ONNX graph, from a photo to its score. Needs no torch."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from jaxtyping import UInt8
from onnx import compose, helper, numpy_helper

from personalize.errors import BadModel
from personalize.exports import resizing_graphs
from personalize.exports.cards import ModelCard
from personalize.exports.rater_models import ProductWeights, RaterModel
from personalize.files import extractors
from personalize.files.extractors import Extractor, Extractors
from personalize.numerics.axis_products import LEAST_LENGTH, pairs

OUTPUT = "score"


def write(path: Path, model: RaterModel, bank: Extractors, card: ModelCard) -> None:
    """Write the graph, with the card in its metadata. Input `photo`: uint8 [height, width, 3], RGB. Output `score`: float32 [1].

    Raises:
        BadBank: an extractor's file is missing, or not the one in the bank's metadata.
        BadModel: the extractors cannot be joined to one graph.
    """
    try:
        graph = _joined(model, bank)
    except ValueError as error:
        raise BadModel(f"The bank's extractors cannot be joined to one ONNX graph: {error}") from error
    helper.set_model_props(graph, {"format": card["format"], "card": json.dumps(card)})
    path.write_bytes(graph.SerializeToString(deterministic=True))


class PhotoGraph:
    """An opened file. Photos of any size go through it one by one."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self.session = session

    def score(self, photo: UInt8[np.ndarray, "height width 3"]) -> float:
        """The score of an upright RGB photo."""
        (score,) = self.session.run([OUTPUT], {resizing_graphs.INPUT: photo})
        return float(score[0])


def session(path: Path) -> onnxruntime.InferenceSession:
    """An ONNX file, opened by ONNX Runtime on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.enable_cpu_mem_arena = False  # it would keep the memory of the largest photo
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _joined(model: RaterModel, bank: Extractors) -> onnx.ModelProto:
    """The parts are joined from the photo on; prefixes keep the names of the networks apart."""
    graph, outputs = _resizing(bank), []
    for place, row in enumerate(bank.rows):
        prefix = f"network{place}."
        network = compose.add_prefix(onnx.load_model_from_string(extractors.checked(row)), prefix)
        graph = compose.merge_models(graph, network, [(f"size{place}.pixels", prefix + extractors.INPUT)])
        outputs += [prefix + name for name in row.outputs]
    weighted = _weighted(model, bank, outputs)
    # The networks name the sizes of their inputs and outputs, which are those of one photo here.
    del graph.graph.value_info[:]
    return compose.merge_models(graph, weighted, [(name, f"weighted.{name}") for name in outputs])


def _resizing(bank: Extractors) -> onnx.ModelProto:
    """One graph from the photo to the pixels for each network."""
    parts = [compose.add_prefix(resizing_graphs.graph(row.size), f"size{place}.") for place, row in enumerate(bank.rows)]
    photo = resizing_graphs.INPUT
    nodes = [node for part in parts for node in part.graph.node]
    for node in nodes:
        node.input[:] = [photo if name.endswith(f".{photo}") else name for name in node.input]
    (taken,) = parts[0].graph.input
    taken.name = photo
    graph = helper.make_graph(nodes, "rater", [taken], [part.graph.output[0] for part in parts])
    return helper.make_model(graph, ir_version=parts[0].ir_version, opset_imports=parts[0].opset_import)


def _weighted(model: RaterModel, bank: Extractors, outputs: list[str]) -> onnx.ModelProto:
    """The weights: groups in the order of the raw vector, then the score if there is one, which is one number and no row."""
    widths = dict(zip(outputs, _widths(bank.rows), strict=True))
    groups = [name for name, width in widths.items() if width is not None]
    scores = [name for name, width in widths.items() if width is None]
    inputs = [_tensor(f"weighted.{name}", [1] if width is None else [1, width]) for name, width in widths.items()]
    arrays = {"weights": model.weights[:, None], "constant": np.array(model.constant, np.float32), "columns": np.array([1])}
    nodes = [
        *(helper.make_node("Unsqueeze", [f"weighted.{name}", "columns"], [f"{name}.column"]) for name in scores),
        helper.make_node("Concat", [*(f"weighted.{name}" for name in groups), *(f"{name}.column" for name in scores)], ["raw"], axis=1),
        helper.make_node("MatMul", ["raw", "weights"], ["linear"]),
    ]
    terms = "linear"
    if model.products:
        more, of_products = _products(model.products)
        nodes, arrays, terms = [*nodes, *more, helper.make_node("Add", ["linear", "product"], ["both"])], arrays | of_products, "both"
    nodes += [helper.make_node("Squeeze", [terms, "columns"], ["sum"]), helper.make_node("Add", ["sum", "constant"], [OUTPUT])]
    graph = helper.make_graph(
        nodes, "weighted", inputs, [_tensor(OUTPUT, [1])], [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    )
    first = resizing_graphs.graph(bank.rows[0].size)
    return helper.make_model(graph, ir_version=first.ir_version, opset_imports=first.opset_import)


def _products(products: ProductWeights) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray]]:
    """From `raw` to `product`, and the arrays of these nodes; see `axis_products.products`."""
    first, second = pairs(len(products.shift))
    arrays = {
        "axes": products.axes,
        "shift": products.shift[None],
        "ones": np.ones((len(products.shift), 1), np.float32),
        "least": np.array([[LEAST_LENGTH]], np.float32),
        "first": first,
        "second": second,
        "product weights": products.weights[:, None],
    }
    nodes = [
        helper.make_node("MatMul", ["raw", "axes"], ["moved"]),
        helper.make_node("Sub", ["moved", "shift"], ["place"]),
        helper.make_node("Mul", ["place", "place"], ["squares"]),
        helper.make_node("MatMul", ["squares", "ones"], ["square"]),
        helper.make_node("Sqrt", ["square"], ["root"]),
        helper.make_node("Max", ["root", "least"], ["length"]),
        helper.make_node("Div", ["place", "length"], ["unit"]),
        helper.make_node("Gather", ["place", "first"], ["left"], axis=1),
        helper.make_node("Gather", ["unit", "second"], ["right"], axis=1),
        helper.make_node("Mul", ["left", "right"], ["products"]),
        helper.make_node("MatMul", ["products", "product weights"], ["product"]),
    ]
    return nodes, arrays


def _widths(rows: tuple[Extractor, ...]) -> list[int | None]:
    return [width for row in rows for width in row.outputs.values()]


def _tensor(name: str, shape: list[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
