"""Taste parts of banks: written and read back, and files that do not match the metadata."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from personalize.errors import BadBank, BadProjection
from personalize.files import banks, taste_parts
from personalize.files.taste_parts import TastePart
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.projection import Heads, Projection

FACTS = {"backbone": "efficientnet_lite0", "tasks": ["beauty"]}


def make_part(seed=0):
    rng = np.random.default_rng(seed)
    flat = Hyperprior.flat(heads=2)
    return TastePart(
        Heads(("generic", "schön", "merged-network"), rng.normal(size=(30, 3))),
        Projection(
            ("generic", "schön", "merged-network"), rng.normal(size=30).astype(np.float32), rng.normal(size=(30, 256)).astype(np.float32)
        ),
        replace(flat, weights=rng.dirichlet(np.ones(flat.weights.size)).reshape(flat.weights.shape)),
        frozenset({"00000000000000ff", "ffffffffffffffff"}),
        frozenset({"0123456789abcdef"}),
        {"heads": {"schön": {"photos": 12, "pooled": True}}, "left_out_srocc": {}},
    )


@pytest.fixture
def bank(tmp_path):
    path = tmp_path / "bank.safetensors"
    banks.write({"numbers": np.zeros(2)}, FACTS, path)
    return path


@pytest.fixture
def written(bank):
    taste_parts.write(make_part(), bank)
    return bank


def test_a_written_part_is_read_back(written):
    part, read = make_part(), taste_parts.read(written)
    assert (read.heads.names, read.projection.directions) == (part.heads.names, part.projection.directions)
    np.testing.assert_allclose(read.heads.weights, part.heads.weights, rtol=1e-6)
    np.testing.assert_array_equal(read.projection.centre, part.projection.centre)
    np.testing.assert_allclose(read.projection.matrix, part.projection.matrix, rtol=1e-3)
    for name in Hyperprior.AXES:
        np.testing.assert_array_equal(getattr(read.hyperprior, name), getattr(part.hyperprior, name))
    assert read.hyperprior.heads == 2
    assert (read.trained_on, read.hyperprior_of, read.facts) == (part.trained_on, part.hyperprior_of, part.facts)


def test_the_bank_itself_does_not_change_but_its_hash_does(bank):
    data, before = bank.read_bytes(), banks.read_metadata(bank)
    after = taste_parts.write(make_part(), bank)
    assert bank.read_bytes() == data
    assert after.sha256 == before.sha256
    assert after.hash != before.hash
    assert after.hash != taste_parts.write(make_part(seed=1), bank).hash


def test_a_part_that_was_read_is_written_next_to_another_bank_without_change(written, tmp_path):
    other = tmp_path / "other.safetensors"
    banks.write({"numbers": np.ones(2)}, FACTS, other)
    row = taste_parts.write(taste_parts.read(written), other).facts["taste"]
    assert row["file"] == "other.taste.safetensors"
    assert row["sha256"] == banks.read_metadata(written).facts["taste"]["sha256"]


def test_a_bank_without_a_taste_part_says_how_to_write_one(bank):
    with pytest.raises(BadBank, match=r"has no taste part.*\./pav train_generic_score"):
        taste_parts.read(bank)


def test_a_changed_file_is_refused(written):
    file = written.with_name("bank.taste.safetensors")
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(BadBank, match=r"has sha256 \w{64}, the bank's metadata say \w{64}"):
        taste_parts.read(written)


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"no arrays")])
def test_a_missing_or_damaged_file_is_named(written, damage):
    damage(written.with_name("bank.taste.safetensors"))
    with pytest.raises(BadBank, match=r"bank\.taste\.safetensors cannot be read.*Fetch the bank again"):
        taste_parts.read(written)


def test_a_missing_array_is_named(written):
    file = written.with_name("bank.taste.safetensors")
    arrays = load_file(file)
    del arrays["hyperprior/head"]
    save_file(arrays, file)
    row = banks.read_metadata(written).facts["taste"]
    banks.put_taste({**row, "sha256": banks.sha256(file)}, written)
    with pytest.raises(BadBank, match="has no array 'hyperprior/head'"):
        taste_parts.read(written)


class TestStoredProjections:
    def test_a_projection_is_read_back_from_bytes(self):
        projection = make_part().projection
        stored = taste_parts.projection_to_bytes(projection)
        read = taste_parts.projection_of_bytes(stored)
        assert taste_parts.directions_of_bytes(stored) == read.directions == projection.directions
        raw = np.random.default_rng(1).normal(size=(5, 30)).astype(np.float32)
        np.testing.assert_allclose(read.apply(raw), projection.apply(raw), atol=0.02)

    @pytest.mark.parametrize("data", [b"", b"something else", taste_parts.projection_to_bytes(make_part().projection)[:-100]])
    def test_other_bytes_are_refused(self, data):
        with pytest.raises(BadProjection, match=r"cannot be read .*\./pav learn_projection"):
            taste_parts.projection_of_bytes(data)
