"""A small CLIP for tests, registered with OpenCLIP under a name; synthetic checkpoints in the published layout, and their import."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP
from PIL import Image
from torch import Tensor, nn

from personalize.bank_building import half_precision_onnx, onnx_extractors
from personalize.bank_building.extractor_networks import ExtractorNetwork
from personalize.bank_building.importing import ImportPlan

NAME = "small-clip-for-tests"
TASKS = ("ava", "aes", "tad")
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1},
}


def register(folder: Path) -> str:
    """Register the configuration with OpenCLIP until the process ends."""
    path = folder / f"{NAME}.json"
    path.write_text(json.dumps(CONFIG))
    open_clip.add_model_config(path)
    return NAME


def whole_model(seed: int, config: dict | None = None) -> CLIP:
    """Image and text tower with random weights."""
    config = config or CONFIG
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CLIP(config["embed_dim"], dict(config["vision_cfg"]), dict(config["text_cfg"]))
        with torch.no_grad():  # OpenCLIP starts with zero biases, which could hide errors
            for value in model.parameters():
                value.add_(0.02 * torch.randn(value.shape))
    return model.eval()


def moved(model: CLIP, seed: int) -> dict[str, Tensor]:
    """The state of a model after a stand-in for fine-tuning: every number slightly changed."""
    draw = torch.Generator().manual_seed(seed)
    state = model.state_dict()
    return {name: value + 0.01 * torch.randn(value.shape, generator=draw) for name, value in state.items()}


class PublishedModel(nn.Module):
    """The published forward pass: encode_image, Linear, GELU, Dropout, Linear, sigmoid, divided by the sum, mean over 1..10."""

    def __init__(self, backbone: CLIP, width: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.score_predictor = nn.Module()
        self.score_predictor.projection = nn.Sequential(nn.Linear(width, 512), nn.GELU(), nn.Dropout(0.5), nn.Linear(512, 10))

    def forward(self, photos: Tensor) -> Tensor:
        raw = torch.sigmoid(self.score_predictor.projection(self.backbone.encode_image(photos)))
        return (raw / raw.sum(dim=1, keepdim=True)) @ torch.arange(1.0, 11.0)


def checkpoint(base: CLIP, seed: int) -> dict[str, dict[str, Tensor]]:
    """A checkpoint in the published layout: `model` -> the state of backbone and score predictor."""
    draw = torch.Generator().manual_seed(1000 + seed)
    width = base.state_dict()["visual.proj"].shape[1]
    shapes = {"0.weight": (512, width), "0.bias": (512,), "3.weight": (10, 512), "3.bias": (10,)}
    head = {f"score_predictor.projection.{name}": 0.1 * torch.randn(shape, generator=draw) for name, shape in shapes.items()}
    return {"model": {f"backbone.{name}": value for name, value in moved(base, seed).items()} | head}


def published_model(held: dict[str, dict[str, Tensor]], config: dict | None = None) -> PublishedModel:
    """The published model with a checkpoint's weights."""
    config = config or CONFIG
    with torch.device("meta"):  # the checkpoint provides all weights
        backbone = CLIP(config["embed_dim"], dict(config["vision_cfg"]), dict(config["text_cfg"]))
        model = PublishedModel(backbone, config["embed_dim"])
    model.load_state_dict(held["model"], assign=True)
    return model.eval()


def write_published(folder: Path, tasks: Sequence[str] = TASKS) -> None:
    """Register the model, and write its base weights and a checkpoint for each task."""
    register(folder)
    base = whole_model(seed=1)
    torch.save(base.state_dict(), folder / "base.bin")
    for seed, task in enumerate(tasks):
        torch.save(checkpoint(base, seed), checkpoint_file(folder, task))


def checkpoint_file(folder: Path, task: str) -> Path:
    return folder / f"clip_S_3fc_{task}.pth"


def write_photos(folder: Path, count: int) -> None:
    """Write photos of noise to the folder `photos`."""
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir()
    for number in range(count):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(folder / "photos" / f"{number}.png")


def import_plan(folder: Path, **changes: Any) -> ImportPlan:
    """The import of what `write_published` wrote."""
    checkpoints = {task: checkpoint_file(folder, task) for task in TASKS}
    return ImportPlan(**({"backbone": NAME, "checkpoints": checkpoints, "weights": folder / "base.bin"} | changes))


@contextmanager
def only_the_merged_network() -> Iterator[None]:
    """Banks get one extractor, that of their own network: writing the published networks takes a minute.

    A network that was written before is not written again, since `test_onnx_extractors` shows that it gives the same bytes.
    """
    written: dict[str, bytes] = {}

    def once(network: ExtractorNetwork, **sizes: Any) -> bytes:
        weights = b"".join(value.numpy().tobytes() for value in network.state_dict().values())
        key = hashlib.sha256(repr((network, sizes)).encode() + weights).hexdigest()
        if key not in written:
            written[key] = exported(network, **sizes)
        return written[key]

    exported = half_precision_onnx.exported
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_extractors, "WHOLE", ())
        patch.setattr(half_precision_onnx, "exported", once)
        yield
