"""The taste part of a bank: what instant fits need of it. Task heads, the projection of the bank's own photos, and the hyperprior.

One safetensors file next to the bank's, which never changes with it: a bank of gigabytes gets new task heads in a second. The metadata name
the file with its sha256. Needs no torch.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from personalize.errors import BadBank, BadProjection
from personalize.files import atomic_files, banks
from personalize.files.banks import BankMetadata, TasteFacts, TasteRow
from personalize.files.photo_files import digest_array, digests_of_array
from personalize.numerics.axis_products import AxisProducts
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.projection import Heads, Projection

OF_THE_FILE = ("file", "bytes", "sha256")  # keys of the row that say what the file must be
REPAIR = "Fetch the bank again, or write it with ./pav train_generic_score."


@dataclass(frozen=True)
class TastePart:
    """The taste part of a bank, in memory."""

    heads: Heads
    projection: Projection | None  # of the photos that the heads were trained on; None: the installation learns one from its own photos
    hyperprior: Hyperprior
    trained_on: frozenset[str] = frozenset()  # digests of the photos whose scores trained a head
    hyperprior_of: frozenset[str] = frozenset()  # digests of the photos whose raters taught the hyperprior
    facts: TasteFacts = field(default_factory=TasteFacts)

    @property
    def has_generic_score(self) -> bool:
        """Whether the bank scores photos for everyone; without task vectors and task heads it does not."""
        return bool(self.heads.weights[:, 0].any())


def write(part: TastePart, bank: Path) -> BankMetadata:
    """Write the taste part of the bank at `bank` next to it, and its row into the metadata; replaces the one before.

    Raises:
        BadBank: the metadata cannot be read.
    """
    file = bank.with_name(f"{bank.stem}.taste.safetensors")
    arrays = {
        "heads/names": _names(part.heads.names),
        "heads/weights": part.heads.weights.astype(np.float32),
        **{f"hyperprior/{name}": getattr(part.hyperprior, name) for name in Hyperprior.AXES},
        "trained_on": digest_array(part.trained_on),
        "hyperprior_of": digest_array(part.hyperprior_of),
        **(_projection_arrays(part.projection) if part.projection else {}),
    }
    with atomic_files.replacing(file) as partial:
        partial.write_bytes(save(arrays))
        row: TasteRow = {"file": file.name, "bytes": partial.stat().st_size, "sha256": banks.sha256(partial), **part.facts}
    return banks.put_taste(row, bank)


def read(bank: Path = banks.DEFAULT) -> TastePart:
    """The taste part of the bank at `bank`, after checking its file against the metadata.

    Raises:
        BadBank: there is none, or the file is missing, damaged or not the one in the metadata.
    """
    row = banks.read_metadata(bank).facts.get("taste")
    if not row:
        raise BadBank(f"{bank} has no taste part, which instant fits need: write it with ./pav train_generic_score.")
    file = bank.with_name(row["file"])
    try:
        digest, arrays = banks.sha256(file), load(file.read_bytes())
    except (OSError, SafetensorError) as error:
        raise BadBank(f"{file} cannot be read: {error}. {REPAIR}") from error
    if digest != row["sha256"]:
        raise BadBank(f"{file} has sha256 {digest}, the bank's metadata say {row['sha256']}. {REPAIR}")
    try:
        heads = Heads(_text(arrays["heads/names"]), arrays["heads/weights"].astype(np.float64))
        return TastePart(
            heads,
            _projection(arrays) if "projection/matrix" in arrays else None,
            _hyperprior(arrays, heads=len(heads.names) - 1),
            digests_of_array(arrays["trained_on"]),
            digests_of_array(arrays["hyperprior_of"]),
            cast(TasteFacts, {name: value for name, value in row.items() if name not in OF_THE_FILE}),
        )
    except KeyError as error:
        raise BadBank(f"{file} has no array {error}. {REPAIR}") from error


def photos_seen(bank: Path) -> frozenset[str]:
    """Digests of the photos whose scores a bank has seen, in a task vector or in a head: no result may be measured on them.

    Raises:
        BadBank: see `banks.read` and `read`.
    """
    seen = digests_of_array(banks.read(bank, prefix="seen").get("seen", ()))  # imported banks have no array `seen`
    has_heads = "taste" in banks.read_metadata(bank).facts
    return seen | read(bank).trained_on if has_heads else seen


def projection_to_bytes(projection: Projection) -> bytes:
    """A projection as safetensors: 5.2 MB."""
    return save(_projection_arrays(projection))


def projection_of_bytes(data: bytes) -> Projection:
    """Read what `projection_to_bytes` wrote.

    Raises:
        BadProjection: the bytes are something else.
    """
    with _stored_arrays(data) as arrays:
        return _projection(arrays)


def directions_of_bytes(data: bytes) -> tuple[str, ...]:
    """The names of the first columns of a stored projection, without its matrix, which takes several megabytes.

    Raises:
        BadProjection: the bytes are something else.
    """
    with _stored_arrays(data) as arrays:
        return _text(arrays["projection/directions"])


@contextmanager
def _stored_arrays(data: bytes) -> Iterator[dict[str, np.ndarray]]:
    try:
        yield load(data)
    except (KeyError, ValueError, SafetensorError) as error:
        raise BadProjection(f"A stored projection cannot be read ({error}). Learn another one with ./pav learn_projection.") from error


def _projection_arrays(projection: Projection) -> dict[str, np.ndarray]:
    arrays = {
        "projection/directions": _names(projection.directions),
        "projection/centre": projection.centre.astype(np.float32),
        "projection/matrix": projection.matrix.astype(np.float16),
    }
    if products := projection.products:
        arrays |= {
            "projection/products/axes": products.axes.astype(np.float16),
            "projection/products/centre": products.centre.astype(np.float32),
            "projection/products/matrix": products.matrix.astype(np.float16),
        }
    return arrays


def _projection(arrays: dict[str, np.ndarray]) -> Projection:
    directions, centre = _text(arrays["projection/directions"]), arrays["projection/centre"]
    products = None
    if "projection/products/axes" in arrays:  # projections of earlier versions have none
        axes, mean, of_products = (arrays[f"projection/products/{name}"].astype(np.float32) for name in ("axes", "centre", "matrix"))
        products = AxisProducts(axes, mean, of_products)
    return Projection(directions, centre, arrays["projection/matrix"].astype(np.float32), products)


def _hyperprior(arrays: dict[str, np.ndarray], heads: int) -> Hyperprior:
    trust, base, head, feature, noise, weights = (arrays[f"hyperprior/{name}"].astype(np.float64) for name in Hyperprior.AXES)
    return Hyperprior(trust, base, head, feature, noise, weights, heads)


def _names(names: Iterable[str]) -> np.ndarray:
    return np.frombuffer(json.dumps(list(names)).encode(), dtype=np.uint8)


def _text(array: np.ndarray) -> tuple[str, ...]:
    return tuple(json.loads(array.tobytes()))
