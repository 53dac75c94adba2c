"""Reading of tables of ratings and paired choices from anywhere: what is accepted, and what is refused with line and column."""

import tracemalloc

import numpy as np
import pytest

from personalize.agreement import reading
from personalize.agreement.pair_reading import is_pairs, read_pairs
from personalize.agreement.reading import ReadRatings, read
from personalize.errors import BadDataset


@pytest.fixture
def written(tmp_path):
    def write(text: str | bytes, name: str = "ratings.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def entries(found: ReadRatings) -> list[tuple]:
    ratings = found.ratings
    return [(ratings.raters[r], ratings.photos[p], s) for r, p, s in zip(ratings.rater, ratings.photo, ratings.score.tolist(), strict=True)]


ONE = [("ann", "a.jpg", 3.5), ("bob", "a.jpg", 4.0)]


@pytest.mark.parametrize(
    "text",
    [
        "rater,image,score\nann,a.jpg,3.5\nbob,a.jpg,4\n",
        "score, image, rater\n3.5, a.jpg, ann\n4, a.jpg, bob\n",
        "rater;image;score\nann;a.jpg;3,5\nbob;a.jpg;4\n",
        "rater\timage\tscore\nann\ta.jpg\t3,5\nbob\ta.jpg\t4\n",
        'rater,image,score\nann,a.jpg,"3,5"\nbob,a.jpg,"4,0"\n',
        " worker, imagePair, score\nann, a.jpg, 3.5\nbob, a.jpg, 4\n",
        "Participant,Stimulus,Rating\nann,a.jpg,3.5\nbob,a.jpg,4\n",
        "rater,image,score\r\nann,a.jpg,3.5\r\nbob,a.jpg,4",
        "rater,image,score\n\nann,a.jpg,3.5\n,,\nbob,a.jpg,4\n",
        "\ufeffrater;image;score\r\nann;a.jpg;3,5\r\nbob;a.jpg;4\r\n",
        "rater;image;score\nann;a.jpg;3,5\nbob;a.jpg;4\n".encode("utf-16"),
    ],
    ids=["plain", "any order", "semicolons", "tabs", "quoted commas", "FLICKR-AES", "other names", "CRLF", "empty lines", "BOM", "UTF-16"],
)
def test_one_table_in_many_forms(written, text):
    found = read(written(text))
    assert entries(found) == ONE
    assert found.notes == []


def test_all_columns_are_read(written):
    found = read(
        written(
            "rater,repetition,image,kind,order,seconds,score\n"
            "r2,1,x,face,1,0.5,3\n"
            "r10,1,x,face,1,,4\n"
            "r2,2,x,face,1,0.7,2\n"
            "r2,2,y,scene,2,0.7,2\n"
        )
    ).ratings
    assert found.raters == ["r10", "r2"]
    assert (found.blocks, found.categories) == (["1", "2"], ["face", "scene"])
    assert found.block.tolist() == [0, 0, 1, 1]
    assert found.category.tolist() == [0, 0, 0, 1]
    assert found.trial.tolist() == [1, 1, 1, 2]
    assert np.isnan(found.seconds).tolist() == [False, True, False, False]
    assert found.has_repeats


def test_numbered_names_are_in_the_order_of_their_numbers(written):
    assert read(written("rater,image,score\n10,a,1\n9,a,2\n")).ratings.raters == ["9", "10"]


def test_ratings_without_a_score_are_left_out_and_said(written):
    found = read(written("rater,image,score\nann,a.jpg,3.5\nann,b.jpg,\nann,c.jpg,NaN\nbob,b.jpg,n/a\nbob,d.jpg,\nbob,a.jpg,4\n"))
    assert entries(found) == ONE
    assert found.notes == ["4 lines without a score are left out (lines 3, 4, 5, ...)."]


def test_a_photo_rated_twice_without_a_block_counts_once_and_it_is_said(written):
    found = read(written("rater,image,score\nann,a.jpg,1\nann,a.jpg,3.5\nbob,a.jpg,4\n"))
    assert entries(found) == ONE
    (note,) = found.notes
    assert note.startswith(
        "1 ratings are left out because the rater rated the photo again without a column block; the last rating counts (line 2)"
    )


def test_a_photo_rated_twice_in_a_block_counts_once(written):
    found = read(written("rater,image,score,block\nann,a,1,1\nann,a,2,2\nann,a,3,2\n"))
    assert found.ratings.score.tolist() == [1, 3]
    assert "in the same block" in found.notes[0]


def test_an_order_with_gaps_is_not_used(written):
    found = read(written("rater,image,score,trial\nann,a,1,1\nann,b,2,\n"))
    assert found.ratings.trial is None
    assert found.notes == ["Some lines have no trial, so the order of the ratings is not used."]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rater,image,score\nann,a,good\n", "line 2, column score: 'good' is not a number"),
        (
            "rater,image,score\nann,a,1\nann,b,1.234,5\n",
            "line 3, column 4: the header has 3 columns, this line 4. Decimal commas need quotes",
        ),
        ('rater,image,score\nann,a,"1.234,5"\n', "line 2, column score: '1.234,5' is not a number"),
        ("rater,image,score\nann,a,inf\n", "line 2, column score: 'inf' is not a number"),
        ("rater,image,score\nann,a,1_000\n", "line 2, column score: '1_000' is not a number"),
        ("rater,image,score\nann,,1\n", "line 2, column image: it is empty"),
        ("rater,image,score\n,a,1\n", "line 2, column rater: it is empty"),
        ("rater,image\nann,a\n", "line 1: a column is missing: score. It has rater, image."),
        ("", "line 1: a column is missing: rater, image, score. It has none."),
        ("rater,image,score\n", "has no rating with a score"),
        ("rater,image,score\nann,a,\n", "has no rating with a score"),
        ("rater,image,score,seconds\nann,a,1,-2\n", "line 2, column seconds: -2 is below 0"),
        ("rater,image,score,trial\nann,a,1,first\n", "line 2, column trial: 'first' is not a number"),
        ("rater,image,score,category\nann,a,1,x\nbob,a,1,y\n", "line 3, column category: a had another category before"),
        ("rater,image,score,block\nann,a,1,\n", "line 2, column block: it is empty"),
        (b"rater,image,score\nann,\xff\xfe.jpg,1\n", "cannot be read: 'utf-8' codec can't decode"),
    ],
)
def test_nonsense_is_refused_with_line_and_column(written, text, said):
    with pytest.raises(BadDataset) as refused:
        read(written(text))
    assert said in str(refused.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadDataset, match="cannot be read: No such file"):
        read(tmp_path / "none.csv")


def test_a_table_with_too_many_ratings_is_refused_at_the_line(written, monkeypatch):
    monkeypatch.setattr(reading, "MOST_RATINGS", 2)
    with pytest.raises(BadDataset, match="line 4: more than 2 ratings"):
        read(written("rater,image,score\na,a,1\nb,a,1\nc,a,1\n"))


def test_a_large_table_is_never_in_memory_as_text(written):
    rows = 50_000
    lines = "".join(
        f"r{number % 500},a photo with a long name that would cost memory {number // 500}.jpg,{number % 7 + 1}\n" for number in range(rows)
    )
    path = written("rater,image,score\n" + lines)
    del lines
    tracemalloc.start()
    found = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.ratings) == rows
    assert peak < 160 * rows  # bytes; the names alone have 60


def test_pairs_are_read(written):
    path = written(
        "rater,trial,left,right,chosen,seconds\nann,1,a,b,left,1.5\nann,2,b,c,right,1\nbob,1,a,b,tie,2\nbob,2,c,a,a,\n", "pairs.csv"
    )
    assert is_pairs(path)
    found = read_pairs(path)
    assert found.chosen.tolist() == [1, 0, 0.5, 0]
    assert (found.raters, found.photos) == (["ann", "bob"], ["a", "b", "c"])
    assert found.left.tolist() == [0, 1, 0, 2]


def test_a_table_of_ratings_is_not_one_of_pairs(written):
    assert not is_pairs(written("rater,image,score\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rater,left,right,chosen\nann,a,b,up\n", "line 2, column chosen: 'up' is none of left, right, tie, a, b"),
        ("rater,left,right,chosen\nann,a,a,left\n", "line 2, column right: both photos are a"),
        ("rater,left,right,chosen\nann,a,,left\n", "line 2, column right: it is empty"),
        ("rater,left,right,chosen\n", "has no choice"),
    ],
)
def test_nonsense_pairs_are_refused_with_line_and_column(written, text, said):
    with pytest.raises(BadDataset) as refused:
        read_pairs(written(text))
    assert said in str(refused.value)
