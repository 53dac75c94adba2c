"""Intraclass correlations from variance components, complete or incomplete."""

from personalize.agreement.components import Components


def intraclass(photo: float, rater: float, rest: float, k: float) -> dict[str, float]:
    """Intraclass correlations of photos' ratings, from the variances of photos, raters and the rest.

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
    return {
        "icc_a1": _ratio(photo, rater + rest),
        "icc_ak": _ratio(photo, (rater + rest) / k),
        "icc_c1": _ratio(photo, rest),
        "icc_ck": _ratio(photo, rest / k),
    }


def from_components(components: Components, k: float) -> dict[str, float]:
    """As `intraclass`; all variance that is neither the photos' nor the raters' is the rest."""
    rest = sum(value for part, value in components.items() if part not in ("photo", "rater"))
    return intraclass(components["photo"], components["rater"], rest, k)


def _ratio(signal: float, noise: float) -> float:
    return signal / (signal + noise) if signal + noise > 0 else float("nan")
