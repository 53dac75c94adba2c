"""What each statistic means, in plain words, with landmarks and the paper it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """The words for a statistic, by its key; the functions that compute it have the formulas."""

    name: str
    meaning: str
    landmarks: str
    reference: str


_SHARE = "0 to 1; the shares add up to 1"
_SLOPE = "0: no dependence; above 0: pulled towards what came before; below 0: pushed away"
_MARTINEZ = "Martinez, Funk & Todorov, Behavior Research Methods 2020"
_HOENEKOPP = "Hönekopp, JEP: Human Perception and Performance 2006"
_MCGRAW = "McGraw & Wong, Psychological Methods 1996"
_NILI = "Nili et al., PLoS Computational Biology 2014"
_KRIPPENDORFF = "Krippendorff, Content analysis, 4th edition 2019"
_KIM = "Kim, Burr & Alais, Journal of Vision 2019, 19:19"
_NO_TASTE = "0: chance; 1: all agree; .667 and .80 are asked of coders of facts, and taste is no fact"

DEFINITIONS: dict[str, Definition] = {
    "alpha_interval": Definition(
        "Krippendorff's alpha, interval",
        "How much two raters agree on a photo beyond chance, when distances between scores count",
        _NO_TASTE,
        _KRIPPENDORFF,
    ),
    "alpha_ordinal": Definition(
        "Krippendorff's alpha, ordinal",
        "The same when only the order of scores counts",
        _NO_TASTE,
        _KRIPPENDORFF,
    ),
    "icc_a1": Definition(
        "ICC(A,1)", "How much one rating says about the photo; raters' different means count as error", "0: nothing; 1: everything", _MCGRAW
    ),
    "icc_ak": Definition(
        "ICC(A,k)", "The same for the mean of k raters", "0 to 1; above .9 excellent, but any set with many raters gets there", _MCGRAW
    ),
    "icc_c1": Definition(
        "ICC(C,1)",
        "How much one rating says about the photo, when raters' different means do not count",
        "0: nothing; 1: everything",
        _MCGRAW,
    ),
    "icc_ck": Definition(
        "ICC(C,k)", "The same for the mean of k raters; Cronbach's alpha on complete data", "0 to 1; above .9 excellent", _MCGRAW
    ),
    "split_half_raters": Definition(
        "Split-half over raters, Spearman-Brown",
        "How well the photos' mean ratings would correlate with those of as many other raters",
        "0 to 1; norms of stimuli mostly have more than .9",
        "Spearman 1910; Brown 1910; Parsons, Kruijt & Fox 2019",
    ),
    "split_half_ratings": Definition(
        "Split-half over ratings, uncorrected",
        "How well the means of two random halves of each photo's ratings correlate",
        "0 to 1; lower than the one over raters with correction, as half of the ratings stand for all",
        "Brielmann & Pelli, Frontiers in Psychology 2019",
    ),
    "mean_minus_one_pearson": Definition(
        "Mean-minus-one, Pearson",
        "How well the mean of all others predicts a rater's order of photos",
        "0: not at all; 1: everyone has the same order",
        "Vessel et al., Cognition 2018",
    ),
    "mean_minus_one_spearman": Definition(
        "Mean-minus-one, Spearman", "The same with ranks", "0: not at all; 1: everyone has the same order", "Vessel et al., Cognition 2018"
    ),
    "pairwise_pearson": Definition(
        "Mean pairwise correlation, Pearson",
        "How well one rater's ratings predict another's",
        "0: not at all; always lower than mean-minus-one, which it must not be compared with",
        "Vessel et al., Cognition 2018",
    ),
    "pairwise_spearman": Definition(
        "Mean pairwise correlation, Spearman",
        "The same with ranks",
        "0: not at all; 1: everyone has the same order",
        "Vessel et al., Cognition 2018",
    ),
    "retest": Definition(
        "Test-retest correlation",
        "How well raters repeat themselves on the same photos, mean over raters",
        "0: noise; 1: exactly",
        "Lord & Novick 1968",
    ),
    "ceiling_generic": Definition(
        "Noise ceiling, generic model",
        "The most that one score for everyone can correlate with a rater's ratings",
        "0 to 1",
        _NILI,
    ),
    "ceiling_personal": Definition(
        "Noise ceiling, personal model", "The most that a model of each rater can correlate with the rater's ratings", "0 to 1", _NILI
    ),
    "share_photo": Definition("Share of photos: shared taste", "Variance of what all raters see in a photo", _SHARE, _MARTINEZ),
    "share_rater": Definition(
        "Share of raters: use of the scale", "Variance of raters' mean ratings: some give higher scores to everything", _SHARE, _MARTINEZ
    ),
    "share_rater_photo": Definition(
        "Share of rater x photo: private taste",
        "Variance of what single raters, and only they, see in a photo, again and again",
        _SHARE,
        _MARTINEZ,
    ),
    "share_block": Definition("Share of blocks", "Variance of blocks: all photos rated higher the second time", _SHARE, _MARTINEZ),
    "share_block_rater": Definition("Share of block x rater", "Raters who change their use of the scale between blocks", _SHARE, _MARTINEZ),
    "share_block_photo": Definition("Share of block x photo", "Photos that everybody likes more in one block", _SHARE, _MARTINEZ),
    "share_residual": Definition("Share of the rest: noise", "Variance that nothing above explains", _SHARE, _MARTINEZ),
    "beholder_1": Definition(
        "Beholder index b1",
        "Private taste as part of private and shared taste",
        "0: beauty is in the photo; .5: half and half; 1: in the eye of the beholder",
        _HOENEKOPP,
    ),
    "beholder_2": Definition("Beholder index b2", "The same, raters' means counted as private", "0 to 1, at least b1", _HOENEKOPP),
    "beholder_total": Definition(
        "Modified beholder index, total variance",
        "Rater, rater x photo and block x rater as part of all variance",
        "0 to 1; noise makes it lower",
        _MARTINEZ,
    ),
    "beholder_repeatable": Definition(
        "Modified beholder index, repeatable variance", "The same as part of all variance but the residual", "0 to 1", _MARTINEZ
    ),
    "serial_rating": Definition(
        "Serial dependence on the rating before", "Points that a rating moves for each point of the rating before it", _SLOPE, _KIM
    ),
    "serial_photo": Definition(
        "Serial dependence on the photo before", "Points that a rating moves for each point of the photo before it", _SLOPE, _KIM
    ),
    "seconds": Definition("Response time", "Median over raters of their median seconds", "seconds", "Luce, Response times, 1986"),
    "side": Definition("Choices of the left photo", "Share of the left side, ties as one half", ".5: no bias", "Bradley & Terry 1952"),
    "ties": Definition("Ties", "Share of pairs without a choice", "0 to 1", "Davidson, JASA 1970"),
    "same_choice": Definition(
        "Same choice",
        "How often two raters choose the same photo of the same pair",
        ".5: chance; 1: always",
        "Kendall & Babington Smith 1940",
    ),
    "intransitive_raters": Definition(
        "Intransitive triples within raters",
        "Share of a rater's triples in which a beats b, b beats c and c beats a",
        "0: one order; .25: chance",
        "Kendall & Babington Smith 1940",
    ),
    "intransitive_all": Definition(
        "Intransitive triples of the majority",
        "The same for the majority's choices",
        "0: one order; .25: chance",
        "Kendall & Babington Smith 1940",
    ),
    "strength_reliability": Definition(
        "Reliability of Bradley-Terry strengths",
        "How far the photos' order is known for these raters",
        "0: not; 1: exactly",
        "Bradley & Terry 1952",
    ),
    "personal_instant": Definition(
        "A model of the rater alone",
        "SROCC of the instant fit with the rater's ratings of photos it has not seen",
        "0: chance; 1: their order",
        "Yun & Choo, ECCV 2024",
    ),
    "personal_others": Definition(
        "The mean of the other raters",
        "SROCC of the others' mean with the rater's ratings of the same photos",
        "0: chance; 1: their order",
        "Vessel et al. 2018",
    ),
    "personal_both": Definition(
        "Both together", "SROCC of the instant fit on top of the others' mean", "0: chance; 1: their order", "Yun & Choo, ECCV 2024"
    ),
    "personal_gain": Definition(
        "What personalization adds", "Both together minus the mean of the others, by rater", "0: nothing", "Yun & Choo, ECCV 2024"
    ),
}
