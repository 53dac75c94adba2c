"""Memory-mapped safetensors files, written one array at a time in any order."""

from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_numpy
from safetensors.numpy import save_file
from safetensors.torch import load_file as load_torch

from personalize.files.mapped_arrays import ArrayWriter, MappedArrays

ARRAYS = {
    "large": np.random.default_rng(0).normal(size=(600, 700)).astype(np.float32),
    "odd": np.arange(7, dtype=np.int8),
    "half": np.arange(5, dtype=np.float16),
    "shape": np.array([3, 4]),
    "empty": np.zeros((0, 3), dtype=np.float32),
    "number": np.array(2.5),
}


@pytest.fixture
def path(tmp_path):
    planned = {name: (value.dtype, value.shape) for name, value in ARRAYS.items()}
    with ArrayWriter(tmp_path / "arrays.safetensors", planned, {"format": "x"}) as writer:
        for name in sorted(ARRAYS):
            writer.put(name, ARRAYS[name])
    return tmp_path / "arrays.safetensors"


def test_mapped_arrays_equal_the_written_ones(path):
    read = MappedArrays(path)
    assert read.metadata == {"format": "x"}
    assert set(read) == set(ARRAYS)
    for name, value in ARRAYS.items():
        assert read[name].dtype == value.dtype
        np.testing.assert_array_equal(read[name], value)


def test_safetensors_reads_a_written_file(path):
    for name, value in load_numpy(path).items():
        np.testing.assert_array_equal(value, ARRAYS[name])
    for name, value in load_torch(path).items():
        np.testing.assert_array_equal(value.numpy(), ARRAYS[name])


def test_a_file_written_by_safetensors_is_mapped(tmp_path):
    save_file(ARRAYS, tmp_path / "theirs.safetensors")
    read = MappedArrays(tmp_path / "theirs.safetensors")
    for name, value in ARRAYS.items():
        np.testing.assert_array_equal(read[name], value)


def test_an_array_is_intact_after_its_pages_are_released(path):
    read = MappedArrays(path)
    first = read["large"]
    _ = first.sum(), read["half"], read["odd"]
    np.testing.assert_array_equal(first, ARRAYS["large"])


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux reports the resident size of a mapped file")
def test_reading_a_large_file_keeps_one_array_resident(tmp_path):
    arrays = {f"array{number}": np.full(2**21, number, dtype=np.float32) for number in range(16)}  # 8 MB each
    save_file(arrays, tmp_path / "large.safetensors")
    read = MappedArrays(tmp_path / "large.safetensors")
    most = 0.0
    for number in range(16):
        assert read[f"array{number}"].mean() == number
        most = max(most, _mapped_megabytes(tmp_path / "large.safetensors"))
    assert 6 < most < 12  # one array at a time


def test_a_truncated_file_is_refused(path):
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SafetensorError):
        MappedArrays(path)


def test_an_array_of_another_shape_than_planned_is_refused(tmp_path):
    with pytest.raises(ValueError, match="planned was"), ArrayWriter(tmp_path / "a", {"a": (np.dtype("f4"), (2,))}, {}) as writer:
        writer.put("a", np.zeros(3, dtype=np.float32))


def test_a_missing_planned_array_is_named(tmp_path):
    with pytest.raises(ValueError, match="a was planned"), ArrayWriter(tmp_path / "a", {"a": (np.dtype("f4"), (2,))}, {}):
        pass


def _mapped_megabytes(path):
    """The resident size of a file in this process, in megabytes, according to Linux."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    mapped = [next(line for line in lines if line.startswith("Rss:")) for line in lines if line.endswith(str(path))]
    return sum(int(line.split()[1]) for line in mapped) / 1024
