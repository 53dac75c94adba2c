"""Registry of datasets."""

from personalize.datasets import loaders, single_ratings
from personalize.datasets.dataset import Dataset

OASIS = "OASIS, Kurdi, Lozano & Banaji 2017"
OPEN = "photos: free use in research studies (the authors' paper)"
PUBLISHED = "The published protocol tests the workers of test_list.csv (worker, image, score; with a header or without)."
FLICKR = "photos under Creative Commons licences, data for research purposes only (the authors' repository)"


def _table(folder: str, column: str) -> str:
    return f"{folder} should contain scores.csv with the columns image and {column}, and the photos in images/."


def _oasis(name: str, column: str, about: str, source: str = OASIS) -> Dataset:
    ratings = single_ratings.rating_table if column == "beauty_mean" else None
    layout = _table("oasis", column) + (" Single ratings: ratings.csv (rater, image, score)." if ratings else "")
    split = "photos marked personal are test; the others are 90 % train, 10 % validation"
    licence = f"{OPEN}; ratings: none stated in their authors' repository" if ratings else OPEN
    return Dataset(
        name,
        "oasis",
        column,
        1,
        7,
        1.8,
        about,
        source,
        preference=bool(ratings),
        layout=layout,
        split=split,
        licence=licence,
        photos=loaders.scores_csv,
        ratings=ratings,
    )


ROWS = (
    _oasis("oasis-beauty", "beauty_mean", "mean beauty", f"Brielmann & Pelli 2019, on {OASIS}"),
    _oasis("oasis-valence", "valence_mean", "how pleasant"),
    _oasis("oasis-arousal", "arousal_mean", "how exciting"),
    Dataset(
        "streetpsych-preference", "streetpsych", "preference", -6, 6, 1.5, "preferred street view", "StreetPsych, Kang", preference=True,
        layout=_table("streetpsych", "preference"), photos=loaders.scores_csv, licence="none stated in the author's repository",
    ),
    Dataset(
        "houses", "houses", "score", -2, 2, 1.5, "preferred house", "preference study of houses, Loni0111", preference=True,
        layout="houses should contain ratings.csv (rater, image, score: the share of its pairs that a photo won), and photos in images/.",
        photos=loaders.houses, split="all photos are train, 10 % of them validation", licence="none stated in the author's repository",
        ratings=single_ratings.all_ratings,
    ),
    Dataset(
        "savoias-complexity", "savoias", "complexity", 0, 100, 1.5, "visual complexity", "Savoias, Saraee, Jalal & Betke 2020",
        layout=_table("savoias", "complexity"), photos=loaders.scores_csv,
        licence="Apache-2.0; photos: of their source collections (the authors' repository)",
    ),
    Dataset(
        "technical-quality", "oasis", "beauty_mean", 0, 5, 1.0, "blur, JPEG, noise and exposure in five steps", OASIS,
        layout=_table("oasis", "beauty_mean"), photos=loaders.scores_csv, degraded=True, licence=OPEN,  # score: the degree of degradation
    ),
    Dataset(
        "ava", "ava", "counts of 1..10", 1, 10, 1.4, "aesthetics, 255,000 photos", "AVA, Murray, Marchesotti & Perronnin 2012",
        layout="ava should contain AVA.txt (lines: index, image id, counts of scores 1..10, ...) and <id>.jpg in images/ or beside it.",
        preference=True, photos=loaders.ava, licence="none found; photos belong to their photographers",
    ),
    Dataset(
        "tad66k", "tad66k", "score", 0, 10, 1.5, "aesthetics by theme, 66,000 photos", "TAD66K, He et al. 2022",
        layout="tad66k should contain labels/merge/train.csv and test.csv (image, score), and the photos in TAD66K/ or images/.",
        preference=True, photos=loaders.tad66k, split="official lists; a fixed tenth of train for validation",
        licence="Apache-2.0 (the authors' dataset card); photos: not stated",
    ),
    Dataset(
        "flickr-aes", "flickr-aes", "score", 0, 1, 2.0, "aesthetics, 40,000 photos, 210 workers", "FLICKR-AES, Ren et al. 2017",
        preference=True, layout=(
            "flickr-aes should contain FLICKR-AES_image_score.txt (name score), FLICKR-AES_image_labeled_by_each_worker.csv (worker, "
            "imagePair, score), a CSV of the test workers (header ID), and the photos in 40K/."
        ),
        photos=loaders.flickr_aes, licence=FLICKR, ratings=single_ratings.flickr_aes, testers=single_ratings.flickr_aes_testers,
    ),
    Dataset(
        "para", "para", "aestheticScore_mean", 1, 5, 1.5, "aesthetics, 31,000 photos, 438 people", "PARA, Yang et al. 2022",
        preference=True, layout=(
            "para should contain annotation/PARA-GiaaTrain.csv and PARA-GiaaTest.csv (sessionId, imageName, aestheticScore_1.0 ... _5.0, "
            "aestheticScore_mean), annotation/PARA-Images.csv (sessionId, imageName, userId, aestheticScore), "
            f"imgs/<sessionId>/<imageName>. {PUBLISHED}"
        ),
        photos=loaders.para, split="official tables; a fixed tenth of train for validation",
        licence="no commercial use, as others report; the authors' page was not checked",
        ratings=single_ratings.para, testers=single_ratings.drawn, published_testers=single_ratings.listed,
    ),
    Dataset(
        "koniq-10k", "koniq-10k", "MOS", 1, 5, 1.3, "technical quality, 10,073 photos", "KonIQ-10k, Hosu et al. 2020",
        layout="koniq-10k should contain koniq10k_distributions_sets.csv (image_name, c1..c5, MOS, set), photos in 1024x768/ or 512x384/.",
        photos=loaders.koniq, split="official, column set",
    ),
    Dataset(
        "spaq", "spaq", "MOS", 0, 100, 1.5, "quality of smartphone photos, 11,125 photos", "SPAQ, Fang et al. 2020",
        layout='spaq should contain "Annotations/MOS and Image attribute scores.xlsx" (Image name, MOS), and the photos in TestImage/.',
        photos=loaders.spaq, licence="none stated in the authors' repository",
    ),
    Dataset(
        "aadb", "aadb", "score", 0, 1, 1.8, "aesthetics, 10,000 photos, 190 workers", "AADB, Kong et al. 2016",
        preference=True, layout=(
            "aadb should contain imgListFiles_label/imgList{Train,Validation,Test}Regression_score.txt (name score), the photos in "
            "datasetImages_originalSize/ or datasetImages_warp256/, and for tests of raters a CSV with WorkerId, Input.image_url1..10, "
            f"Answer.overallScore1..10. {PUBLISHED}"
        ),
        photos=loaders.aadb, split="official lists", licence=FLICKR, ratings=single_ratings.aadb, testers=single_ratings.drawn,
        published_testers=single_ratings.listed,
    ),
    Dataset(
        "real-cur", "real-cur", "score", 1, 5, 1.5, "14 people's own albums", "REAL-CUR, Ren et al. 2017",
        preference=True, layout=(
            "real-cur should contain <album>/<1..5>/<image>, or images/<worker>/<score>/<name> with test_list.csv (worker, image, score; "
            "with a header or without)."
        ),
        photos=loaders.real_cur, split="all photos are test", licence=FLICKR,
        ratings=single_ratings.real_cur, testers=single_ratings.all_raters,
    ),
    Dataset(
        "lapis", "lapis", "response", 0, 100, 1.8, "aesthetics of paintings", "LAPIS, Maerten et al. 2025",
        preference=True, layout=(
            "lapis should contain annotation/LAPIS_individualratings_metaANDdemodata.csv (participant_id, image_filename, response), "
            "imageset/{Train,Val,Test}ImageSet.txt (a name a line), and the paintings in images/."
        ),
        photos=loaders.lapis, split="the lists that come with it", licence="on request from the authors",
        ratings=single_ratings.lapis, testers=single_ratings.drawn,
    ),
    Dataset(
        "xpass-vis", "xpass-vis", "Aesthetic", 0, 6, 1.8, "aesthetics of art, fashion and scenery", "XPASS-Vis, Hayashi et al. 2026",
        preference=True, layout=(
            "xpass-vis should contain maked/ratings.csv (user_id, genre, sample_file, Aesthetic), and the photos in samples/art, "
            "samples/fashion and samples/scenery_image."
        ),
        photos=loaders.xpass_vis, licence="on request from the authors", ratings=single_ratings.xpass_vis, testers=single_ratings.drawn,
    ),
    Dataset(
        "kadid-10k", "kadid-10k", "dmos", 1, 5, 1.5, "damaged photos, 10,125 of 81 references", "KADID-10k, Lin, Hosu & Saupe 2019",
        layout="kadid-10k should contain dmos.csv (dist_img, ref_img, dmos, var), and the photos in images/.",
        photos=loaders.kadid, split="a fixed hash of the reference photo's name",
    ),
    Dataset(
        "csv", ".", "score", 1, 10, 1.5, "your own photos", "your own table",
        layout="The folder should contain scores.csv (image, score on 1 to 10[, split][, rater]), and photos in images/ or beside it.",
        preference=True, photos=loaders.any_csv, split="column split, else a fixed hash of the name", licence="your own",
        ratings=single_ratings.any_csv,
    ),
)  # fmt: skip
REGISTRY: dict[str, Dataset] = {row.name: row for row in ROWS}
