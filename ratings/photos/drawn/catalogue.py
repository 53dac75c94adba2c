"""The catalogue of drawn pictures: families, and the briefs of each family's pictures.

Every family draws each mood of palette in both contrasts and both densities, so the pictures differ in colour, contrast and density on
purpose, and the rankings of two people differ soon. Symmetry comes with the family: tilings and mandalas of reactions have it, dunes and
skylines do not. `DULL` lists those that were looked at and thrown out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from PIL import Image

from ratings.photos.about import CC0, About
from ratings.photos.drawn.families import (
    agates,
    attractors,
    bubbles,
    clouds,
    dunes,
    flows,
    forests,
    gardens,
    gradients,
    interference,
    moons,
    mosaics,
    mountains,
    papercuts,
    reactions,
    ribbons,
    seas,
    skylines,
    stars,
    subdivisions,
    tilings,
    trees,
    truchet,
    watercolours,
    weaves,
)
from ratings.photos.drawn.palettes import MOODS, of_mood
from ratings.photos.drawn.paper import Brief

CREDIT = "Drawn by PAV"
SIZES = ((1280, 960), (960, 1280), (1280, 853), (1200, 1200), (1280, 720))  # width, height
KINDS = tuple(product(MOODS, ("soft", "strong"), ("sparse", "dense")))


@dataclass(frozen=True)
class Family:
    """Pictures that one function draws."""

    key: str  # part of each picture's name; a family keeps it for ever
    alt: str  # what its pictures show
    draw: Callable[[Brief], Image.Image]


FAMILIES = (
    Family("gradients", "soft lights that run into each other", gradients.draw),
    Family("mountains", "mountains behind each other", mountains.draw),
    Family("dunes", "dunes with long shadows", dunes.draw),
    Family("seas", "a low sun over the sea", seas.draw),
    Family("clouds", "banks of cloud lit from one side", clouds.draw),
    Family("stars", "stars and glowing gas", stars.draw),
    Family("papercuts", "layers of cut paper", papercuts.draw),
    Family("watercolours", "washes of watercolour on white paper", watercolours.draw),
    Family("skylines", "a city skyline", skylines.draw),
    Family("gardens", "plants, as a botanical print", gardens.draw),
    Family("trees", "a tree, as a print", trees.draw),
    Family("attractors", "veils of points along folded curves", attractors.draw),
    Family("flows", "strokes that follow one flow", flows.draw),
    Family("mosaics", "a mosaic of glass or stones", mosaics.draw),
    Family("truchet", "winding bands on tiles", truchet.draw),
    Family("interference", "op art of stripes and rings", interference.draw),
    Family("reactions", "corals and labyrinths that grew", reactions.draw),
    Family("subdivisions", "planes divided into plain shapes", subdivisions.draw),
    Family("forests", "trunks in fog", forests.draw),
    Family("moons", "planets and moons", moons.draw),
    Family("tilings", "stars of interlaced bands", tilings.draw),
    Family("agates", "bands and veins of stone and wood", agates.draw),
    Family("bubbles", "circles packed side by side", bubbles.draw),
    Family("weaves", "cloth, thread by thread", weaves.draw),
    Family("ribbons", "ribbons and fine curves with depth", ribbons.draw),
)

DULL = frozenset(
    {
        "agates-12",
        "clouds-13",
        "dunes-08",
        "flows-08",
        "forests-12",
        "gradients-00",
        "gradients-04",
        "gradients-05",
        "gradients-12",
        "gradients-13",
        "moons-04",
        "moons-12",
        "mosaics-13",
        "mountains-00",
        "papercuts-12",
        "reactions-12",
        "seas-13",
        "skylines-13",
        "stars-13",
        "truchet-05",
        "weaves-13",
    }
)


@dataclass(frozen=True)
class Picture:
    """One picture of a family."""

    family: Family
    number: int  # place in KINDS

    @property
    def name(self) -> str:
        return f"{self.family.key}-{self.number:02}"

    @property
    def about(self) -> About:
        mood, contrast, density = KINDS[self.number]
        return About(f"Drawn picture: {self.family.alt}; {mood}, {contrast}, {density}", CREDIT, *CC0)

    def brief(self) -> Brief:
        mood, contrast, density = KINDS[self.number]
        # From the name, so that a new family leaves all other pictures as they are.
        rng = np.random.default_rng(list(self.name.encode()))
        palettes = of_mood(mood)
        width, height = SIZES[rng.integers(len(SIZES))]
        return Brief(width, height, rng, palettes[rng.integers(len(palettes))], contrast, density)

    def image(self) -> Image.Image:
        """Draw it: about a second."""
        return self.family.draw(self.brief())


def pictures() -> list[Picture]:
    """All pictures, families by turns, so that the first ones are as varied as all."""
    found = [Picture(family, (7 * turn + 5 * place) % len(KINDS)) for turn in range(len(KINDS)) for place, family in enumerate(FAMILIES)]
    return [picture for picture in found if picture.name not in DULL]
