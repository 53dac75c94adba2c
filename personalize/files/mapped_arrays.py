"""Memory-mapped reading and incremental writing of safetensors files larger than memory. NumPy only.

The library's own reader and writer hold whole files: mapped pages stay resident once read, and the writer takes all arrays at once.
"""

import json
import math
import mmap
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
from safetensors import safe_open

Planned = tuple[np.dtype, tuple[int, ...]]
"""Type and shape of an array that will be written."""

NAMES = {"F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I8": "i1", "U64": "u8", "U32": "u4", "U8": "u1"}
KINDS = {np.dtype(kind): name for name, kind in NAMES.items()}
LARGE = 2**20  # bytes; smaller arrays may stay resident


class MappedArrays(Mapping[str, np.ndarray]):
    """The arrays of a file as views of its mapped bytes; data is read on first access to a view.

    Access to another array releases the pages of the last large array, so iterating over a file keeps little of it resident; released
    pages are read again when needed. Do not write to the views: the mapping is private, and writes are not stored.

    Raises:
        OSError, SafetensorError: the file cannot be read, or has an array type that banks do not use (OSError).
    """

    def __init__(self, path: Path) -> None:
        with safe_open(path, framework="np") as file:  # rejects damaged headers: overlapping offsets, wrong lengths
            self.metadata: dict[str, str] = file.metadata() or {}
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        header.pop("__metadata__", None)
        self._where: dict[str, tuple[Planned, int]] = {}
        for name, entry in header.items():
            if entry["dtype"] not in NAMES:
                raise OSError(f"{name} has the unsupported type {entry['dtype']}")
            planned = np.dtype(NAMES[entry["dtype"]]), tuple(entry["shape"])
            self._where[name] = planned, 8 + length + entry["data_offsets"][0]
        self._last: tuple[int, int] | None = None

    def __getitem__(self, name: str) -> np.ndarray:
        (kind, shape), start = self._where[name]
        self._release()
        count = math.prod(shape)
        if count * kind.itemsize >= LARGE:
            self._last = start, start + count * kind.itemsize
        array = np.frombuffer(self._bytes, dtype=kind, count=count, offset=start) if count else np.empty(0, kind)
        return (array if start % kind.itemsize == 0 else array.copy()).reshape(shape)  # torch needs aligned memory

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)

    def _release(self) -> None:
        if self._last is None or not hasattr(mmap, "MADV_DONTNEED"):
            return
        start = -(-self._last[0] // mmap.PAGESIZE) * mmap.PAGESIZE
        end = self._last[1] // mmap.PAGESIZE * mmap.PAGESIZE
        if end > start:
            self._bytes.madvise(mmap.MADV_DONTNEED, start, end - start)
        self._last = None


class ArrayWriter:
    """Writes a safetensors file, whose arrays' types and shapes are known in advance, one array at a time and in any order.

    With `missing`, continues a file that was started with the same plan and lacks these arrays. As a context manager, checks on exit
    that every planned array was written, unless an error occurred.
    """

    def __init__(
        self, path: Path, planned: Mapping[str, Planned], metadata: Mapping[str, str], missing: Collection[str] | None = None
    ) -> None:
        # Widest types first, like the library: every array then begins at a multiple of its item size.
        order = sorted(planned, key=lambda name: (-planned[name][0].itemsize, name))
        header: dict[str, object] = {"__metadata__": dict(metadata)}
        at = 0
        for name in order:
            kind, shape = planned[name]
            end = at + math.prod(shape) * kind.itemsize
            header[name] = {"dtype": KINDS[kind], "shape": list(shape), "data_offsets": [at, end]}
            at = end
        head = json.dumps(header, separators=(",", ":")).encode()
        head += b" " * (-len(head) % 8)
        self._planned, self.missing = planned, set(planned if missing is None else missing)
        self._starts = {name: 8 + len(head) + entry["data_offsets"][0] for name, entry in header.items() if name != "__metadata__"}  # type: ignore[index]
        self._file = path.open("wb" if missing is None else "r+b")
        self._file.write(len(head).to_bytes(8, "little") + head)
        self._file.truncate(8 + len(head) + at)

    def put(self, name: str, array: np.ndarray) -> None:
        """Write one array.

        Raises:
            ValueError: its type or shape is not the planned one.
        """
        if self._planned.get(name) != (array.dtype, array.shape):
            raise ValueError(f"{name} is {array.dtype}{array.shape}, planned was {self._planned.get(name)}")
        self._file.seek(self._starts[name])
        self._file.write(np.ascontiguousarray(array).data)
        self.missing.discard(name)

    def sync(self) -> None:
        """Make the arrays written so far readable from the file, and make them survive a crash of the process or the machine."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file.

        Raises:
            ValueError: a planned array is missing; the message names it.
        """
        self._file.close()
        self.check()

    def check(self) -> None:
        """Raises:
        ValueError: a planned array is missing; the message names it.
        """
        if self.missing:
            raise ValueError(f"{min(self.missing)} was planned and never written")

    def __enter__(self) -> "ArrayWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()
