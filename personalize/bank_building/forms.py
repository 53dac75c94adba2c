"""Forms in which a bank stores its task vectors, by name. Needs no torch."""

from dataclasses import dataclass

from personalize.errors import BadOption, UnknownName

FORMS: dict[str, str] = {
    "full": "single precision",
    "half": "half precision",
    "factorised": "matrices as products of two thin ones (truncated singular value decomposition), all in half precision",
    "quantised": "matrices in 8 bits a number with one scale an output row, all else in half precision",
}


@dataclass(frozen=True)
class Form:
    """How task vectors are stored."""

    name: str
    rank: int = 16  # of factors

    def __post_init__(self) -> None:
        if self.name not in FORMS:
            raise UnknownName("form of task vectors", self.name, list(FORMS))
        if self.rank < 1:
            raise BadOption(f"The rank of factors is {self.rank}: it must be at least 1.")

    @property
    def facts(self) -> dict[str, object]:
        """For metadata."""
        return {"name": self.name, "meaning": FORMS[self.name]} | ({"rank": self.rank} if self.name == "factorised" else {})
