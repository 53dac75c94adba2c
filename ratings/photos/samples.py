"""Sample photos: photographs from installed packages, each as it is and cropped closer. `ratings.photos.drawn` has more to rate.

Nothing is downloaded or committed. Each source is identified by the sha256 of its file: if a package replaces a photo, the licence
recorded here may not apply to the new one, so it is skipped. `docs/photos.md` shows the same table.
"""

import hashlib
import importlib.util
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ratings.photos.about import CC0, About

CC_BY_2 = ("CC BY 2.0", "https://creativecommons.org/licenses/by/2.0/")


@dataclass(frozen=True)
class Source:
    """A photograph in an installed package, with its credit and licence."""

    key: str  # part of each sample's name
    package: str  # name of the package
    path: str  # of the file in the package
    sha256: str  # of the file's content
    alt: str  # alternative text
    credit: str
    licence: str
    licence_url: str
    found_at: str  # where the package got it from, if it says so
    close_up: tuple[float, float, float, float] = (0.2, 0.2, 0.8, 0.8)  # left, top, right, bottom of the crop, as fractions of the image


SOURCES = (
    Source("astronaut", "skimage", "data/astronaut.png", "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
           "An astronaut in an orange suit, smiling, a shuttle model behind her",
           "NASA", "Public domain", "", "https://flic.kr/p/r9qvLn", close_up=(0.22, 0.0, 0.78, 0.56)),
    Source("cat", "skimage", "data/chelsea.png", "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
           "A ginger cat looking to the side",
           "Stefan van der Walt", *CC0, "", close_up=(0.2, 0.05, 0.9, 0.75)),
    Source("coffee", "skimage", "data/coffee.png", "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
           "A red cup of coffee on a wooden table",
           "Rachel Michetti, courtesy of Pikolo Espresso Bar", *CC0, "", close_up=(0.22, 0.0, 0.85, 0.7)),
    Source("rocket", "skimage", "data/rocket.jpg", "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
           "A rocket between lattice towers at dusk",
           "SpaceX", "Public domain",
           "http://arstechnica.com/tech-policy/2015/03/elon-musk-puts-spacex-photos-into-the-public-domain/",
           "https://www.flickr.com/photos/spacexphotos/16511594820/in/photostream/", close_up=(0.25, 0.2, 0.75, 1.0)),
    Source("galaxies", "skimage", "data/hubble_deep_field.jpg", "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
           "Hundreds of coloured galaxies in black space",
           "NASA", "Public domain", "http://www.nasa.gov/audience/formedia/features/MP_Photo_Guidelines.html",
           "http://hubblesite.org/newscenter/archive/releases/2012/37/image/a/", close_up=(0.45, 0.35, 0.95, 0.85)),
    Source("pavilion", "sklearn", "datasets/images/china.jpg", "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
           "A Chinese pavilion with many roofs above a lake",
           "danielbuechele on Flickr", *CC_BY_2,
           "https://www.flickr.com/photos/danielbuechele/6061409035/sizes/z/in/photostream/", close_up=(0.08, 0.0, 0.68, 0.8)),
    Source("dahlia", "sklearn", "datasets/images/flower.jpg", "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
           "An orange dahlia in front of dark leaves",
           "vultilion on Flickr", *CC_BY_2,
           "https://www.flickr.com/photos/vultilion/6056698931/sizes/z/in/photostream/", close_up=(0.2, 0.05, 0.75, 0.85)),
    Source("cameraman", "skimage", "data/camera.png", "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
           "A man in a coat behind a camera on a tripod",
           "Lav Varshney", *CC0, "", close_up=(0.05, 0.08, 0.75, 0.72)),
    Source("coins", "skimage", "data/coins.png", "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
           "Four rows of old Greek coins on dark ground",
           "Brooklyn Museum", "No known copyright restrictions", "",
           "https://www.brooklynmuseum.org/opencollection/archives/image/51611", close_up=(0.0, 0.4, 0.62, 1.0)),
    Source("bricks", "skimage", "data/brick.png", "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
           "A brick wall seen at an angle",
           "CC0Textures", *CC0, "https://cc0textures.com/view.php?tex=Bricks25", close_up=(0.3, 0.3, 0.8, 0.8)),
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A source, as it is or cropped closer."""

    source: Source
    is_close_up: bool

    @property
    def name(self) -> str:
        return f"{self.source.key}-close-up.png" if self.is_close_up else f"{self.source.key}.png"

    @property
    def about(self) -> About:
        """The author, and the change if there is one: attribution licences require both."""
        source = self.source
        alt = f"{source.alt}, cropped closer" if self.is_close_up else source.alt
        credit = f"{source.credit} (changed: cropped closer)" if self.is_close_up else source.credit
        return About(alt, credit, source.licence, source.licence_url, source.found_at)

    def image(self) -> Image.Image:
        whole = _opened(self.source)
        left, top, right, bottom = self.source.close_up
        width, height = whole.size
        box = (round(left * width), round(top * height), round(right * width), round(bottom * height))
        return whole.crop(box) if self.is_close_up else whole


def samples() -> list[Sample]:
    """All samples whose source is installed: the whole photographs, then the crops."""
    installed = [source for source in SOURCES if _file(source) is not None]
    return [Sample(source, is_close_up) for is_close_up in (False, True) for source in installed]


def missing() -> Iterator[Source]:
    """Sources that are not installed, or whose file has changed since its licence was recorded here."""
    return (source for source in SOURCES if _file(source) is None)


def _file(source: Source) -> Path | None:
    spec = importlib.util.find_spec(source.package)  # finds the folder without importing the package
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / source.path
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == source.sha256:
            return path
    return None


def _opened(source: Source) -> Image.Image:
    path = _file(source)
    if path is None:
        raise FileNotFoundError(f"{source.path} of {source.package} is not installed, or has changed since its licence was recorded")
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return image.convert("RGB")
