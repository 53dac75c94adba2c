"""Projection of photos' raw features to the 256 stored features, learned from a catalogue of photos without any rating. NumPy only.

The features of a photo are (raw - centre) @ matrix. The first columns are directions with a name: the generic score, then one score per
task head, each with standard deviation 1 over the catalogue. The others are the leading principal axes of the normalised groups, which
share the mean square length 1 equally, so that a hyperprior learned on one catalogue holds on another.

References:
    Musco & Musco, NeurIPS 2015 (randomised block Krylov iteration); docs/decisions/projection-versions.md (why not subspace iteration).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from personalize.errors import BadProjection
from personalize.numerics.raw_features import RawLayout

FEATURES = 256  # stored numbers per photo
LEAST_PHOTOS = 10  # with fewer, no axis of a catalogue can be told from chance
EXTRA = 32  # directions of a block beyond the axes kept
BLOCKS = 4

Batches = Callable[[], Iterable[Float[np.ndarray, "photos raw"]]]
"""Starts a new pass over the raw features of a catalogue, batch by batch."""


@dataclass(frozen=True)
class Heads:
    """Linear scores of raw features: the generic score first, then the task heads, each in any unit."""

    names: tuple[str, ...]
    weights: Float[np.ndarray, "raw heads"]


@dataclass(frozen=True)
class Projection:
    """Features are (raw - centre) @ matrix."""

    directions: tuple[str, ...]  # names of the first columns; the first is the generic score
    centre: Float[np.ndarray, "raw"]
    matrix: Float[np.ndarray, "raw features"]

    def with_generic(self, weights: Sequence[float], deviation: float) -> "Projection":
        """The same axes and task heads with another generic score: the first features times `weights`, of this standard deviation."""
        matrix = self.matrix.copy()
        matrix[:, 0] = self.matrix[:, : len(weights)] @ np.asarray(weights, dtype=np.float32) / deviation
        return Projection(self.directions, self.centre, matrix)

    def apply(self, raw: Float[np.ndarray, "photos raw"]) -> Float[np.ndarray, "photos features"]:
        """The stored features of photos.

        Raises:
            BadProjection: the photos have another number of raw features, or one that is not finite.
        """
        check(raw, len(self.centre))
        return (raw.astype(np.float32) - self.centre) @ self.matrix


def check(raw: Float[np.ndarray, "photos raw"], width: int) -> None:
    """Raises:
    BadProjection: the photos do not have `width` raw features each, or one is not finite.
    """
    if raw.shape[1] != width:
        raise BadProjection(f"Photos have {raw.shape[1]} raw features here, but the projection takes {width}: extract them with its bank.")
    finite = np.isfinite(raw).all(axis=1)
    if not finite.all():
        bad = int(finite.argmin()) + 1
        raise BadProjection(f"The raw features of photo {bad} of {len(raw)} are not all finite numbers. Extract its features again.")


def learn(batches: Batches, layout: RawLayout, heads: Heads, generic: Sequence[float] = (), seed: int = 0) -> Projection:
    """Learn the projection of a catalogue in a few passes over it; memory does not depend on the number of photos.

    `generic` are coefficients of the task heads (without the first head) that give the generic score; by default the first head is it.

    Raises:
        BadProjection: fewer than `LEAST_PHOTOS` photos, photos that are all alike, or raw features that do not fit the layout.
    """
    moments = _Moments(layout.width)
    for raw in batches():
        check(raw, layout.width)
        moments.add(raw)
    if moments.photos < LEAST_PHOTOS:
        raise BadProjection(f"A projection is learned from at least {LEAST_PHOTOS} photos; {moments.photos} have raw features so far.")
    scale = group_scale(layout, moments.variance, equal_shares(layout))
    if not scale.any():
        raise BadProjection(f"The {moments.photos} photos are all alike, so there is nothing to tell them apart by. Add other photos.")
    centre = moments.mean
    directions = heads.weights / _deviations(batches, centre, heads.weights)
    if len(generic):
        directions[:, 0] = directions[:, 1:] @ generic
        directions[:, 0] /= _deviations(batches, centre, directions[:, :1])
    axes = _leading_axes(batches, centre, scale, FEATURES - directions.shape[1], min(moments.photos - 1, layout.width), seed)
    matrix = np.concatenate([directions, scale[:, None] * axes], axis=1)
    return Projection(heads.names, centre.astype(np.float32), matrix.astype(np.float32))


def equal_shares(layout: RawLayout) -> dict[str, float]:
    """Each group's share of the mean square length of the axes."""
    return {group.name: 1 / len(layout.groups) for group in layout.groups}


def group_scale(
    layout: RawLayout, variance: Float[np.ndarray, "raw"], shares: Mapping[str, float], used: Bool[np.ndarray, "raw"] | bool = True
) -> Float[np.ndarray, "raw"]:
    """Factor of each raw feature, so that the groups have these shares of the mean square length.

    0 for the score, for groups without a share, for what is not `used`, and for what is the same in all photos.
    """
    scale = np.zeros(layout.width)
    varied = (variance > 1e-12 * variance.max()) & used
    for group, place in layout.slices():
        factors = varied[place].astype(np.float64)
        if group.normalisation == "columns":
            factors[varied[place]] /= np.sqrt(variance[place][varied[place]])
        length = np.sqrt((factors**2 * variance[place]).sum())
        scale[place] = np.sqrt(shares.get(group.name, 0)) * factors / (length or 1)
    return scale


@dataclass
class CarryOver:
    """Least-squares map of weights from one projection to another, from the features of the same photos in both."""

    ridge: float = 1e-6  # relative to the mean square of the new features
    _new: np.ndarray = field(default_factory=lambda: np.zeros((FEATURES, FEATURES)))
    _both: np.ndarray = field(default_factory=lambda: np.zeros((FEATURES, FEATURES)))

    def add(self, new: Float[np.ndarray, "photos features"], old: Float[np.ndarray, "photos features"]) -> None:
        """Add photos."""
        new, old = new.astype(np.float64), old.astype(np.float64)
        self._new += new.T @ new
        self._both += new.T @ old

    def matrix(self) -> Float[np.ndarray, "features features"]:
        """The map: new weights = matrix @ old weights give nearly the same scores of these photos."""
        strength = self.ridge * (np.trace(self._new) / FEATURES or 1.0)
        return np.linalg.solve(self._new + strength * np.eye(FEATURES), self._both)


class _Moments:
    """Mean and variance of each raw feature, batch by batch (Chan, Golub & LeVeque 1979)."""

    def __init__(self, width: int) -> None:
        self.photos, self.mean, self._squares = 0, np.zeros(width), np.zeros(width)

    def add(self, raw: np.ndarray) -> None:
        new, mean = len(raw), raw.mean(axis=0, dtype=np.float64)
        apart, total = mean - self.mean, self.photos + new
        self._squares += ((raw - mean) ** 2).sum(axis=0) + apart**2 * (self.photos * new / total)
        self.mean, self.photos = self.mean + apart * (new / total), total

    @property
    def variance(self) -> np.ndarray:
        return self._squares / self.photos


def _deviations(batches: Batches, centre: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Standard deviation of each score over the catalogue; 1 where it does not vary."""
    squares, photos = np.zeros(weights.shape[1]), 0
    for raw in batches():
        squares += (((raw - centre) @ weights) ** 2).sum(axis=0)
        photos += len(raw)
    found = np.sqrt(squares / photos)
    return np.where(found > 1e-9, found, 1)


def _leading_axes(batches: Batches, centre: np.ndarray, scale: np.ndarray, count: int, rank: int, seed: int) -> np.ndarray:
    """(raw, count): the leading principal axes of the scaled catalogue; zeros beyond its rank.

    The axes are searched among all blocks, not in the last one alone: the spectrum of photos is so flat that the last block misses the
    weaker axes. A catalogue whose rank is that of the blocks, or less, gives its axes exactly.
    """
    shift, factor = centre.astype(np.float32), scale.astype(np.float32)

    def product(block: np.ndarray) -> np.ndarray:
        """X^T X block, X the scaled catalogue: one pass."""
        total, narrow = np.zeros(block.shape), block.astype(np.float32)
        for raw in batches():
            scaled = (raw.astype(np.float32) - shift) * factor
            total += scaled.T @ (scaled @ narrow)
        return total

    asked = min(count + EXTRA, rank)
    following = product(np.random.default_rng(seed).normal(size=(len(scale), asked)))
    basis = products = np.zeros((len(scale), 0))
    while missing := min(BLOCKS * asked, rank) - basis.shape[1]:
        orthonormal, _ = np.linalg.qr(np.concatenate([basis, following[:, :missing]], axis=1))
        block = orthonormal[:, basis.shape[1] :]
        following = product(block)
        basis, products = np.concatenate([basis, block], axis=1), np.concatenate([products, following], axis=1)
    gram = basis.T @ products
    _, rotation = np.linalg.eigh(gram + gram.T)
    kept = basis @ rotation[:, ::-1][:, : min(count, rank)]
    kept *= np.where(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])] < 0, -1, 1)  # a sign that does not depend on the seed
    return np.pad(kept, ((0, 0), (0, count - kept.shape[1])))
