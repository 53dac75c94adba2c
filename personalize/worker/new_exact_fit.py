"""An exact fit of one rater to the ratings of the catalogue, made on demand: where no exact refit is active, or it is not kept."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import cast
from uuid import UUID

from PIL import Image

from personalize.errors import BadPhoto, TooFewRatings
from personalize.exports.fits import ExactFit, FitFacts
from personalize.files import banks
from personalize.numerics import model_comparison
from personalize.progress import ProgressCallback, no_progress, tracked
from ratings.exports import selectors
from ratings.photos import files
from ratings.photos.models import Photo

OF_INSTANT_FITS = ("extractors", "coefficients")


def fit_now(rater: UUID, facts: Mapping[str, object], bank: Path, progress: ProgressCallback = no_progress) -> ExactFit:
    """Fit a rater to the newest 200 ratings whose photos exist. `facts` are those of the rater's instant fit.

    Raises:
        TooFewRatings: there are no two different ones.
        BadPhoto: a photo's file has become unreadable.
        BadBank: the bank cannot be opened, or has no task vectors.
    """
    from personalize.files.open_banks import open_bank  # this and the next need torch, which most commands and workers do not
    from personalize.scorers import rater_fitting

    rated = [(photo, value) for photo, value in zip(*selectors.rated_photos(rater), strict=True) if files.is_readable(photo)]
    rated = rated[-model_comparison.MOST :]
    if len({value for _, value in rated}) < 2:
        raise TooFewRatings("The exact fit needs at least two different ratings, of photos whose files exist.")
    photos, values = zip(*rated, strict=True)
    opened = (_opened(photo) for photo in tracked("reading photos", photos, progress))
    fitted, shares = rater_fitting.exact_fit(open_bank(bank), opened, values, progress)
    kept = {name: value for name, value in facts.items() if name not in OF_INSTANT_FITS}
    kept |= {"bank": banks.read_metadata(bank).hash, "method": "exact", "population": None, "accuracy": None, "ratings": len(rated)}
    kept |= {"rank_loss": round(fitted.loss, 4), "image_passes": fitted.image_passes}
    kept |= {"task_shares": {task: asdict(one) for task, one in shares.items()}}
    return ExactFit(cast(FitFacts, kept), fitted.coefficients.cpu().numpy())


def _opened(photo: Photo) -> Image.Image:
    try:
        return files.open_master(photo)
    except OSError as error:
        raise BadPhoto(f"Photo {photo.id} ({photo.name}) cannot be read: {error}. Import it again to restore it.") from error
