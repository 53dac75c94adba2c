"""Features and looks of all drawn pictures, stored because drawing and describing them takes minutes.

To write the file anew after a change of families, bank or projection: `python -m tests.personalize.drawn_pictures`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from ratings.photos.drawn.catalogue import Picture, pictures

STORED = Path(__file__).parent / "stored" / "drawn-pictures.npz"
LOOKS = ("warmth", "contrast", "detail")


@dataclass(frozen=True)
class Described:
    """Drawn pictures in numbers."""

    names: list[str]
    features: np.ndarray  # (pictures, 256), in the projection that came with the bank: the one that ranks in the first minutes
    looks: np.ndarray  # (pictures, 3), see LOOKS

    def look(self, name: str) -> np.ndarray:
        """(pictures,) one look, standardised over the pictures."""
        values = self.looks[:, LOOKS.index(name)]
        return (values - values.mean()) / values.std()


def stored() -> Described:
    with np.load(STORED, allow_pickle=False) as file:
        return Described(file["names"].tolist(), file["features"].astype(np.float32), file["looks"].astype(float))


def described(chosen: Sequence[Picture]) -> Described:
    """Draw pictures at half the size and describe them: features hardly change, and drawing takes a quarter of the time."""
    from personalize.files import taste_parts
    from personalize.scorers.feature_extraction import FeatureExtractor

    extractor, projection = FeatureExtractor(), taste_parts.read().projection
    features, looks = [], []
    for picture in chosen:
        image = _small(picture)
        raw = extractor.raw([image]).astype(np.float16).astype(np.float32)
        features.append(projection.apply(raw)[0])
        looks.append(_looks(image))
    return Described([picture.name for picture in chosen], np.array(features), np.array(looks))


def _small(picture: Picture) -> Image.Image:
    brief = picture.brief()
    return picture.family.draw(replace(brief, width=brief.width // 2, height=brief.height // 2))


def _looks(image: Image.Image) -> list[float]:
    pixels = np.asarray(image.resize((256, 256)), float) / 255
    grey = pixels.mean(axis=-1)
    return [(pixels[..., 0] - pixels[..., 2]).mean(), grey.std(), np.hypot(*np.gradient(grey)).mean()]


if __name__ == "__main__":
    all_of_them = described(pictures())
    np.savez_compressed(
        STORED,
        names=np.array(all_of_them.names),
        features=all_of_them.features.astype(np.float16),
        looks=all_of_them.looks.astype(np.float32),
    )
