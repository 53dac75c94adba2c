"""Raw features that are kept on disk: computed once, and anew for other photos or extractors."""

import numpy as np
import pytest
from PIL import Image

from personalize.files import banks
from personalize.progress import no_progress
from personalize.scorers import cached_features
from personalize.scorers.cached_features import raw_features
from personalize.scorers.feature_extraction import FeatureExtractor
from tests.personalize import small_extractors


@pytest.fixture
def bank(tmp_path):
    return small_extractors.write_bank(tmp_path)


class Photos:
    """Photos of one colour each, with a count of those opened."""

    def __init__(self):
        self.opened = 0

    def named(self, *names):
        return [(name, lambda grey=int(name): self._open(grey)) for name in names]

    def _open(self, grey):
        self.opened += 1
        return Image.new("RGB", (9, 9), (grey, grey, 255 - grey))


def kept_in(folder):
    return folder / "cache", "extracting", no_progress


@pytest.fixture
def photos():
    return Photos()


def test_features_are_those_of_the_extractor_in_half_precision_and_in_order(bank, photos, tmp_path):
    extractor = FeatureExtractor(bank)
    expected = extractor.raw(opened() for _, opened in photos.named("200", "10", "90"))
    found = raw_features(extractor, photos.named("200", "10", "90"), *kept_in(tmp_path))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_a_second_call_opens_no_photo_and_gives_the_same_numbers(bank, photos, tmp_path):
    first, second = (raw_features(FeatureExtractor(bank), photos.named("1", "2"), *kept_in(tmp_path)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert photos.opened == 2
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_stopped_run_continues_after_its_last_piece(bank, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(cached_features, "PIECE", 2)
    extractor, names = FeatureExtractor(bank), ("1", "2", "3", "4", "5")
    with pytest.raises(ValueError, match="invalid literal"):
        raw_features(
            extractor, [*photos.named("1", "2", "3", "4")[:3], ("4", lambda: int("broken")), *photos.named("5")], *kept_in(tmp_path)
        )
    assert photos.opened == 3
    found = raw_features(extractor, photos.named(*names), *kept_in(tmp_path))
    assert photos.opened == 6  # the first two were kept
    np.testing.assert_array_equal(found, raw_features(extractor, photos.named(*names), *kept_in(tmp_path / "other")))
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".npy"]


def test_other_photos_or_another_order_are_computed_anew(bank, photos, tmp_path):
    extractor = FeatureExtractor(bank)
    for names in (("1", "2"), ("2", "1"), ("1", "2", "3")):
        assert len(raw_features(extractor, photos.named(*names), *kept_in(tmp_path))) == len(names)
    assert photos.opened == 7


def test_another_extractor_computes_anew(bank, photos, tmp_path):
    raw_features(FeatureExtractor(bank), photos.named("1", "2"), *kept_in(tmp_path))
    rows = banks.read_metadata(bank).facts["extractors"]
    banks.put_extractors([{**rows[0], "size": {"resize": 8, "crop": 7}}, rows[1]], bank)
    raw_features(FeatureExtractor(bank), photos.named("1", "2"), *kept_in(tmp_path))
    assert photos.opened == 4


def test_a_photo_that_cannot_be_opened_leaves_no_file(bank, tmp_path):
    def broken():
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        raw_features(FeatureExtractor(bank), [("1", broken)], *kept_in(tmp_path))
    assert not (tmp_path / "cache").exists()


def test_progress_counts_the_photos(bank, photos, tmp_path):
    seen = []
    raw_features(FeatureExtractor(bank), photos.named("1", "2"), tmp_path / "cache", "extracting", lambda *call: seen.append(call))
    assert seen == [("extracting", 1, 2), ("extracting", 2, 2)]
