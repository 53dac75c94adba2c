"""Networks that compute raw features from pixels, as they are written to ONNX files. Needs torch.

Their input is the photo's pixels, uint8 RGB: normalisation is the first operation, so weights and preprocessing cannot be separated.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from personalize.errors import BadBank
from personalize.networks import folding
from personalize.networks.layer_tangents import statistics
from personalize.networks.scorer import Scorer
from personalize.numerics.raw_features import DEVIATION, MEAN, Statistic

LATE_STAGES = 3  # the last stages of the encoder, or blocks of a transformer, whose statistics are features
LATE = "-late"  # ends the name of a group of late statistics

Stage = tuple[list[Tensor], Tensor]
"""The class token, if there is one, and the output of a stage as a map: photos x channels x height x width."""


class ExtractorNetwork(nn.Module):
    """Pixels -> outputs, one tensor for each name in `names`."""

    names: tuple[str, ...]
    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))

    def normalised(self, pixels: UInt8[Tensor, "photos height width 3"]) -> Float[Tensor, "photos 3 height width"]:
        return (pixels.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std


class MergedNetwork(ExtractorNetwork):
    """The embedding of a merged scorer, divided by its length, and the score, standardised: mean 0, SD 1 over the bank's photos."""

    def __init__(self, scorer: Scorer, name: str, mean: Sequence[float], std: Sequence[float], score: tuple[float, float]) -> None:
        """`score` is the mean and the SD of the scorer's scores over the bank's photos."""
        super().__init__(mean, std)
        self.scorer, self.names = scorer, (name, "score")
        self.score_mean, self.score_std = score

    def forward(self, pixels: UInt8[Tensor, "photos height width 3"]) -> tuple[Float[Tensor, "photos width"], Float[Tensor, "photos"]]:
        embedding = self.scorer.encoder(self.normalised(pixels))
        score = (self.scorer.distribution(embedding) * self.scorer.levels).sum(dim=1)
        return functional.normalize(embedding, dim=1), (score - self.score_mean) / self.score_std


class StagesNetwork(ExtractorNetwork):
    """The embedding of an EfficientNet of timm, divided by its length, and its late statistics.

    Late statistics are the mean and the SD over positions of each channel of the last three stages: mean and SD of the first of them, then
    of the next.
    """

    encoder: Any  # its class in timm declares none of the parts

    def __init__(self, scorer: Scorer, name: str, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__(mean, std)
        self.encoder, self.names = scorer.encoder, (name, f"{name}{LATE}")

    @torch.no_grad()
    def statistics(self) -> list[Statistic]:
        """What the late statistics are, in their order."""
        stages = self._late_stages(torch.zeros(1, 3, 64, 64))
        return [Statistic(number, name, x.shape[1]) for number, x in stages for name in (MEAN, DEVIATION)]

    def forward(self, pixels: UInt8[Tensor, "photos height width 3"]) -> tuple[Float[Tensor, "photos width"], Float[Tensor, "photos late"]]:
        late = []
        for _, x in self._late_stages(self.normalised(pixels)):
            late += mean_and_deviation(x)
        embedding = self.encoder.bn2(self.encoder.conv_head(x)).mean(dim=(2, 3))
        return functional.normalize(embedding, dim=1), torch.cat(late, dim=1)

    def _late_stages(self, photos: Tensor) -> Iterator[tuple[int, Tensor]]:
        """The number, from 1, and the output of each of the last stages."""
        x = self.encoder.bn1(self.encoder.conv_stem(photos))
        for number, stage in enumerate(self.encoder.blocks, start=1):
            x = stage(x)
            if number > len(self.encoder.blocks) - LATE_STAGES:
                yield number, x


class EncoderNetwork(ExtractorNetwork):
    """The embedding of any encoder of OpenCLIP or timm, divided by its length, and its late statistics.

    Late statistics are those of the last three blocks of a transformer, or stages of another network: the class token where there is one,
    then the mean and the SD of each channel over the patches or positions.
    """

    encoder: Any  # classes of two libraries without a common interface

    def __init__(self, encoder: nn.Module, name: str, mean: Sequence[float], std: Sequence[float]) -> None:
        """Raises:
        BadBank: the encoder does not give the outputs of its stages.
        """
        super().__init__(mean, std)
        self.encoder, self.names = encoder, (name, f"{name}{LATE}")
        if not hasattr(self._trunk, "forward_intermediates"):
            raise BadBank(f"{type(self._trunk).__name__} does not give the outputs of its stages: choose another backbone.")

    @property
    def _trunk(self) -> Any:
        return getattr(self.encoder, "trunk", self.encoder)  # OpenCLIP wraps models of timm

    def forward(self, pixels: UInt8[Tensor, "photos height width 3"]) -> tuple[Float[Tensor, "photos width"], Float[Tensor, "photos late"]]:
        photos = self.normalised(pixels)
        embedding, stages = self._of_timm(photos) if hasattr(self._trunk, "forward_head") else self._of_open_clip(photos)
        late = []
        for tokens, positions in stages[-LATE_STAGES:]:
            late += [*tokens, *mean_and_deviation(positions)]
        return functional.normalize(embedding, dim=1), torch.cat(late, dim=1)

    def _of_open_clip(self, photos: Tensor) -> tuple[Tensor, list[Stage]]:
        found = self.encoder.forward_intermediates(photos, output_extra_tokens=True)
        positions, tokens = found["image_intermediates"], found.get("image_intermediates_prefix")
        if tokens is None:
            return found["image_features"], [([], one) for one in positions]
        return found["image_features"], [([own[:, 0]], one) for one, own in zip(positions, tokens, strict=True)]

    def _of_timm(self, photos: Tensor) -> tuple[Tensor, list[Stage]]:
        with_tokens = getattr(self._trunk, "num_prefix_tokens", 0) > 0
        last, found = self._trunk.forward_intermediates(photos, **({"return_prefix_tokens": True} if with_tokens else {}))
        embedding = self._trunk.forward_head(last)
        if self._trunk is not self.encoder:
            embedding = self.encoder.head(embedding)
        if not with_tokens:
            return embedding, [([], positions) for positions in found]
        has_class = getattr(self._trunk, "has_class_token", True)  # some models have registers alone
        return embedding, [([tokens[:, 0]] if has_class else [], positions) for positions, tokens in found]


def mean_and_deviation(x: Float[Tensor, "photos channels height width"]) -> list[Float[Tensor, "photos channels"]]:
    """Mean and SD of each channel over the positions.

    The SD is the root of the mean squared deviation, because a mean of squares minus a squared mean loses all digits where a channel hardly
    varies.
    """
    mean = x.mean(dim=(2, 3), keepdim=True)
    return [mean.flatten(1), (x - mean).square().mean(dim=(2, 3)).sqrt()]


@torch.no_grad()
def fold_norms(scorer: Scorer) -> None:
    """Fold each batch norm into the convolution before it, in place; the activation that timm adds to a norm takes the norm's place.

    After it, rounding the convolutions to half precision rounds the numbers that are stored: nothing is left to fold.
    """
    for convolution_name, norm_name in folding.pairs(scorer):
        convolution, norm = scorer.get_submodule(convolution_name), scorer.get_submodule(norm_name)
        if not isinstance(convolution, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
            raise TypeError(f"{convolution_name} and {norm_name} are not a convolution and its norm")
        mean, deviation = statistics(norm)
        slope = norm.weight * deviation
        convolution.weight.mul_(slope[:, None, None, None])
        convolution.bias = nn.Parameter(norm.bias - mean * slope, requires_grad=False)
        parent, _, name = norm_name.rpartition(".")
        setattr(scorer.get_submodule(parent), name, getattr(norm, "act", nn.Identity()))


@torch.no_grad()
def round_to_half(network: nn.Module) -> None:
    """Round every matrix and kernel to the nearest half precision number, in place; biases keep single precision.

    Raises:
        BadBank: a weight is too large for half precision, or not finite; the message names its block.
    """
    for name, value in network.named_parameters():
        if value.ndim > 1:
            value.copy_(value.half())
        if not bool(torch.isfinite(value).all()):
            raise BadBank(f"The weights {name} do not fit into half precision, so the network cannot be stored as an extractor.")
