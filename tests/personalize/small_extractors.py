"""A bank whose extractors are tiny ONNX files: they describe a photo by its mean colour, and are written in no time."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from personalize.files import banks

WIDTHS = {"merged": 4, "plain": 6}


def colours(photo_side: int, colour: np.ndarray, seed: int) -> np.ndarray:
    """Pixels of a photo of this mean colour, with a little noise."""
    noise = np.random.default_rng(seed).normal(scale=8, size=(photo_side, photo_side, 3))
    return np.clip(colour + noise, 0, 255).astype(np.uint8)


def network(outputs: dict[str, np.ndarray]) -> bytes:
    """Pixels -> mean colour in 0..1 -> a product with a matrix under each name; with a vector under `score`."""
    nodes = [
        helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["numbers", "sides"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["colour"]),
    ]
    stored = [numpy_helper.from_array(np.array([1, 2]), "sides"), numpy_helper.from_array(np.float32(255), "white")]
    given = []
    for name, weights in outputs.items():
        nodes.append(helper.make_node("MatMul", ["colour", f"{name}.weights"], [name]))
        stored.append(numpy_helper.from_array(weights.astype(np.float32), f"{name}.weights"))
        given.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["photos", *weights.shape[1:]]))
    taken = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["photos", "height", "width", 3])
    graph = helper.make_graph(nodes, "colours", [taken], given, stored)
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write_bank(folder: Path) -> Path:
    """Write a bank without networks that has extractors of two groups and of the score."""
    path, rng = folder / "colours.safetensors", np.random.default_rng(0)
    banks.write({"start": np.ones((1, 1), np.float32)}, {"backbone": "efficientnet_lite0", "tasks": ["beauty"]}, path)
    rows = []
    for name, width in WIDTHS.items():
        outputs = {name: rng.normal(size=(3, width))} | ({"score": rng.normal(size=3)} if name == "merged" else {})
        file = folder / f"colours.{name}.onnx"
        file.write_bytes(network(outputs))
        row = {
            "file": file.name,
            "bytes": file.stat().st_size,
            "sha256": banks.sha256(file),
            "network": "mean colour",
            "source": "tests",
            "licence": "Apache-2.0",
            "size": {"resize": 8, "crop": 8},
            "mean": [0.0, 0.0, 0.0],
            "std": [1.0, 1.0, 1.0],
            "outputs": [{"group": name, "width": width, "normalisation": "length" if name == "merged" else "columns"}],
        }
        rows.append(row | ({"score": {"mean": 0.0, "std": 1.0}} if name == "merged" else {}))
    banks.put_extractors(rows, path)
    return path
