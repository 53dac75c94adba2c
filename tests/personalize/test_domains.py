"""Evaluation across kinds of photos, on raters whose tastes hold in one kind only."""

import json

import numpy as np
import pytest

from personalize.errors import BadDataset, TooFewRatings
from personalize.numerics.ratings import RaterRatings
from personalize.research import domains, evaluation_tables
from personalize.research.baselines import Catalogue
from personalize.research.domains import NONE, Domains
from personalize.research.evaluate import EvaluationProtocol, Subject
from personalize.research.kept_results import KeptResults
from personalize.research.methods import Answer

PROTOCOL = EvaluationProtocol(shots=(20,), repeats=2, methods=("ridge",), hyperprior="flat")


@pytest.fixture
def subject():
    """Photos 0..99 are art, 100..199 faces. Raters like one direction of the features in art, and another in faces."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 40)) / 40**0.5
    raters = []
    for number in range(6):
        art, faces = rng.normal(size=(2, 40))
        ratings = np.where(np.arange(200) < 100, features @ art, features @ faces)
        raters.append(RaterRatings(np.arange(200), ratings, f"r{number}"))
    return Subject(lambda: Catalogue(features, 0, {"lite0": features}, lambda: features), raters, None, None, lambda: None)


@pytest.fixture
def kinds():
    return Domains(("art", "faces"), np.arange(200) // 100)


def test_a_taste_learned_in_one_domain_is_measured_on_each(subject, kinds, tmp_path):
    result = domains.measure(subject, kinds, PROTOCOL, KeptResults(tmp_path, "one"))
    means = {(source, target): cell["mean"] for source, row in result["srocc"]["20"]["ridge"].items() for target, cell in row.items()}
    assert min(means["art", "art"], means["faces", "faces"]) > 0.5
    assert max(abs(means["art", "faces"]), abs(means["faces", "art"])) < 0.3
    assert result["domains"] == {"art": 100, "faces": 100}
    text = evaluation_tables.across_domains(json.loads(json.dumps(result)))
    assert "| method | shots of | tested on art | tested on faces |" in text
    assert text.count("| ridge |") == 2
    again = Subject(lambda: pytest.fail("kept"), subject.raters, None, None, lambda: None)
    assert domains.measure(again, kinds, PROTOCOL, KeptResults(tmp_path, "one"))["srocc"] == result["srocc"]


def test_shots_and_test_photos_are_of_their_domains_and_never_the_same(subject, kinds, monkeypatch):
    seen = []

    def method(context, shots, asked):
        seen.append((shots.photos, asked))
        return Answer(np.zeros(len(asked)))

    monkeypatch.setitem(domains.METHODS, "ridge", method)
    photos = kinds.of_photo.copy()
    photos[:10] = NONE
    domains.measure(subject, Domains(kinds.names, photos), PROTOCOL, KeptResults())
    assert len(seen) == 6 * 2 * 2  # raters, repeats, domains of the shots: one fit serves both domains of the test
    for shots, asked in seen:
        assert len(np.unique(shots // 100)) == 1
        assert len(shots) == 20
        assert set(asked) == set(range(10, 200)) - set(shots)


def test_a_domain_with_too_few_ratings_is_named_before_any_fit(subject, kinds, monkeypatch):
    monkeypatch.setitem(domains.METHODS, "ridge", lambda *_: pytest.fail("no fit"))
    few = np.where(np.arange(200) < 185, 0, 1)
    with pytest.raises(TooFewRatings, match="No test rater has 20 ratings of faces to learn from and 10 others of art"):
        domains.measure(subject, Domains(kinds.names, few), PROTOCOL, KeptResults())


def write(path, text):
    path.write_text(text)
    return path


def test_a_table_of_domains_is_read_by_file_name_and_says_what_it_does_not_use(tmp_path):
    photos = [tmp_path / name for name in ("a.jpg", "b.jpg", "c.jpg")]
    found = domains.read(write(tmp_path / "d.csv", "image,domain\na.jpg,art\nb.jpg,faces\nx.jpg,art\n"), photos)
    assert (found.names, found.of_photo.tolist()) == (("art", "faces"), [0, 1, NONE])
    assert found.notes == (
        f"Rated photos without a domain in {tmp_path / 'd.csv'}, which are not used: 1, such as c.jpg.",
        f"Images in {tmp_path / 'd.csv'} without a rating, which are not used: 1, such as x.jpg.",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("image,kind\na.jpg,art\n", "needs the columns image, domain; it has image, kind"),
        ("image,domain\na.jpg,\n", "line 2: domain is empty"),
        ("image,domain\na.jpg,art\na.jpg,faces\n", "line 3: a.jpg is art on an earlier line, and faces here"),
        ("image,domain\na.jpg,art\nx.jpg,faces\n", r"has 1 domains of rated photos \(art\): at least two"),
        (None, r"d\.csv cannot be read"),
    ],
)
def test_an_invalid_table_of_domains_is_refused_with_a_sentence(tmp_path, text, sentence):
    if text is not None:
        write(tmp_path / "d.csv", text)
    with pytest.raises(BadDataset, match=sentence):
        domains.read(tmp_path / "d.csv", [tmp_path / "a.jpg", tmp_path / "b.jpg"])
