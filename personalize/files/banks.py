"""Banks on disk: base weights, task vectors, projection and hyperprior in one safetensors file, and a card beside it.

Needs no torch: web-side workers read the card and the hyperprior alone. A card is JSON that a person can read: what the bank was
made of, from what, with which seed, how good each task model is. It names the sha256 of the file; reading checks it. All arrays, and
what changed between the formats, are in docs/banks.md.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from personalize import __version__
from personalize.errors import BadBank
from personalize.files import whole_texts
from personalize.numerics.grid import Hyperprior
from personalize.numerics.projection import Projection

FORMAT = "pav-bank-2"
READABLE = ("pav-bank-1", FORMAT)
DEFAULT = Path(__file__).parent.parent / "bank" / "efficientnet_lite0.safetensors"
UNKNOWN = "unknown"  # in cards, of what nobody recorded

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Card:
    """What a bank says of itself."""

    backbone: str
    tasks: tuple[str, ...]
    sha256: str
    facts: dict[str, Any]  # the whole card

    @property
    def hash(self) -> str:
        """Short name of this very bank, for tables."""
        return self.sha256[:16]


def write(arrays: Mapping[str, np.ndarray], facts: dict[str, Any], path: Path) -> Card:
    """Write a bank and its card; existing files are replaced only once the new ones are whole."""
    with writing(path) as partial:
        save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, partial, metadata={"format": FORMAT})
        return publish(partial, facts, path)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """The file beside `path` that a bank is written to until it is whole; gone in the end, whatever happened.

    Raises:
        BadBank: `path` has another ending than a bank's file.
    """
    check_name(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    try:
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def check_name(path: Path) -> None:
    """Raises:
    BadBank: `path` has another ending than a bank's file.
    """
    if path.suffix != ".safetensors":
        raise BadBank(f"A bank's file ends in .safetensors, its card beside it in .json; {path} does not.")


def publish(partial: Path, facts: dict[str, Any], path: Path) -> Card:
    """Give a finished file its card and its name; existing ones are replaced. The card says which version of PAV wrote the file."""
    told = {name: value for name, value in facts.items() if name not in ("format", "pav_version", "bytes", "sha256")}
    facts = {"format": FORMAT, "pav_version": __version__, **told, "bytes": partial.stat().st_size, "sha256": sha256(partial)}
    partial.replace(path)
    whole_texts.write(path.with_suffix(".json"), json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    return _card(facts)


def read_card(path: Path = DEFAULT) -> Card:
    """The card of the bank at `path`.

    Raises:
        BadBank: there is no card, or it is of another format.
    """
    card_path = path.with_suffix(".json")
    try:
        facts = json.loads(card_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadBank(f"{card_path} cannot be read: {error}. Make a bank with ./pav build_bank.") from error
    if facts.get("format") not in READABLE:
        raise BadBank(f"{card_path} has format {facts.get('format')!r}; this version reads {' and '.join(READABLE)}.")
    return _card(facts)


def licences(facts: Mapping[str, Any]) -> dict[str, str]:
    """Licence of the database behind each task vector, as a bank's card records it; `unknown` where it does not."""
    return {task: str(_record(facts, task).get("licence", UNKNOWN)) for task in facts["tasks"]}


def trained_on(facts: Mapping[str, Any]) -> dict[str, str]:
    """What each task vector was trained on, as a bank's card records it; `unknown` where it does not."""
    records = {task: _record(facts, task) for task in facts["tasks"]}
    return {task: str(record.get("source") or record.get("database", UNKNOWN)) for task, record in records.items()}


def check(path: Path, card: Card) -> None:
    """The file is the one that its card describes.

    Raises:
        BadBank: missing, or another one.
    """
    try:
        digest = sha256(path)
    except OSError as error:
        raise BadBank(f"{path} cannot be read: {error}.") from error
    if digest != card.sha256:
        raise BadBank(f"{path} has sha256 {digest}, its card says {card.sha256}: fetch the bank again.")


def read(path: Path = DEFAULT, *, prefix: str = "") -> Arrays:
    """The arrays of a bank whose names begin with `prefix`, in memory, after checking the file against its card.

    Large banks are better opened than read: see `open_banks`.

    Raises:
        BadBank: missing, damaged, or not the file that the card describes.
    """
    check(path, read_card(path))
    try:
        with safe_open(path, framework="np") as file:
            return {name: file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise BadBank(f"{path} cannot be read: {error}.") from error


def sha256(path: Path) -> str:
    """Of a file of any size, a piece at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hyperprior(arrays: Mapping[str, np.ndarray]) -> Hyperprior:
    """The hyperprior that a bank ships.

    Raises:
        BadBank: it ships none.
    """
    if "hyperprior/weights" not in arrays:
        raise BadBank("This bank ships no hyperprior, which the fits of the app need: make one with ./pav import_bank or ./pav build_bank.")
    axes = (arrays[f"hyperprior/{name}"].astype(np.float64) for name in ("trust", "base", "feature", "noise", "weights"))
    return Hyperprior(*axes)


def hyperprior_arrays(learned: Hyperprior) -> Arrays:
    return {f"hyperprior/{name}": getattr(learned, name) for name in ("trust", "base", "feature", "noise", "weights")}


def projection(arrays: Mapping[str, np.ndarray]) -> Projection:
    """The projection that a bank fixes.

    Raises:
        BadBank: it has none, so it cannot describe photos for the app; fits and evaluation by its network need none.
    """
    if "projection/score" not in arrays:
        raise BadBank("This bank has no projection, which describing photos needs: import it with --photos DIR.")
    mean, std = arrays["projection/score"]
    groups = tuple(bytes(arrays["projection/groups"]).decode().split())
    return Projection(groups, float(mean), float(std), arrays["projection/centre"], arrays["projection/axes"].astype(np.float32))


def projection_arrays(learned: Projection) -> Arrays:
    return {
        "projection/score": np.array([learned.score_mean, learned.score_std]),
        "projection/groups": np.frombuffer(" ".join(learned.groups).encode(), dtype=np.uint8),
        "projection/centre": learned.centre.astype(np.float32),
        "projection/axes": learned.axes.astype(np.float16),
    }


def _record(facts: Mapping[str, Any], task: str) -> Mapping[str, Any]:
    """What a card says of a task vector's making: of its training, or of the checkpoint that it was imported from."""
    return {**facts.get("sources", {}).get(task, {}), **facts.get("trained", {}).get(task, {})}


def _card(facts: dict[str, Any]) -> Card:
    return Card(facts["backbone"], tuple(facts["tasks"]), facts["sha256"], facts)
