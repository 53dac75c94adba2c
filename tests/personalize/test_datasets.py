"""OASIS datasets and rating tables, on small folders in the expected layout."""

import csv

import numpy as np
import pytest
from PIL import Image

from personalize import datasets
from personalize.errors import BadDataset, UnknownName
from personalize.files import rating_tables
from personalize.files.photo_files import digest


def make_photo(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(path)


def write_table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def oasis(tmp_path):
    rows = []
    for n in range(40):
        make_photo(tmp_path / "oasis/images" / f"p{n}.jpg", n)
        rows.append({"image": f"p{n}.jpg", "split": "personal" if n % 2 else "bank", "beauty_mean": 1 + n / 10})
    write_table(tmp_path / "oasis/scores.csv", rows)
    return tmp_path


def test_photos_held_out_for_raters_are_test_photos(oasis):
    photos = datasets.load("oasis-beauty", oasis)
    assert {photo.split for photo in photos if int(photo.path.stem[1:]) % 2} == {"test"}
    assert {photo.split for photo in photos if not int(photo.path.stem[1:]) % 2} <= {"train", "validation"}


def test_the_split_is_the_same_in_every_run(oasis):
    validation = [photo.path.name for photo in datasets.load("oasis-beauty", oasis) if photo.split == "validation"]
    assert validation == ["p8.jpg", "p18.jpg"]  # a fixed expectation, so that the split does not change between versions


def test_technical_quality_excludes_held_out_photos_and_scores_each_distortion(oasis):
    photos = datasets.load("technical-quality", oasis)
    assert all(int(photo.path.stem[1:]) % 2 == 0 for photo in photos)
    one = [photo for photo in photos if photo.path.stem == "p0"]
    assert sorted(photo.score for photo in one) == sorted([5.0] + 4 * [4.0, 3.0, 2.0, 1.0, 0.0])
    assert len({photo.split for photo in one}) == 1


def test_distortions_are_the_same_in_every_run(oasis):
    first, second = ([photo.read().tobytes() for photo in datasets.load("technical-quality", oasis)[:21]] for _ in range(2))
    assert first == second
    assert len(set(first)) == 21  # the original photo, and four distortions in five steps


def test_a_wrong_folder_is_refused_with_the_expected_files(tmp_path):
    with pytest.raises(BadDataset, match=r"scores\.csv with the columns image and beauty_mean"):
        datasets.load("oasis-beauty", tmp_path)


def test_a_missing_photo_is_refused_with_its_line(oasis):
    (oasis / "oasis/images/p3.jpg").unlink()
    with pytest.raises(BadDataset, match=r"line 5: .*p3\.jpg is missing"):
        datasets.load("oasis-beauty", oasis)


def test_a_score_that_is_not_a_number_is_refused_with_its_line(oasis):
    table = oasis / "oasis/scores.csv"
    table.write_text(table.read_text().replace("bank,1.2", "bank,nice"))
    with pytest.raises(BadDataset, match="line 4: beauty_mean is 'nice', not a number"):
        datasets.load("oasis-beauty", oasis)


def test_an_unknown_dataset_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(UnknownName, match="savoias-complexity"):
        datasets.load("flickr", tmp_path)


@pytest.fixture
def album(tmp_path):
    for n in range(3):
        make_photo(tmp_path / "photos" / "deep" / f"p{n}.png", n)
    write_table(
        tmp_path / "ratings.csv",
        [
            {"rater": "alice", "image": "p0.png", "score": 1},
            {"rater": "alice", "image": "p1.png", "score": 5},
            {"rater": "bob", "image": "p2.png", "score": 3},
            {"rater": "alice", "image": "p0.png", "score": 4},
        ],
    )
    return tmp_path


def test_the_last_rating_of_a_photo_by_a_rater_counts(album):
    read = rating_tables.read(album / "ratings.csv", album / "photos")
    alice = read.raters[0]
    assert [photo.name for photo in read.photos] == ["p0.png", "p1.png", "p2.png"]
    assert (alice.rater, alice.photos.tolist(), alice.ratings.tolist()) == ("alice", [0, 1], [4.0, 5.0])


def test_photos_that_trained_the_bank_are_left_out_even_when_renamed(album):
    seen = frozenset({digest(album / "photos/deep/p1.png")})
    (album / "photos/deep/p1.png").rename(album / "photos/deep/other.png")
    table = album / "ratings.csv"
    table.write_text(table.read_text().replace("p1.png", "other.png"))
    read = rating_tables.read(table, album / "photos", seen)
    assert (read.left_out, [photo.name for photo in read.photos]) == (1, ["p0.png", "p2.png"])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("score", "stars", "needs the columns rater, image, score"),
        ("bob,p2.png,3", "bob,p9.png,3", r"line 4: there is no photo 'p9\.png'"),
        ("bob,p2.png,3", "bob,p2.png,good", "line 4: score is 'good', not a number"),
        ("bob,p2.png,3", "bob,p2.png,inf", "line 4: score is 'inf'"),
    ],
)
def test_an_invalid_table_is_refused_with_its_line(album, old, new, sentence):
    table = album / "ratings.csv"
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(BadDataset, match=sentence):
        rating_tables.read(table, album / "photos")


def test_ratings_in_three_steps_keep_their_order():
    ratings = np.array([1.0, 2, 3, 4, 5, 6, 7, 7, 1])
    steps = rating_tables.in_three_steps(ratings)
    assert set(steps) == {1.0, 2.0, 3.0}
    assert all(steps[i] <= steps[j] for i in range(9) for j in range(9) if ratings[i] < ratings[j])


@pytest.mark.parametrize("ratings", [[2.0, 2, 2, 2, 5], [1.0, 5, 5, 5, 5], [1.0, 1, 1, 5, 5, 5]])
def test_skewed_ratings_in_three_steps_keep_lowest_and_highest_apart(ratings):
    steps = rating_tables.in_three_steps(np.array(ratings))
    assert steps[np.argmin(ratings)] < steps[np.argmax(ratings)]
