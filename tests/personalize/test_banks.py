"""Banks: what is written is read back; what was tampered with is refused; what was written once stays readable."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_numpy
from safetensors.numpy import save_file
from safetensors.torch import load_file as load_torch

import personalize
from personalize.errors import BadBank
from personalize.files import banks, open_banks, stored_vectors
from personalize.files.mapped_arrays import ArrayWriter, MappedArrays
from personalize.networks import task_vectors
from personalize.numerics import projection
from personalize.numerics.grid import Hyperprior
from personalize.scorers import describing

FACTS = {"backbone": "efficientnet_lite0", "tasks": ["beauty"]}


@pytest.fixture
def bank(tmp_path):
    path = tmp_path / "bank.safetensors"
    banks.write({"numbers": np.arange(6.0).reshape(2, 3)} | banks.hyperprior_arrays(Hyperprior.flat()), FACTS, path)
    return path


def test_what_is_written_is_read_back(bank):
    np.testing.assert_array_equal(banks.read(bank)["numbers"], np.arange(6.0).reshape(2, 3))
    read, flat = banks.hyperprior(banks.read(bank, prefix="hyperprior/")), Hyperprior.flat()
    for axis in ("trust", "base", "feature", "noise", "weights"):
        np.testing.assert_array_equal(getattr(read, axis), getattr(flat, axis))


def test_a_changed_file_is_refused(bank):
    data = bytearray(bank.read_bytes())
    data[-1] ^= 1
    bank.write_bytes(data)
    with pytest.raises(BadBank, match="its card says"):
        banks.read(bank)


def test_a_bank_without_its_card_is_refused_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(BadBank, match=r"\./pav build_bank"):
        banks.read_card(tmp_path / "none.safetensors")


def test_a_bank_is_not_written_where_its_card_goes(tmp_path):
    with pytest.raises(BadBank, match=r"ends in \.safetensors"):
        banks.write({"numbers": np.zeros(2)}, FACTS, tmp_path / "bank.json")


def test_an_unknown_format_is_named(bank):
    card = bank.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"format": "pav-bank-99"}))
    with pytest.raises(BadBank, match="pav-bank-99"):
        banks.read_card(bank)


def test_a_card_tells_which_version_wrote_the_bank(bank, tmp_path):
    assert banks.read_card(bank).facts["pav_version"] == personalize.__version__
    older = banks.read_card(bank).facts | {"pav_version": "0.0"}
    assert banks.write(banks.read(bank), older, tmp_path / "again.safetensors").facts["pav_version"] == personalize.__version__


def test_what_a_card_says_is_no_part_of_the_banks_hash(bank, tmp_path):
    again = banks.write(banks.read(bank), FACTS | {"trained": {"beauty": {"licence": "mine"}}}, tmp_path / "again.safetensors")
    assert again.hash == banks.read_card(bank).hash


def test_licences_and_databases_come_from_the_cards_records_and_are_never_made_up():
    facts = {
        "tasks": ["beauty", "ava", "old", "nothing"],
        "trained": {"beauty": {"source": "OASIS", "licence": "CC BY-NC-SA 4.0"}, "old": {"source": "long ago"}},
        "sources": {"ava": {"file": "clip_L_3fc_ava.pth", "database": "AVA", "licence": "unknown"}},
    }
    assert banks.licences(facts) == {"beauty": "CC BY-NC-SA 4.0", "ava": "unknown", "old": "unknown", "nothing": "unknown"}
    assert banks.trained_on(facts) == {"beauty": "OASIS", "ava": "AVA", "old": "long ago", "nothing": "unknown"}


def test_a_projection_survives_storage(tmp_path):
    rng = np.random.default_rng(0)
    raw = {"one": rng.normal(size=(300, 8)), "two": 40 + 10 * rng.normal(size=(300, 5))}
    learned = projection.learn(rng.normal(size=300), raw, {"one": 0.5, "two": 0.5})
    banks.write(banks.projection_arrays(learned), FACTS, tmp_path / "b.safetensors")
    read = banks.projection(banks.read(tmp_path / "b.safetensors"))
    score = rng.normal(size=300)
    np.testing.assert_allclose(read.apply(score, raw), learned.apply(score, raw), atol=0.01)


def test_a_projection_keeps_inner_products_of_the_scaled_groups():
    rng = np.random.default_rng(0)
    raw = {"one": rng.normal(size=(300, 8)), "two": 40 + 10 * rng.normal(size=(300, 5))}
    features = projection.learn(rng.normal(size=300), raw, {"one": 0.3, "two": 0.7}).apply(np.zeros(300), raw)[:, 1:]
    parts = []
    for group, share in (("one", 0.3), ("two", 0.7)):
        centred = raw[group] - raw[group].mean(axis=0)
        parts.append(centred * np.sqrt(share / (centred**2).sum(axis=1).mean()))
    whole = np.concatenate(parts, axis=1)  # 13 numbers: all of them fit into 255 axes
    np.testing.assert_allclose(features @ features.T, whole @ whole.T, atol=1e-4)
    assert (features**2).sum(axis=1).mean() == pytest.approx(1, abs=1e-3)


def test_a_bank_without_a_projection_says_how_to_get_one(bank):
    with pytest.raises(BadBank, match="--photos DIR"):
        banks.projection(banks.read(bank))


def test_factors_survive_storage():
    vector = {"matrix": torch.randn(24, 40, generator=torch.Generator().manual_seed(0)), "bias": torch.randn(7)}
    kept = task_vectors.factorise(vector, rank=4)
    read = stored_vectors.vector_of(dict(stored_vectors.vector_arrays(kept, "vectors/t/")), "vectors/t/")
    for name, value in task_vectors.whole(kept).items():
        assert torch.equal(task_vectors.whole(read)[name], value)


def test_a_quantised_vector_survives_storage():
    vector = {"matrix": torch.randn(24, 40, generator=torch.Generator().manual_seed(0)), "bias": torch.randn(7)}
    kept = task_vectors.quantise(vector)
    read = stored_vectors.StoredVector(dict(stored_vectors.vector_arrays(kept, "vectors/t/")), "vectors/t/")
    assert stored_vectors.form_of(read) == "quantised"
    for name, value in task_vectors.whole(kept).items():
        assert torch.equal(task_vectors.whole(read)[name], value)


class TestAFileOfArrays:
    """Written one array at a time, in any order; read by mapping."""

    ARRAYS = {
        "large": np.random.default_rng(0).normal(size=(600, 700)).astype(np.float32),
        "odd": np.arange(7, dtype=np.int8),
        "half": np.arange(5, dtype=np.float16),
        "shape": np.array([3, 4]),
        "empty": np.zeros((0, 3), dtype=np.float32),
        "number": np.array(2.5),
    }

    @pytest.fixture
    def path(self, tmp_path):
        planned = {name: (value.dtype, value.shape) for name, value in self.ARRAYS.items()}
        with ArrayWriter(tmp_path / "arrays.safetensors", planned, {"format": "x"}) as writer:
            for name in sorted(self.ARRAYS):
                writer.put(name, self.ARRAYS[name])
        return tmp_path / "arrays.safetensors"

    def test_mapping_gives_what_was_written(self, path):
        read = MappedArrays(path)
        assert read.metadata == {"format": "x"}
        assert set(read) == set(self.ARRAYS)
        for name, value in self.ARRAYS.items():
            assert read[name].dtype == value.dtype
            np.testing.assert_array_equal(read[name], value)

    def test_the_librarys_own_readers_read_it_too(self, path):
        for name, value in load_numpy(path).items():
            np.testing.assert_array_equal(value, self.ARRAYS[name])
        for name, value in load_torch(path).items():
            np.testing.assert_array_equal(value.numpy(), self.ARRAYS[name])

    def test_what_the_library_writes_is_mapped_too(self, tmp_path):
        save_file(self.ARRAYS, tmp_path / "theirs.safetensors")
        read = MappedArrays(tmp_path / "theirs.safetensors")
        for name, value in self.ARRAYS.items():
            np.testing.assert_array_equal(read[name], value)

    def test_an_array_is_whole_even_after_its_pages_were_let_go_of(self, path):
        read = MappedArrays(path)
        first = read["large"]
        _ = first.sum(), read["half"], read["odd"]
        np.testing.assert_array_equal(first, self.ARRAYS["large"])

    @pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells what is resident of one file")
    def test_going_through_a_large_file_keeps_little_of_it_resident(self, tmp_path):
        arrays = {f"array{number}": np.full(2**21, number, dtype=np.float32) for number in range(16)}  # 8 MB each
        save_file(arrays, tmp_path / "large.safetensors")
        read = MappedArrays(tmp_path / "large.safetensors")
        most = 0.0
        for number in range(16):
            assert read[f"array{number}"].mean() == number
            most = max(most, _mapped_megabytes(tmp_path / "large.safetensors"))
        assert 6 < most < 12  # one array at a time

    def test_a_cut_file_is_refused(self, path):
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(SafetensorError):
            MappedArrays(path)

    def test_an_array_that_was_not_planned_so_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="planned was"), ArrayWriter(tmp_path / "a", {"a": (np.dtype("f4"), (2,))}, {}) as writer:
            writer.put("a", np.zeros(3, dtype=np.float32))

    def test_a_planned_array_that_never_came_is_named(self, tmp_path):
        with pytest.raises(ValueError, match="a was planned"), ArrayWriter(tmp_path / "a", {"a": (np.dtype("f4"), (2,))}, {}):
            pass


def _mapped_megabytes(path):
    """How much of a file is resident in this process, as Linux tells."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    mapped = [next(line for line in lines if line.startswith("Rss:")) for line in lines if line.endswith(str(path))]
    return sum(int(line.split()[1]) for line in mapped) / 1024


class TestTheFirstFormat:
    """A file that the first version of the format wrote, kept as it was."""

    PATH = Path(__file__).parent / "stored" / "pav-bank-1.safetensors"

    def test_it_is_read(self):
        assert banks.read_card(self.PATH).facts["format"] == "pav-bank-1"
        arrays = banks.read(self.PATH)
        assert banks.projection(arrays).groups == ("merged",)
        np.testing.assert_array_equal(banks.hyperprior(arrays).trust, Hyperprior.flat().trust)

    def test_it_is_opened(self):
        bank = open_banks.open_bank(self.PATH)
        assert not bank.holds_encoder
        np.testing.assert_array_equal(bank.start, [[0.75, 0.25], [0.75, 0.25]])
        assert {task: stored_vectors.form_of(vector) for task, vector in bank.vectors.items()} == dict.fromkeys(
            bank.card.tasks, "factorised"
        )
        block = bank.vectors["beauty"]["head.3.weight"]
        assert block.shape == (10, 512)
        assert block.left.shape == (10, 2)
        opposite = bank.vectors["quality"]["head.3.weight"].whole()
        torch.testing.assert_close(opposite, -2 * block.whole(), atol=1e-3, rtol=1e-2)


class TestTheShippedBank:
    """The file in the repository, with the real backbone."""

    @pytest.fixture
    def describer(self):
        return describing.Describer()

    @pytest.fixture
    def photo(self):
        from PIL import Image

        rng = np.random.default_rng(0)
        return Image.fromarray(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)).resize((800, 600))

    def test_it_is_small_and_matches_its_card(self):
        assert banks.DEFAULT.stat().st_size <= 12_000_000
        card = banks.read_card()
        assert banks.read(prefix="start")["start"].shape[1] == len(card.tasks) == 6

    def test_its_hash_is_that_of_the_descriptions_in_every_database_that_uses_it(self):
        assert banks.read_card().hash == "41de431beb7c1482"

    def test_its_card_tells_what_it_is_made_of_and_what_factorising_cost(self):
        facts = banks.read_card().facts
        for task in facts["tasks"]:
            assert {"recipe", "photos", "test_srocc", "source", "licence"} <= facts["trained"][task].keys()
            assert facts["factorised"][task]["cost"] <= 0.005

    def test_it_describes_a_photo_with_256_finite_numbers_the_same_each_time(self, describer, photo):
        score, features = describer.describe(photo)
        again = describer.describe(photo)[1]
        assert features.shape == (256,)
        assert np.isfinite(features).all()
        assert score == features[0]
        np.testing.assert_allclose(features, again, atol=1e-5)

    def test_opened_it_gives_the_same_models_as_read_whole(self, describer, photo):
        from personalize.files import images

        bank = open_banks.open_bank()
        preprocessing = describer.network.backbone.preprocessing
        batch = images.to_input(images.to_pixels(photo, preprocessing)[None], preprocessing)
        for coefficients in (bank.start, bank.one_hot("oasis-arousal")):
            with torch.no_grad():
                expected = describer.network.model(coefficients).score(batch)
                torch.testing.assert_close(bank.merged(coefficients).score(batch), expected, atol=1e-5, rtol=0)

    def test_its_score_is_that_of_the_merged_model(self, describer, photo):
        from personalize.files import images

        network = describer.network
        pixels = images.to_pixels(photo, network.backbone.preprocessing)[None]
        with torch.no_grad():
            plain = network.model(network.start).score(images.to_input(pixels, network.backbone.preprocessing)).item()
        assert network.describe([photo])[0][0] == pytest.approx(plain, abs=1e-4)

    def test_a_tangent_predicts_a_small_move_of_its_coefficient(self, describer, photo):
        from personalize.files import images

        network = describer.network
        (score,), raw = network.describe([photo])
        batch = images.to_input(images.to_pixels(photo, network.backbone.preprocessing)[None], network.backbone.preprocessing)
        step = 0.02
        moved = network.start.clone()
        moved[:, 0] += step
        with torch.no_grad():
            there = network.model(moved).score(batch).item()
        predicted = float(raw["tangents"].reshape(network.start.shape)[:, 0].sum()) * step
        assert there - score == pytest.approx(predicted, abs=0.2 * abs(predicted) + 1e-3)
