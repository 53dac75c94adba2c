"""Results of an evaluation, stored line by line, so that long runs can be stopped, resumed and divided among processes."""

import json
from dataclasses import dataclass
from pathlib import Path

from personalize.errors import BadResults
from personalize.files import atomic_files

Key = tuple[str, str, int, int]  # method, rater, shots, repeat
FORMAT = 2
RENAMED = {"paper": "paper-mended", "softmax-init": "softmax-outputs"}  # methods of lines without a format, by today's names


@dataclass(frozen=True)
class Result:
    """Result of one method on one draw of shots."""

    srocc: float
    plcc: float
    seconds: float  # to fit, and to score the requested photos
    image_passes: int
    loss: float | None

    def numbers(self) -> tuple[float, ...]:
        return self.srocc, self.plcc, self.seconds, self.image_passes, float("nan") if self.loss is None else self.loss


class KeptResults:
    """Results by key. With a folder, includes those of earlier runs and other processes with the same `identity`."""

    def __init__(self, folder: Path | None = None, identity: str = "", part: int = 1) -> None:
        """`identity` stands for all that a result depends on besides its key; processes that write at the same time differ in `part`.

        Raises:
            BadResults: a line cannot be read; the message names the file and the line.
        """
        self._found: dict[Key, Result] = {}
        self._path: Path | None = None
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{identity}.{part}.jsonl"
        for path in sorted(folder.glob(f"{identity}.*.jsonl")):
            self._read(path)

    def __contains__(self, key: Key) -> bool:
        return key in self._found

    def get(self, key: Key) -> Result | None:
        return self._found.get(key)

    def add(self, key: Key, result: Result) -> None:
        self._found[key] = result
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"format": FORMAT, "key": key, "result": vars(result)}) + "\n")

    def _read(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
                method, name, shots, repeat = entry["key"]
                if "format" not in entry:
                    method = RENAMED.get(method, method)
                self._found[method, name, shots, repeat] = Result(**entry["result"])
            except (ValueError, KeyError, TypeError) as error:
                if number == len(lines):  # the run was stopped while it wrote this line
                    atomic_files.write_text(path, "".join(f"{whole}\n" for whole in lines[:-1]))
                    return
                raise BadResults(f"{path} line {number} is not a result: delete the file to measure again.") from error
