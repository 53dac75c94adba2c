"""A bank on its way to the disk, kept so that a run that was stopped goes on where it was, however it was stopped. Needs no torch.

Until `NAME.safetensors` is whole, the folder `NAME.unfinished` lies beside it: `arrays.partial`, the file to be at its full size, and
`steps.json`, what it is made from and which steps are done. A step is written down after its arrays are on the disk, so what a stopped
step left is written over. Neither file can be taken for a bank: there are no metadata, and the bank gets its name last.
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict, TypeVar, cast

from personalize.errors import BadBank, PersonalizeError
from personalize.files import atomic_files, banks
from personalize.files.banks import BankFacts, BankMetadata
from personalize.files.mapped_arrays import ArrayWriter, Planned

Result = TypeVar("Result")


class Steps(TypedDict):
    """The file steps.json."""

    of: str  # hash of the inputs and the plan
    steps: dict[str, object]  # what each finished step answered, plain data
    missing: list[str]  # arrays that no step has written yet


class UnfinishedBank:
    """The arrays of a bank, step by step."""

    def __init__(self, folder: Path, inputs: Mapping[str, object], planned: Mapping[str, Planned]) -> None:
        self._steps, self.path = folder / "steps.json", folder / "arrays.partial"
        layout = {name: [kind.str, list(shape)] for name, (kind, shape) in planned.items()}
        self._of = hashlib.sha256(json.dumps([inputs, layout], sort_keys=True).encode()).hexdigest()
        self._done, missing = self._kept()
        self.writer = ArrayWriter(self.path, planned, {"format": banks.FORMAT}, missing)

    def step(self, name: str, work: Callable[[], Result]) -> Result:
        """Do a part of the work, which may put arrays and answers plain data; or answer what it answered before this run."""
        if name not in self._done:
            self._done[name] = work()
            self.writer.sync()
            steps: Steps = {"of": self._of, "steps": self._done, "missing": sorted(self.writer.missing)}
            atomic_files.write_text(self._steps, json.dumps(steps))
        return cast(Result, self._done[name])

    def publish(self, facts: BankFacts, out: Path) -> BankMetadata:
        """Give the whole file its metadata and its name.

        Raises:
            ValueError: a planned array never came.
        """
        self.writer.close()
        return banks.publish(self.path, facts, out)

    def _kept(self) -> tuple[dict[str, object], list[str] | None]:
        """The steps of a run before this one and what it had not written, where that run was of the same inputs."""
        try:
            before: Steps = json.loads(self._steps.read_text(encoding="utf-8"))
            if before["of"] == self._of and self.path.is_file():
                return before["steps"], before["missing"]
        except (OSError, ValueError, KeyError):
            pass
        self._steps.unlink(missing_ok=True)  # before the arrays are begun anew
        return {}, None


@contextmanager
def unfinished(out: Path, inputs: Mapping[str, object], planned: Mapping[str, Planned]) -> Iterator[UnfinishedBank]:
    """The bank to be written at `out`, as far as an earlier run with the same `inputs` (plain data: all that its bytes depend on) came.

    The folder stays where the work is stopped or a disk is full. It goes when the bank is whole, and when the inputs are refused.

    Raises:
        BadBank: `out` has another ending than a bank's file, or another process is writing it.
    """
    banks.check_name(out)
    folder = out.with_suffix(".unfinished")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadBank(f"Another process is writing {out}: wait for it, or name another file.") from error
        try:
            bank = UnfinishedBank(folder, inputs, planned)
            with bank.writer:
                yield bank
        except PersonalizeError:
            shutil.rmtree(folder)
            raise
        shutil.rmtree(folder)
