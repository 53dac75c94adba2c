"""Makes a study in the stack of the browser tests: python -m tests.browser.studies SLUG JSON-OF-CHANGES."""

import json
import sys
from importlib import import_module

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model  # noqa: E402
from django.contrib.auth.models import Group, User  # noqa: E402

from ratings.studies import selectors, services  # noqa: E402
from tests.studies.designs import design, written  # noqa: E402

PHOTOS = 8


def main(slug: str, changes: str) -> None:
    owner, created = get_user_model().objects.get_or_create(username="dora")
    if created:
        owner.groups.add(Group.objects.get(name="researcher"))
    photos = [photo.sha256 for photo in selectors.catalogue_photos(PHOTOS)]
    found = json.loads(changes)
    state = found.pop("state", "open")
    count = found.pop("photo_count", 4)
    practice = photos[count : count + found.pop("practice_count", 0)]
    text = written(design(photos[: count + len(practice)], slug=slug, practice=practice, **found))
    study = services.create_study(owner_id=owner.pk, slug=slug, text=text)
    if state != "draft":
        services.change_state(study, state, by=owner.pk)
    print(session_of(owner))


def session_of(user: User) -> str:
    """The key of a session in which an account is signed in."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key


if __name__ == "__main__":
    main(*sys.argv[1:])
