"""Published weight files: safetensors and PyTorch checkpoints, read without executing code in them."""

import pickle
import re
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from personalize.errors import MissingWeights

# Prefixes of the image tower in whole models: OpenCLIP, and models built around it.
IMAGE_TOWERS = ("visual.", "module.visual.", "backbone.visual.")
FOREIGN_CLASS = re.compile(r"GLOBAL (\S+)")  # in torch's refusals


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file by name, memory-mapped where its layout allows it.

    A PyTorch file may contain the state dict itself, or under the key `state_dict` or `model`, as in training checkpoints; beside it plain
    values and the options of the training run as `argparse.Namespace`, which are not used.

    Raises:
        MissingWeights: the file is missing, damaged, of an unknown kind, or contains anything other than tensors by name.
    """
    try:
        held = load_file(path) if path.suffix == ".safetensors" else _load_checkpoint(path)
    except (OSError, SafetensorError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        raise MissingWeights(
            f"{path} cannot be read as weights (.safetensors, or a PyTorch file with only tensors): {_sentence(error)}"
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(held, Mapping) and isinstance(held.get(key), Mapping):
            held = held[key]
    if not isinstance(held, Mapping) or not held:
        raise MissingWeights(f"{path} holds {type(held).__name__}, not tensors by name.")
    for name, value in held.items():
        if not isinstance(value, Tensor):
            raise MissingWeights(f"{path} holds {type(value).__name__} under {name!r}, where a tensor is expected.")
    return dict(held)


def image_tower(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The image tower's tensors in a whole model, without their prefix; weights of only an image tower are returned unchanged."""
    for prefix in IMAGE_TOWERS:
        tower = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        if tower:
            return tower
    return dict(weights)


def _load_checkpoint(path: Path) -> object:
    with torch.serialization.safe_globals([Namespace]):  # a class without code of its own: its attributes are set, nothing is called
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError as error:
            if "mmap" not in str(error):
                raise
            return torch.load(path, map_location="cpu", weights_only=True)  # PyTorch's old layout cannot be mapped


def _sentence(error: Exception) -> str:
    """What is wrong with a file, in a sentence."""
    text = " ".join(str(error).split())
    if foreign := FOREIGN_CLASS.search(text):
        return f"it contains {foreign[1]}, which could run code and is not loaded. Save the file again without it."
    if not text:
        return f"it ends too early ({type(error).__name__})."
    return "it is cut short or damaged: fetch it again." if "PytorchStreamReader" in text else text[:300]
