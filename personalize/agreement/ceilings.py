"""Noise ceilings: the most that a model can correlate with a rater's single ratings."""

from math import sqrt

from personalize.agreement.components import Components


def ceilings(components: Components) -> dict[str, float]:
    """Largest expected Pearson correlation of a model's scores with a rater's ratings of photos, within a rater and block.

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
