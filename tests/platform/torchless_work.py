"""Program: the work of web server and workers without PyTorch, on the services of its environment. Prints what came of it as JSON.

Starts with every module that these processes and commands load; ends with all packages that were loaded on the way.
"""

import json
import os
import sys
import zipfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command, get_commands, load_command_class  # noqa: E402
from django.utils import timezone  # noqa: E402

from personalize import tasks  # noqa: E402
from personalize.exports import model_files  # noqa: E402
from personalize.files import banks  # noqa: E402
from personalize.worker import loaded_bank, model_export  # noqa: E402
from ratings import health  # noqa: E402
from ratings.exports import services as exports  # noqa: E402
from ratings.models import ExactRefit, Fit, ModelExport, Photo, Presentation, Rater  # noqa: E402
from ratings.photos import files  # noqa: E402
from ratings.photos.services import add_photo  # noqa: E402
from ratings.ranking import exact_refits  # noqa: E402
from ratings.raters.services import make_guest  # noqa: E402
from tests.photos.making import encoded, scene  # noqa: E402

PHOTOS = 3
SITE = ("pav_site", "ratings", "personalize")


def main() -> None:
    assert find_spec("torch") is None
    import_everything()
    photos = [add_photo(data=encoded(scene(seed=number), "PNG"), name=f"p{number}.png") for number in range(PHOTOS)]
    tasks.extract_features(photos[0].id)
    rater = rated(photos)
    tasks.refit_rater(str(rater.id))
    found: dict[str, Any] = {"rated": Fit.objects.get(rater=rater).ratings_seq}
    found |= {kind: exported(rater, kind, photos) for kind in exports.FORMATS}
    make_exact_model_active(rater)
    health.report(health.Worker("gpu@here", ("gpu",), "1"))
    found["exact"] = export(rater, "json").problems
    health.report(health.Worker("gpu@another", ("gpu", "exact"), "1"))
    handed_on = request(rater, "json")
    found["handed on"] = [model_export.advance(handed_on.id), ModelExport.objects.get(id=handed_on.id).done_count]
    found["packages"] = sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - {"__main__"})
    print(json.dumps(found))


def import_everything() -> None:
    """What the processes and commands of the app import, and Django's own checks."""
    import_module("pav_site.asgi")
    import_module(settings.ROOT_URLCONF)
    for name, home in get_commands().items():
        if home in SITE:
            load_command_class(home, name).create_parser("pav", name)
    call_command("check", verbosity=0)


def rated(photos: list[Photo]) -> Rater:
    rater = make_guest()
    for number, photo in enumerate(photos):
        Presentation.objects.create(rater=rater, photo=photo, position=number, value=1 + number % 3, rated_at=timezone.now())
    rater.ratings_seq = len(photos)
    rater.save()
    return rater


def request(rater: Rater, kind: str) -> ModelExport:
    admin = get_user_model().objects.get_or_create(username="admin")[0]
    return exports.request_export(user_id=admin.pk, file_format=kind, raters=[rater.id])


def export(rater: Rater, kind: str) -> ModelExport:
    row = request(rater, kind)
    while model_export.advance(row.id):
        pass
    row.refresh_from_db()
    return row


def exported(rater: Rater, kind: str, photos: list[Photo]) -> list[Any]:
    """The state of an export, and the problem or the scores of the photos by the exported file."""
    row = export(rater, kind)
    if row.problems:
        return [row.state, row.problems]
    with zipfile.ZipFile(exports.archive(row.id)) as archive:
        path = Path(archive.extract(f"rater-{rater.id}.{kind}", settings.VAR))
    scores = model_files.opened(path, banks.DEFAULT).score([files.open_master(photo) for photo in photos])
    return [row.state, scores.tolist()]


def make_exact_model_active(rater: Rater) -> None:
    """As an exact refit leaves it that was done before PyTorch was removed."""
    fit = Fit.objects.get(rater=rater)
    top = exact_refits.photos_to_order(rater.id)
    Fit.objects.filter(rater=rater).update(exact_order={"photos": top, "scores": [0.0] * len(top)})
    own = {"bank_id": loaded_bank.bank_hash(), "projection": fit.projection, "ratings_seq": fit.ratings_seq}
    ExactRefit.objects.create(rater=rater, coefficients=b"\0\0\0\0", **own)


if __name__ == "__main__":
    main()
