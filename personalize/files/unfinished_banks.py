"""Resumable writing of banks: an interrupted run continues after its last finished step. Needs no torch.

Until the bank is complete, the folder `NAME.unfinished` is next to it, with `files/NAME.partial`, the bank's file at its full size, and
`steps.json`, a hash of the inputs and the finished steps. A step is recorded after its arrays are on the disk, so the data of an
interrupted step is overwritten. The file cannot be mistaken for a bank: it has no metadata until all arrays are in it. From then on it
opens as a bank, and steps may write its extractors and its taste part next to it. In the end all of `files` moves to its place, the
metadata last.
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
    steps: dict[str, object]  # results of the finished steps, plain data
    missing: list[str]  # arrays that are not written yet


class UnfinishedBank:
    """A bank that is written in steps."""

    def __init__(self, folder: Path, out: Path, inputs: Mapping[str, object], planned: Mapping[str, Planned]) -> None:
        self.folder, self._out = folder, out
        self._steps, self.path = folder / "steps.json", folder / "files" / f"{out.stem}.partial"
        self.path.parent.mkdir(exist_ok=True)
        layout = {name: [kind.str, list(shape)] for name, (kind, shape) in planned.items()}
        self._of = hashlib.sha256(json.dumps([inputs, layout], sort_keys=True).encode()).hexdigest()
        self._done, missing = self._kept()
        self.writer = ArrayWriter(self.path, planned, {"format": banks.FORMAT}, missing)

    def step(self, name: str, work: Callable[[], Result]) -> Result:
        """Run `work`, which may write arrays and returns plain data; if an earlier run finished this step, return its result."""
        if name not in self._done:
            self._done[name] = work()
            self.writer.sync()
            steps: Steps = {"of": self._of, "steps": self._done, "missing": sorted(self.writer.missing)}
            atomic_files.write_text(self._steps, json.dumps(steps))
        return cast(Result, self._done[name])

    def complete(self, facts: BankFacts) -> None:
        """Write the metadata of the file: from now on `path` opens as a bank, next to which its other files are written.

        Raises:
            ValueError: a planned array was not written.
        """

        def put_metadata() -> None:
            banks.put_metadata(facts, self.path)

        self.writer.check()
        self.step("metadata", put_metadata)

    def publish(self) -> BankMetadata:
        """Move the files of the complete bank to their place, the metadata last; replaces the files of an older bank."""
        metadata = banks.read_metadata(self.path)
        for name in metadata.other_files:
            atomic_files.rename(self.path.with_name(name), self._out.with_name(name))
        atomic_files.rename(self.path, self._out)
        atomic_files.rename(self.path.with_suffix(".json"), self._out.with_suffix(".json"))
        return metadata

    def _kept(self) -> tuple[dict[str, object], list[str] | None]:
        """The finished steps of an earlier run with the same inputs, and the arrays that it had not written."""
        try:
            before: Steps = json.loads(self._steps.read_text(encoding="utf-8"))
            if before["of"] == self._of and self.path.is_file():
                return before["steps"], before["missing"]
        except (OSError, ValueError, KeyError):
            pass
        self._steps.unlink(missing_ok=True)  # before the arrays are overwritten
        self.path.with_suffix(".json").unlink(missing_ok=True)
        return {}, None


@contextmanager
def unfinished(out: Path, inputs: Mapping[str, object], planned: Mapping[str, Planned]) -> Iterator[UnfinishedBank]:
    """Write a bank to `out`, continuing an earlier run with the same `inputs` (plain data that determines the bank's bytes).

    The folder remains if the run is interrupted or the disk is full. It is removed when the bank is complete or the inputs are rejected.

    Raises:
        BadBank: `out` does not end in .safetensors, or another process is writing it.
    """
    banks.check_name(out)
    folder = out.with_suffix(".unfinished")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadBank(f"Another process is writing {out}: wait until it ends, or choose another file.") from error
        try:
            bank = UnfinishedBank(folder, out, inputs, planned)
            with bank.writer:
                yield bank
        except PersonalizeError:
            shutil.rmtree(folder)
            raise
        shutil.rmtree(folder)
