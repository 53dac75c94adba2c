"""timm's models as backbones: any architecture with published weights in the library, by the name `timm/NAME` or `timm/NAME.TAG`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub
import timm
import torch
from timm.models import PretrainedCfg
from torch import Tensor, nn

from personalize.errors import MissingWeights
from personalize.files import weight_files
from personalize.files.images import Preprocessing
from personalize.files.open_clip_backbones import check_network

PREFIX = "timm/"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class TimmModel:
    """An architecture of timm with the tag of its weights."""

    name: str
    published: PretrainedCfg

    @property
    def width(self) -> int:
        """Of the pooled embedding."""
        with torch.device("meta"):
            model: Any = self.build()
        return int(getattr(model, "head_hidden_size", None) or model.num_features)

    @property
    def preprocessing(self) -> Preprocessing:
        facts = self.published
        side = facts.input_size[-1]
        return Preprocessing.of({"resize": round(side / facts.crop_pct), "crop": side, "mean": facts.mean, "std": facts.std})

    @property
    def licence(self) -> str:
        return self.published.license or "see its model page"

    def build(self) -> nn.Module:
        """The model without its classifier, as timm initialises it with torch's global generator; returns the pooled embedding."""
        model: nn.Module = timm.create_model(self.name, num_classes=0)
        return model

    def tensors(self, path: Path) -> Mapping[str, Tensor]:
        """The tensors in a weights file but those of the classifier."""
        classifier = self.published.classifier or ()
        names = (classifier,) if isinstance(classifier, str) else tuple(classifier)
        held = weight_files.read(path)
        return {key: value for key, value in held.items() if not key.startswith(tuple(f"{name}." for name in names))}

    def weights(self) -> Path:
        """The file of the published weights, from the hub's cache or downloaded.

        Raises:
            MissingWeights: neither is possible; the message names the file to fetch.
        """
        page = self.published.hf_hub_id
        if not page:
            raise MissingWeights(f"timm names no weights of {self.name} on the hub: give a file with --weights FILE.")
        cached = huggingface_hub.try_to_load_from_cache(page, WEIGHTS)
        if isinstance(cached, str):
            return Path(cached)
        try:
            check_network()
            return Path(huggingface_hub.hf_hub_download(page, WEIGHTS))
        except Exception as error:  # any error of the network or of the hub's client
            raise MissingWeights(
                f"The weights of {PREFIX}{self.name} are not on this machine and cannot be downloaded: fetch {WEIGHTS} from the model page "
                f"{page} on a machine with a network, and give the file with --weights FILE."
            ) from error


def find(name: str) -> TimmModel | None:
    """The model of a name `timm/NAME` or `timm/NAME.TAG`, or None where timm has no such name."""
    own = name.removeprefix(PREFIX)
    if own == name or not timm.is_model(own):
        return None
    published = timm.get_pretrained_cfg(own, allow_unregistered=False)
    return TimmModel(own, published) if published else None
