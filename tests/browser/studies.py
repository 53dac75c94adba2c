"""Step: a study of the browser tests."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import Group, User

from ratings.studies import selectors, services
from tests.studies.designs import design, written

PHOTOS = 8


def main(slug: str, changes: dict[str, Any]) -> str:
    """The key of a session in which the researcher is signed in."""
    owner, created = get_user_model().objects.get_or_create(username="dora")
    if created:
        owner.groups.add(Group.objects.get(name="researcher"))
    photos = [photo.sha256 for photo in selectors.catalogue_photos(PHOTOS)]
    found = dict(changes)
    state = found.pop("state", "open")
    count = found.pop("photo_count", 4)
    practice = photos[count : count + found.pop("practice_count", 0)]
    text = written(design(photos[: count + len(practice)], slug=slug, practice=practice, **found))
    study = services.create_study(owner_id=owner.pk, slug=slug, text=text)
    if state != "draft":
        services.change_state(study, state, by=owner.pk)
    return session_of(owner)


def session_of(user: User) -> str:
    """The key of a session in which an account is signed in."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key
