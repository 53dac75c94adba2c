"""Ratios of variance components: intraclass correlations, beholder indices, noise ceilings."""

from math import sqrt

from personalize.agreement.components import Components


def intraclass_correlations(components: Components, k: float) -> dict[str, float]:
    """Intraclass correlations of photos' ratings, from variance components.

    rest = all variance that is neither the photos' nor the raters'.

    ICC(A,1) = photo / (photo + rater + rest)           one rating stands for the photo, absolute agreement
    ICC(A,k) = photo / (photo + (rater + rest) / k)     mean of k raters, absolute agreement
    ICC(C,1) = photo / (photo + rest)                   one rating, consistency: raters may differ in their mean
    ICC(C,k) = photo / (photo + rest / k)               mean of k raters, consistency; Cronbach's alpha on complete data

    1: photos account for all variance; 0: for none. Estimates can be negative. For k raters, Koo & Li call .5 to .75 moderate, .75 to .9
    good, above .9 excellent; with many raters nearly any mean is "excellent", so k belongs to the number.

    References:
        McGraw & Wong, Forming inferences about some intraclass correlation coefficients, Psychological Methods 1996; Shrout & Fleiss,
        Psychological Bulletin 1979: ICC(2,1), ICC(2,k), ICC(3,1), ICC(3,k); Koo & Li, Journal of Chiropractic Medicine 2016.
    """
    photo, rater = components["photo"], components["rater"]
    rest = sum(value for part, value in components.items() if part not in ("photo", "rater"))
    return {
        "icc_a1": _ratio(photo, rater + rest),
        "icc_ak": _ratio(photo, (rater + rest) / k),
        "icc_c1": _ratio(photo, rest),
        "icc_ck": _ratio(photo, rest / k),
    }


def beholder_indices(components: Components) -> dict[str, float]:
    """Four indices of how much of a taste is in the eye of the beholder; empty where private taste and noise cannot be separated.

    b1 = rater x photo / (rater x photo + photo)
    b2 = (rater x photo + rater) / (rater x photo + rater + photo)           raters' means count as taste: some like everything more
    modified, total      = (rater + rater x photo + block x rater) / sum of all components
    modified, repeatable = the same / sum of all components but the residual

    0: all taste is shared; .5: as much private as shared; 1: all private. They say nothing about the causes, and
    hold for these photos: more varied photos have more shared variance.

    References:
        Hönekopp, Once more: is beauty in the eye of the beholder?, JEP: HPP 2006; Martinez, Funk & Todorov, Behavior Research Methods 2020.
    """
    if "rater_photo" not in components:
        return {}
    own = {part: max(value, 0.0) for part, value in components.items()}
    private, rater, photo = own["rater_photo"], own["rater"], own["photo"]
    total = sum(own.values())
    modified = private + rater + own.get("block_rater", 0.0)
    found = {
        "beholder_1": (private, private + photo),
        "beholder_2": (private + rater, private + rater + photo),
        "beholder_total": (modified, total),
        "beholder_repeatable": (modified, total - own["residual"]),
    }
    return {key: part / whole if whole > 0 else float("nan") for key, (part, whole) in found.items()}


def noise_ceilings(components: Components) -> dict[str, float]:
    """Largest expected Pearson correlation of any model's scores with a rater's ratings of photos, within a rater and block.

    generic: sqrt(photo / all), a model that is the same for everyone and knows each photo's mean rating by infinitely many raters.
    personal: sqrt((photo + rater x photo) / all), a model that knows each rater's own mean rating of each photo.
    all = photo + rater x photo + block x photo + residual.

    The gap between the two is what personalization can add at most. A rater's noise cannot be predicted, so no model passes the personal
    ceiling on average; single raters may have less noise. The ceiling for Spearman's correlation is a little lower where ratings have few
    steps. Without repeats only the generic one is known.

    References:
        Nili et al., A toolbox for representational similarity analysis, PLoS Computational Biology 2014; Hsu, Borst & Theunissen, Network
        2004 (ceilings from variance components).
    """
    noise = components["residual"] + components.get("block_photo", 0.0)
    shared, private = max(components["photo"], 0.0), components.get("rater_photo")
    total = shared + max(private or 0.0, 0.0) + noise
    if not total > 0:
        return {}
    found = {"ceiling_generic": sqrt(shared / total)}
    if private is not None:
        found["ceiling_personal"] = sqrt((shared + max(private, 0.0)) / total)
    return found


def _ratio(signal: float, noise: float) -> float:
    return signal / (signal + noise) if signal + noise > 0 else float("nan")
