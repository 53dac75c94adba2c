"""Projection of photos' raw features to the 256 stored features, learned from a catalogue of photos without any rating. NumPy only.

The features of a photo are (raw - centre) @ matrix, plus what products of two axes add (`axis_products.py`). The first columns are
directions with a name: the generic score, then one score per task head, each with standard deviation 1 over the catalogue. The others are
the leading principal axes of the normalised groups, which have equal shares, and of the products. Their mean square length is 1, so that a
hyperprior learned on one catalogue holds on another.

References:
    Musco & Musco, NeurIPS 2015 (randomised block Krylov iteration); docs/decisions/projection-versions.md (why not subspace iteration).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, Float32

from personalize.errors import BadProjection
from personalize.numerics.axis_products import AXES, SHARE, AxisProducts, products
from personalize.numerics.raw_features import RawLayout

FEATURES = 256  # stored numbers per photo
LEAST_PHOTOS = 10  # with fewer, no axis of a catalogue can be told from chance
EXTRA = 32  # directions of a block beyond the axes kept
BLOCKS = 4  # of directions that axes are searched in, one pass over the photos each
LEAST_PRODUCTS = 1e-3  # root mean square length of the products, where that of the groups is 1

Batches = Callable[[], Iterable[Float[np.ndarray, "photos raw"]]]
"""Starts a new pass over the raw features of a catalogue, batch by batch."""


@dataclass(frozen=True)
class Heads:
    """Linear scores of raw features: the generic score first, then the task heads, each in any unit."""

    names: tuple[str, ...]
    weights: Float[np.ndarray, "raw heads"]


@dataclass(frozen=True)
class Projection:
    """Features are (raw - centre) @ matrix, plus those of the products."""

    directions: tuple[str, ...]  # names of the first columns; the first is the generic score
    centre: Float[np.ndarray, "raw"]
    matrix: Float[np.ndarray, "raw features"]
    products: AxisProducts | None = None  # projections of earlier versions have none

    def with_generic(self, weights: Sequence[float], deviation: float) -> "Projection":
        """The same axes and task heads with another generic score: `direction(weights)`, whose standard deviation is `deviation`."""
        matrix = self.matrix.copy()
        matrix[:, 0] = self.direction(weights) / deviation
        return replace(self, matrix=matrix)

    def direction(self, weights: Sequence[float]) -> Float[np.ndarray, "raw"]:
        """Weights of raw features that the first features, times these weights, have.

        Products of axes are left out: they belong to this projection, and a direction is kept when another one is learned.
        """
        return np.asarray(self.matrix[:, : len(weights)] @ np.asarray(weights, dtype=np.float32))

    def apply(self, raw: Float[np.ndarray, "photos raw"]) -> Float[np.ndarray, "photos features"]:
        """The stored features of photos.

        Raises:
            BadProjection: the photos have another number of raw features, or one that is not finite.
        """
        check(raw, len(self.centre))
        shifted = raw.astype(np.float32) - self.centre
        features = shifted @ self.matrix
        return features + self.products.features(shifted) if self.products else features


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
    shift = centre.astype(np.float32)

    def shifted() -> Iterator[np.ndarray]:
        return (raw.astype(np.float32) - shift for raw in batches())

    axes, of_products = _axes(shifted, moments.photos, scale, FEATURES - directions.shape[1], seed)
    matrix = np.concatenate([directions, axes], axis=1).astype(np.float32)
    if of_products:
        none = np.zeros((len(of_products.centre), directions.shape[1]), dtype=np.float32)  # directions are linear
        of_products = replace(of_products, matrix=np.concatenate([none, of_products.matrix], axis=1))
    return Projection(heads.names, shift, matrix, of_products)


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


def _axes(shifted: Batches, photos: int, scale: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, AxisProducts | None]:
    """(raw, count): the axes of raw features, and of the products where there are any.

    `shifted` are raw vectors minus the mean one; `scale` is that of the groups.
    """
    factor = scale.astype(np.float32)

    def of_raw_features(count: int) -> np.ndarray:
        return factor[:, None] * _leading_axes(lambda: (raw * factor for raw in shifted()), photos - 1, len(scale), count, seed)

    leading = of_raw_features(AXES)
    moments = _Moments(AXES * (AXES - 1) // 2)
    for raw in shifted():
        moments.add(products(raw @ leading))
    length = np.sqrt(moments.variance.sum())
    if length < LEAST_PRODUCTS:  # all photos lie on one axis, but for rounding
        return of_raw_features(count), None
    raw_factor, product_factor = factor * np.float32(np.sqrt(1 - SHARE)), np.float32(np.sqrt(SHARE) / length)
    centre = moments.mean.astype(np.float32)

    def rows() -> Iterator[np.ndarray]:
        return (np.concatenate([raw * raw_factor, (products(raw @ leading) - centre) * product_factor], axis=1) for raw in shifted())

    axes = _leading_axes(rows, photos - 1, len(scale) + len(centre), count, seed)
    return raw_factor[:, None] * axes[: len(scale)], AxisProducts(leading, centre, product_factor * axes[len(scale) :])


def _leading_axes(rows: Batches, rank: int, width: int, count: int, seed: int) -> Float32[np.ndarray, "width count"]:
    """The leading principal axes of centred rows of this width, and of this rank or less; zeros beyond it.

    The axes are searched among all blocks, not in the last one alone: the spectrum of photos is so flat that the last block misses the
    weaker axes. A catalogue whose rank is that of the blocks, or less, gives its axes exactly.
    """

    def product(block: np.ndarray) -> np.ndarray:
        """X^T X block, X all rows: one pass."""
        total, narrow = np.zeros(block.shape), block.astype(np.float32)
        for some in rows():
            total += some.T @ (some @ narrow)
        return total

    rank = min(rank, width)
    asked = min(count + EXTRA, rank)
    following = product(np.random.default_rng(seed).normal(size=(width, asked)))
    basis = images = np.zeros((width, 0))
    while missing := min(BLOCKS * asked, rank) - basis.shape[1]:
        orthonormal, _ = np.linalg.qr(np.concatenate([basis, following[:, :missing]], axis=1))
        block = orthonormal[:, basis.shape[1] :]
        following = product(block)
        basis, images = np.concatenate([basis, block], axis=1), np.concatenate([images, following], axis=1)
    gram = basis.T @ images
    _, rotation = np.linalg.eigh(gram + gram.T)
    kept = basis @ rotation[:, ::-1][:, : min(count, rank)]
    kept *= np.where(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])] < 0, -1, 1)  # a sign that does not depend on the seed
    return np.pad(kept, ((0, 0), (0, count - kept.shape[1]))).astype(np.float32)
