"""Bank files: arrays, metadata, hashes and task vectors."""

import json

import numpy as np
import pytest
import torch

import personalize
from personalize.errors import BadBank
from personalize.files import banks, stored_vectors
from personalize.networks import task_vectors
from tests.personalize.kept_forms import factorise, quantise

FACTS = {"backbone": "efficientnet_lite0", "tasks": ["beauty"]}


@pytest.fixture
def bank(tmp_path):
    path = tmp_path / "bank.safetensors"
    banks.write({"numbers": np.arange(6.0).reshape(2, 3), "others": np.zeros(2)}, FACTS, path)
    return path


def test_a_written_bank_is_read_back(bank):
    np.testing.assert_array_equal(banks.read(bank)["numbers"], np.arange(6.0).reshape(2, 3))
    assert banks.read(bank, prefix="other").keys() == {"others"}


def test_a_changed_file_is_refused(bank):
    data = bytearray(bank.read_bytes())
    data[-1] ^= 1
    bank.write_bytes(data)
    with pytest.raises(BadBank, match="its metadata say"):
        banks.read(bank)


def test_a_bank_without_metadata_is_refused_with_the_command_that_builds_one(tmp_path):
    with pytest.raises(BadBank, match=r"\./pav build_bank"):
        banks.read_metadata(tmp_path / "none.safetensors")


def test_a_bank_is_not_written_to_the_path_of_its_metadata(tmp_path):
    with pytest.raises(BadBank, match=r"ends in \.safetensors"):
        banks.write({"numbers": np.zeros(2)}, FACTS, tmp_path / "bank.json")


def test_an_unknown_format_is_named(bank):
    metadata = bank.with_suffix(".json")
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | {"format": "pav-bank-99"}))
    with pytest.raises(BadBank, match="pav-bank-99"):
        banks.read_metadata(bank)


def test_the_metadata_state_the_version_that_wrote_the_bank(bank, tmp_path):
    assert banks.read_metadata(bank).facts["pav_version"] == personalize.__version__
    older = banks.read_metadata(bank).facts | {"pav_version": "0.0"}
    assert banks.write(banks.read(bank), older, tmp_path / "again.safetensors").facts["pav_version"] == personalize.__version__


def test_the_hash_of_a_bank_does_not_depend_on_its_metadata(bank, tmp_path):
    again = banks.write(banks.read(bank), FACTS | {"trained": {"beauty": {"licence": "mine"}}}, tmp_path / "again.safetensors")
    assert again.hash == banks.read_metadata(bank).hash


def test_the_hash_of_a_bank_follows_its_extractors_and_its_taste_part(bank):
    hashes = [banks.read_metadata(bank).hash]
    hashes.append(banks.put_extractors([{"file": "bank.merged.onnx", "sha256": "a" * 64}], bank).hash)
    hashes.append(banks.put_taste({"file": "bank.taste.safetensors", "sha256": "b" * 64}, bank).hash)
    hashes.append(banks.put_taste({"file": "bank.taste.safetensors", "sha256": "c" * 64}, bank).hash)
    assert len(set(hashes)) == 4
    assert banks.put_taste({"file": "bank.taste.safetensors", "sha256": "c" * 64, "heads": {}}, bank).hash == hashes[-1]


def test_licences_and_datasets_come_from_the_metadata_or_are_unknown():
    facts = {
        "tasks": ["beauty", "ava", "aes", "old", "nothing"],
        "trained": {"beauty": {"source": "OASIS", "licence": "CC BY-NC-SA 4.0"}, "old": {"source": "long ago"}},
        "sources": {
            "ava": {"file": "clip_L_3fc_ava.pth", "dataset": "AVA", "licence": "unknown"},
            "aes": {"file": "clip_S_3fc_aes.pth", "database": "FLICKR-AES"},  # the key of banks made earlier
        },
    }
    assert banks.licences(facts) == {
        "beauty": "CC BY-NC-SA 4.0",
        "ava": "unknown",
        "aes": "unknown",
        "old": "unknown",
        "nothing": "unknown",
    }
    assert banks.trained_on(facts) == {"beauty": "OASIS", "ava": "AVA", "aes": "FLICKR-AES", "old": "long ago", "nothing": "unknown"}


def test_a_stored_factorised_vector_is_read_back():
    vector = {"matrix": torch.randn(24, 40, generator=torch.Generator().manual_seed(0)), "bias": torch.randn(7)}
    kept = factorise(vector, rank=4)
    read = stored_vectors.StoredVector(dict(stored_vectors.vector_arrays(kept, "vectors/t/")), "vectors/t/")
    for name, value in task_vectors.whole(kept).items():
        assert torch.equal(task_vectors.whole(read)[name], value)


def test_a_stored_quantised_vector_is_read_back():
    vector = {"matrix": torch.randn(24, 40, generator=torch.Generator().manual_seed(0)), "bias": torch.randn(7)}
    kept = quantise(vector)
    read = stored_vectors.StoredVector(dict(stored_vectors.vector_arrays(kept, "vectors/t/")), "vectors/t/")
    assert stored_vectors.form_of(read) == "quantised"
    for name, value in task_vectors.whole(kept).items():
        assert torch.equal(task_vectors.whole(read)[name], value)
