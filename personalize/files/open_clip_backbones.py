"""OpenCLIP image towers as backbones: any model name, and any tag of published weights, in the library.

Cherti et al., "Reproducible Scaling Laws for Contrastive Language-Image Learning", CVPR 2023. A name is `ViT-L-14` or, with the tag of its
weights, `ViT-L-14/laion2b_s32b_b82k`. The text tower is never built.
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import huggingface_hub
import open_clip
from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME, OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import _build_vision_tower  # create_model would also build the text tower, which may need the network
from open_clip.pretrained import download_pretrained, get_pretrained_cfg
from torch import nn

from personalize.errors import MissingWeights
from personalize.files.images import Preprocessing

MARGIN = 256 / 224  # short side of the resized photo / side of its centre crop, as in the paper's protocol
SECONDS_TO_ANSWER = 10
PAPER_TAG = "datacomp_xl_s13b_b90k"  # of the weights that Yun & Choo (ECCV 2024) start from
DEFAULT_TAGS = {"ViT-B-16": PAPER_TAG, "ViT-L-14": PAPER_TAG}


@dataclass(frozen=True)
class Tower:
    """An image tower of OpenCLIP with the tag of its weights; without a tag, weights must come from a file."""

    model: str
    tag: str | None

    @property
    def config(self) -> dict[str, Any]:
        found: dict[str, Any] = open_clip.get_model_config(self.model)
        return found

    @property
    def published(self) -> dict[str, Any]:
        """OpenCLIP's entry for the tagged weights: their location, and the mean and standard deviation for normalisation."""
        found: dict[str, Any] = get_pretrained_cfg(self.model, self.tag) if self.tag else {}
        return found

    @property
    def width(self) -> int:
        return int(self.config["embed_dim"])

    @property
    def preprocessing(self) -> Preprocessing:
        side = self.config["vision_cfg"].get("image_size", 224)
        mean, std = self.published.get("mean", OPENAI_DATASET_MEAN), self.published.get("std", OPENAI_DATASET_STD)
        return Preprocessing(resize=round(side * MARGIN), crop=side, mean=tuple(mean), std=tuple(std))

    @property
    def page(self) -> str:
        """The model page with the weights, as `owner/name`; empty where there is none."""
        return os.path.split(self.published.get("hf_hub", ""))[0]

    def build(self) -> nn.Module:
        """The tower as OpenCLIP initialises it, with torch's global generator; QuickGELU where the configuration or the tag requires it."""
        config = self.config
        settings = config["vision_cfg"] | {"output_tokens": False}  # only the pooled embedding
        quick = config.get("quick_gelu", False) or self.published.get("quick_gelu", False)
        tower: nn.Module = _build_vision_tower(config["embed_dim"], settings, quick)
        return tower

    def weights(self) -> Path:
        """The file of the tagged weights, from the hub's cache or downloaded.

        Raises:
            MissingWeights: neither is possible; the message names the files to fetch.
        """
        name = f"{self.model}/{self.tag}" if self.tag else self.model
        if not self.published:
            tags = ", ".join(f"{self.model}/{tag}" for tag in open_clip.list_pretrained_tags_by_model(self.model))
            choice = f"name one of the published ones ({tags}), or " if tags else ""
            raise MissingWeights(f"The weights of {self.model} are not specified: {choice}give a file with --weights.")
        files = self._files()
        for file in files:
            cached = huggingface_hub.try_to_load_from_cache(self.page, file) if self.page else None
            if isinstance(cached, str):
                return Path(cached)
        try:
            check_network()
            return Path(download_pretrained(self.published))
        except Exception as error:  # any error of the network or of two client libraries
            raise MissingWeights(
                f"The weights of {name} are not on this machine and cannot be downloaded: "
                f"fetch {' or '.join(files)} from the model page {self.page or self.model} on a machine with a network, "
                "and give the file with --weights FILE."
            ) from error

    def _files(self) -> list[str]:
        file = os.path.split(self.published.get("hf_hub", ""))[1] or HF_WEIGHTS_NAME
        return [HF_SAFE_WEIGHTS_NAME, file] if file == HF_WEIGHTS_NAME else [file]


def find(name: str) -> Tower | None:
    """The tower `NAME` or `NAME/TAG`, or None where OpenCLIP has no such name."""
    model, _, tag = name.partition("/")
    if model not in open_clip.list_models() or (tag and not get_pretrained_cfg(model, tag)):
        return None
    return Tower(model, tag or DEFAULT_TAGS.get(model) or _only_tag(model))


def tags(name: str) -> list[str]:
    """`NAME/TAG` for every tag of a model name in OpenCLIP."""
    model = name.partition("/")[0]
    return [f"{model}/{tag}" for tag in open_clip.list_pretrained_tags_by_model(model)]


def check_network() -> None:
    """Check the connection to the hub once: without a network, its client retries ten times.

    Raises:
        OSError: no connection.
    """
    address = urlsplit(huggingface_hub.constants.ENDPOINT)
    if address.hostname and not getproxies().get("https"):  # behind a proxy, only the client can check
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname, port), timeout=SECONDS_TO_ANSWER).close()


def _only_tag(model: str) -> str | None:
    known = open_clip.list_pretrained_tags_by_model(model)
    return known[0] if len(known) == 1 else None
