"""Weights as others publish them: safetensors files and PyTorch checkpoints, read without running anything that lies in them."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from personalize.errors import MissingWeights

# Where whole models keep their image tower: OpenCLIP itself, and models built around it.
IMAGE_TOWERS = ("visual.", "module.visual.", "backbone.visual.")


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file by name, memory-mapped where the file's layout allows it.

    A PyTorch file may hold the state dict itself, or keep it under the key `state_dict` or `model`, as training programs do.

    Raises:
        MissingWeights: the file is missing, damaged, of an unknown kind, or holds something else than tensors by name.
    """
    try:
        held = load_file(path) if path.suffix == ".safetensors" else _load_checkpoint(path)
    except (OSError, SafetensorError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        sentence = " ".join(str(error).split())[:300] or f"it ends too early ({type(error).__name__})"
        raise MissingWeights(f"{path} cannot be read as weights (.safetensors, or a PyTorch file of tensors alone): {sentence}") from error
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
    """The part of a whole model that sees photos, by its own names; weights of an image tower alone stay as they are."""
    for prefix in IMAGE_TOWERS:
        tower = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        if tower:
            return tower
    return dict(weights)


def _load_checkpoint(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError as error:
        if "mmap" not in str(error):
            raise
        return torch.load(path, map_location="cpu", weights_only=True)  # PyTorch's old layout cannot be mapped
