"""Layouts of public datasets, their raters and both split protocols. Photos are empty files, since loading does not open them."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from openpyxl import Workbook
from PIL import Image

from personalize import datasets
from personalize.datasets.dataset import on_ten_levels
from personalize.errors import BadDataset, UnknownName


def write_text(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make_ava(root):
    lines = [f"{n} {1000 + n} 0 1 5 17 38 36 15 6 5 1 1 22 1396" for n in range(40)]
    write_text(root / "AVA.txt", "\n".join(lines) + "\n")
    for n in range(40):
        write_text(root / f"images/{1000 + n}.jpg")


def make_tad66k(root):
    for part in ("train", "test"):
        write_text(root / f"labels/merge/{part}.csv", "image,score\n" + "".join(f"{part}{n}.jpg,5.{n}\n" for n in range(9)))
        for n in range(9):
            write_text(root / f"TAD66K/{part}{n}.jpg")


def make_flickr(root):
    write_text(root / "FLICKR-AES_image_score.txt", "".join(f" p{n}.jpg 0.{n + 1}\n" for n in range(8)))
    rows = [f" w{w}, p{n}.jpg, {1 + (n + w) % 5}\n" for w, own in enumerate([(0, 1), (2, 3, 4, 5, 6, 7)]) for n in own]
    write_text(root / "FLICKR-AES_image_labeled_by_each_worker.csv", "\ufeffworker, imagePair, score\n" + "".join(rows))
    write_text(root / "test_workers.csv", "ID\nw0\n")
    for n in range(8):
        write_text(root / f"40K/p{n}.jpg")


def make_para(root):
    steps = ",".join(f"aestheticScore_{1 + n / 2:.1f}" for n in range(9))
    for part, photos in (("Train", range(8)), ("Test", range(8, 10))):
        rows = "".join(f"s{n % 2},p{n}.jpg,0,0,0,0,0,0,0,1,1,4.75\n" for n in photos)
        write_text(root / f"annotation/PARA-Giaa{part}.csv", f"sessionId,imageName,{steps},aestheticScore_mean\n" + rows)
    ratings = "".join(f"s{n % 2},p{n}.jpg,u{n % 5},{1 + n % 5}\n" for n in range(10))
    write_text(root / "annotation/PARA-Images.csv", "sessionId,imageName,userId,aestheticScore\n" + ratings)
    write_text(root / "test_list.csv", "worker,image_name,MOS,session\nu1,p1.jpg,2,s1\nu1,p6.jpg,2,s0\nu4,p4.jpg,5,s0\n")
    for n in range(10):
        write_text(root / f"imgs/s{n % 2}/p{n}.jpg")


def make_koniq(root):
    sets = ("training", "validation", "test")
    rows = "".join(f"k{n}.jpg,0,0,0,50,50,100,88.1,.5,{sets[n % 3]}\n" for n in range(6))
    write_text(root / "koniq10k_distributions_sets.csv", "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,set\n" + rows)
    for n in range(6):
        write_text(root / f"512x384/k{n}.jpg")


def make_spaq(root):
    write_text(root / "TestImage/00001.jpg")
    book = Workbook()
    book.active.append(["Image name", "MOS"])
    book.active.append(["00001.jpg", 62.5])
    (root / "Annotations").mkdir()
    book.save(root / "Annotations/MOS and Image attribute scores.xlsx")


def make_aadb(root):
    for number, part in enumerate(("Train", "Validation", "Test")):
        rows = "".join(f"p{n}.jpg 0.{n + 1}\n" for n in range(number * 3, number * 3 + 3))
        write_text(root / f"imgListFiles_label/imgList{part}Regression_score.txt", rows)
    ratings = "".join(f"w{n % 3},http://photos.example/a/p{n}.jpg,{1 + n % 5},,\n" for n in range(9))
    write_text(root / "batch.csv", "WorkerId,Input.image_url1,Answer.overallScore1,Input.image_url2,Answer.overallScore2\n" + ratings)
    write_text(root / "test_list.csv", "w2,p2.jpg,3\nw2,p5.jpg,1\n")
    for n in range(9):
        write_text(root / f"datasetImages_warp256/p{n}.jpg")


def make_real_cur(root):
    for album in range(14):
        for score in range(1, 6):
            write_text(root / f"album{album}/{score}/p{score}.jpg")


def make_kadid(root):
    names = [(f"I{ref:02}_{kind:02}_01.png", f"I{ref:02}.png") for ref in range(12) for kind in range(5)]
    write_text(root / "dmos.csv", "dist_img,ref_img,dmos,var\n" + "".join(f"{name},{ref},4.57,0.5\n" for name, ref in names))
    for name, _ in names:
        write_text(root / "images" / name)


def make_houses(root):
    rows = [("ann", "h0", 0.1), ("ann", "h1", 0.2), ("ann", "h2", 0.3), ("bob", "h0", 0.9), ("bob", "h1", 0.5), ("bob", "h3", 0.1)]
    write_text(root / "ratings.csv", "rater,image,score\n" + "".join(f"{rater},{name}.jpg,{score}\n" for rater, name, score in rows))
    for n in range(4):
        write_text(root / f"images/h{n}.jpg")


def make_lapis(root):
    names = [f"a painter_work {n}.jpg" for n in range(12)]
    rated = [(rater, n) for rater in range(6) for n in range(12) if n % 6 in (rater, (rater + 1) % 6)]
    rows = "".join(f"{rater},genre/{names[n]},{10 * ((n + rater) % 11)}\n" for rater, n in rated)
    write_text(
        root / "annotation/LAPIS_individualratings_metaANDdemodata.csv",
        "participant_id,image_filename,response\n" + rows + "0,genre/x.jpg,\n",
    )
    for part, own in (("Train", names[:8]), ("Val", names[8:10]), ("Test", names[10:])):
        write_text(root / f"imageset/{part}ImageSet.txt", "\n".join(own) + "\n")
    for name in names:
        write_text(root / f"images/{name}")


def make_xpass(root):
    rows = [(user, genre, n) for user in range(10) for genre in ("art", "fashion", "scenery") for n in (user, (user + 1) % 10)]
    files = {"art": "a{}.jpg", "fashion": "f{}.jpg", "scenery": "s{}.mp4"}
    lines = [f"{user},{genre},{files[genre].format(n)},{(user + n) % 7}" for user, genre, n in rows]
    write_text(root / "maked/ratings.csv", "\n".join(["user_id,genre,sample_file,Aesthetic", *lines, "0,art,a0.jpg,6"]) + "\n")
    for n in range(10):
        for path in (f"art/a{n}.jpg", f"fashion/f{n}.jpg", f"scenery_image/s{n}.jpg"):
            write_text(root / "samples" / path)


def make_csv(root):
    write_text(root / "scores.csv", "image,score,split,rater\na.jpg,2,train,ann\na.jpg,4,train,bob\nb.jpg,9,test,ann\n")
    write_text(root / "images/a.jpg")
    write_text(root / "images/b.jpg")


LAYOUTS = {
    "ava": make_ava, "tad66k": make_tad66k, "flickr-aes": make_flickr, "para": make_para, "koniq-10k": make_koniq, "spaq": make_spaq,
    "aadb": make_aadb, "real-cur": make_real_cur, "kadid-10k": make_kadid, "houses": make_houses, "lapis": make_lapis,
    "xpass-vis": make_xpass, "csv": make_csv,
}  # fmt: skip


@pytest.fixture
def root(tmp_path):
    def make(name):
        (tmp_path / name).mkdir()
        LAYOUTS[name](tmp_path / name)
        return tmp_path / name

    return make


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("protocol", datasets.PROTOCOLS)
def test_every_dataset_layout_is_read(root, name, protocol):
    photos = datasets.load(name, root(name), protocol)
    row = datasets.find(name)
    assert photos
    for photo in photos:
        assert photo.path.is_file()
        assert row.low <= photo.score <= row.high
        assert photo.distribution is None or sum(photo.distribution) == pytest.approx(1)


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name != "csv"])
def test_the_root_may_be_the_folder_of_all_datasets(root, name):
    folder = root(name)
    assert datasets.load(name, folder.parent) == datasets.load(name, folder)


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_empty_folder_is_refused_with_the_expected_layout(tmp_path, name):
    with pytest.raises(BadDataset) as refused:
        datasets.load(name, tmp_path)
    assert datasets.find(name).layout in str(refused.value)


@pytest.mark.parametrize("name", ["flickr-aes", "para", "aadb", "real-cur", "lapis", "xpass-vis"])
def test_photos_of_test_raters_are_not_trained_on_in_the_leak_free_split(root, name):
    folder = root(name)
    ratings = datasets.ratings(name, folder)
    tested = {ratings.photos[place] for one in ratings.tested for place in one.photos}
    assert tested
    assert {photo.split for photo in datasets.load(name, folder) if photo.path in tested} == {"test"}
    assert "leak-free" in ratings.about


def test_the_published_split_keeps_the_published_lists(root):
    assert [photo.split for photo in datasets.load("aadb", root("aadb"), "published")] == 3 * ["train"] + 3 * ["validation"] + 3 * ["test"]


@pytest.mark.parametrize(("name", "tested"), [("flickr-aes", {"w0"}), ("para", {"u1", "u4"}), ("aadb", {"w2"})])
def test_the_published_protocol_tests_the_raters_of_a_file(root, name, tested):
    assert datasets.ratings(name, root(name), "published").test_raters == tested


@pytest.mark.parametrize("name", ["para", "aadb"])
def test_the_published_protocol_needs_that_file_and_raters_who_are_in_the_ratings(root, name):
    folder = root(name)
    (folder / "test_list.csv").write_text("nobody,p1.jpg,3\n")
    with pytest.raises(BadDataset, match=r"test_list\.csv line 1: 'nobody' has rated no photo"):
        datasets.ratings(name, folder, "published")
    (folder / "test_list.csv").unlink()
    with pytest.raises(BadDataset, match=r"test_list\.csv is missing.*The published protocol tests the workers of test_list\.csv"):
        datasets.ratings(name, folder, "published")


def test_aadb_without_its_own_tables_takes_the_ratings_of_the_published_list(root):
    folder = root("aadb")
    (folder / "batch.csv").unlink()
    (rater,) = datasets.ratings("aadb", folder, "published").raters
    assert (rater.rater, rater.ratings.tolist()) == ("w2", [3.0, 1.0])


def test_leading_spaces_in_flickr_aes_tables_are_stripped(root):
    ratings = datasets.ratings("flickr-aes", root("flickr-aes"))
    assert (ratings.test_raters, [one.rater for one in ratings.raters]) == (frozenset({"w0"}), ["w0", "w1"])


@pytest.mark.parametrize("header", ["", "worker,image,score\n", "user, file, mos\n", "image,worker,score\n"])
def test_the_list_of_real_cur_is_read_with_a_header_or_without(tmp_path, header):
    write_text(tmp_path / "images/ann/3/a.jpg")
    write_text(tmp_path / "images/ann/5/b.jpg")
    rows = "a.jpg,ann,3\nb.jpg,ann,5\n" if header.startswith("image") else "ann,a.jpg,3\nann,b.jpg,5\n"
    write_text(tmp_path / "test_list.csv", header + rows)
    (rater,) = datasets.ratings("real-cur", tmp_path).raters
    assert (rater.rater, rater.ratings.tolist()) == ("ann", [3.0, 5.0])


def test_paintings_are_read_by_their_lists_and_ratings_of_a_few_missing_ones_are_skipped(root, caplog):
    folder = root("lapis")
    assert [photo.split for photo in datasets.load("lapis", folder, "published")] == ["train"] * 8 + ["validation"] * 2 + ["test"] * 2
    assert datasets.ratings("lapis", folder).raters[0].ratings.tolist() == [0, 10, 60, 70]
    table = folder / "annotation/LAPIS_individualratings_metaANDdemodata.csv"
    table.write_text(table.read_text() + "0,genre/lost.jpg,50\n")
    assert len(datasets.load("lapis", folder)) == 12
    assert "1 ratings of photos that are not in" in caplog.text
    table.write_text(table.read_text() + "0,genre/lost.jpg,50\n" * 5)
    with pytest.raises(BadDataset, match=r"6 ratings of photos .* line 27, lost\.jpg; at most 5% may be missing"):
        datasets.load("lapis", folder)


def test_the_first_rating_of_xpass_counts_and_a_video_is_its_frame(root):
    table = datasets.ratings("xpass-vis", root("xpass-vis"))
    assert len(table.photos) == 30
    assert {photo.suffix for photo in table.photos} == {".jpg"}
    first = next(one for one in table.raters if one.rater == "0")
    assert dict(zip((table.photos[place].name for place in first.photos), first.ratings, strict=True))["a0.jpg"] == 0


def test_distorted_copies_of_a_reference_are_in_the_same_split(root):
    splits = {}
    for photo in datasets.load("kadid-10k", root("kadid-10k")):
        splits.setdefault(photo.path.name[:3], set()).add(photo.split)
    assert all(len(own) == 1 for own in splits.values())


def test_a_house_is_scored_by_its_mean_over_standardised_raters_and_none_is_a_test_photo(root):
    photos = {photo.path.stem: photo for photo in datasets.load("houses", root("houses"))}
    ann, bob = (np.array(own) for own in ([0.1, 0.2, 0.3], [0.9, 0.5, 0.1]))
    ann, bob = ((own - own.mean()) / own.std() for own in (ann, bob))
    expected = {"h0": (ann[0] + bob[0]) / 2, "h1": (ann[1] + bob[1]) / 2, "h2": ann[2], "h3": bob[2]}
    assert {name: photo.score for name, photo in photos.items()} == pytest.approx(expected, abs=1e-9)
    assert {photo.split for photo in photos.values()} <= {"train", "validation"}


def test_a_rater_of_houses_whose_ratings_are_all_equal_counts_as_indifferent(root):
    folder = root("houses")
    (folder / "ratings.csv").write_text("rater,image,score\nann,h0.jpg,0.5\nann,h1.jpg,0.5\nbob,h0.jpg,1\nbob,h1.jpg,0\n")
    assert [photo.score for photo in datasets.load("houses", folder)] == [0.5, -0.5]


def test_the_raters_of_houses_are_split_by_the_evaluation(root):
    ratings = datasets.ratings("houses", root("houses"))
    assert [one.rater for one in ratings.raters] == ["ann", "bob"]
    assert ratings.test_raters is None
    assert len(ratings.photos) == 4


def test_a_few_missing_photos_of_ava_are_skipped_and_many_are_refused(root, caplog):
    folder = root("ava")
    Path(folder / "images/1000.jpg").unlink()
    assert len(datasets.load("ava", folder)) == 39
    assert "1 of the 40 photos" in caplog.text
    for n in range(1, 5):
        Path(folder / f"images/{1000 + n}.jpg").unlink()
    with pytest.raises(BadDataset, match="at most 5% may be missing"):
        datasets.load("ava", folder)


def test_a_distribution_keeps_the_mean_of_the_ratings():
    levels = on_ten_levels({1.0: 1, 2.5: 2, 4.0: 3}, 1, 5)
    assert np.dot(levels, range(1, 11)) == pytest.approx(1 + 9 * ((1 + 5 + 12) / 6 - 1) / 4)


@pytest.mark.parametrize(
    ("name", "table", "old", "new", "sentence"),
    [
        ("koniq-10k", "koniq10k_distributions_sets.csv", "k1.jpg,0", "k1.jpg,x", "line 3: c1 is 'x', not a number"),
        ("koniq-10k", "koniq10k_distributions_sets.csv", "k1.jpg", "k9.jpg", r"line 3: .*k9\.jpg is missing"),
        ("kadid-10k", "dmos.csv", "dmos", "score", "lacks a column: dmos"),
        ("flickr-aes", "test_workers.csv", "w0", "w7", "line 2: ID 'w7' has rated no photo"),
        ("csv", "scores.csv", "b.jpg,9", "b.jpg,90", "line 4: score is 90, which is not on the scale 1 to 10"),
        ("csv", "scores.csv", "4,train", "4,test", "line 3: a.jpg is in the split train on an earlier line"),
        ("ava", "AVA.txt", "0 1000 0", "0 1000 none", "line 1: count1 is 'none'"),
        ("houses", "ratings.csv", "h1.jpg,0.2", "h1.jpg,good", "line 3: score is 'good', not a number"),
        ("houses", "ratings.csv", "h1.jpg", "h9.jpg", r"line 3: .*h9\.jpg is missing"),
        ("flickr-aes", "FLICKR-AES_image_score.txt", "p3.jpg", "p33.jpg", r"line 4: .*p33\.jpg is missing"),
        ("flickr-aes", "FLICKR-AES_image_labeled_by_each_worker.csv", "p3.jpg", "p33.jpg", r"line 5: .*p33\.jpg is missing"),
        ("aadb", "batch.csv", "p3.jpg", "p33.jpg", r"batch\.csv line 5: .*p33\.jpg is missing"),
        ("para", "annotation/PARA-Images.csv", "p3.jpg", "p33.jpg", r"PARA-Images\.csv line 5: .*p33\.jpg is missing"),
        ("xpass-vis", "maked/ratings.csv", "a3.jpg", "a33.jpg", r"ratings\.csv line \d+: .*a33\.jpg is missing"),
    ],
)
def test_an_invalid_table_is_refused_with_file_line_and_column(root, name, table, old, new, sentence):
    folder = root(name)
    (folder / table).write_text((folder / table).read_text().replace(old, new, 1))
    with pytest.raises(BadDataset, match=sentence):
        datasets.load(name, folder)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("flickr-aes", "FLICKR-AES_image_labeled_by_each_worker.csv"),
        ("flickr-aes", "FLICKR-AES_image_score.txt"),
        ("para", "annotation/PARA-Images.csv"),
        ("para", "annotation/PARA-GiaaTest.csv"),
        ("aadb", "imgListFiles_label/imgListTestRegression_score.txt"),
        ("lapis", "annotation/LAPIS_individualratings_metaANDdemodata.csv"),
        ("lapis", "imageset/ValImageSet.txt"),
        ("xpass-vis", "maked/ratings.csv"),
    ],
)
def test_a_table_that_is_missing_is_named(root, name, table):
    folder = root(name)
    (folder / table).unlink()
    with pytest.raises(BadDataset, match=re.escape(Path(table).name)):
        datasets.load(name, folder)


def test_a_rating_of_real_cur_without_its_photo_is_named(tmp_path):
    write_text(tmp_path / "test_list.csv", "w1,p1.jpg,3\n")
    with pytest.raises(BadDataset, match=r"test_list\.csv line 1: .*p1\.jpg is missing"):
        datasets.load("real-cur", tmp_path)


def test_a_dataset_without_individual_ratings_is_refused_with_those_that_have_them(root):
    with pytest.raises(BadDataset, match="These have: aadb, csv"):
        datasets.ratings("koniq-10k", root("koniq-10k"))


def test_an_unknown_protocol_is_refused_with_the_known_ones(root):
    with pytest.raises(UnknownName, match="leak-free, published"):
        datasets.load("csv", root("csv"), "leaky")


def test_the_documentation_lists_every_dataset():
    page = (Path(__file__).parents[2] / "docs/datasets.md").read_text()
    assert not [name for name in datasets.REGISTRY if f"| `{name}` |" not in page]


def test_the_command_says_which_datasets_are_pooled_into_the_generic_score(capsys):
    call_command("datasets", "--json")
    pooled = {row["name"]: row["pooled"] for row in json.loads(capsys.readouterr().out)}
    assert pooled["houses"]
    assert not pooled["savoias-complexity"]
    call_command("datasets")
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "pooled" in lines["houses"]
    assert "pooled" not in lines["savoias-complexity"]


def test_the_command_counts_photos_and_raters(root, capsys):
    call_command("datasets", "aadb", "--root", str(root("aadb")), "--protocol", "published", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["photos"], report["raters"], report["protocol"]) == ({"train": 3, "validation": 3, "test": 3}, 3, "published")


def test_the_command_counts_the_photos_of_a_table_without_raters(tmp_path, capsys):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "scores.csv").write_text("image,score\na.png,5\n")
    call_command("datasets", "csv", "--root", str(tmp_path), "--json")
    report = json.loads(capsys.readouterr().out)
    assert sum(report["photos"].values()) == 1
    assert "raters" not in report
