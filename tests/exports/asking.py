"""Helpers of export tests: request an export as an administrator, run its steps, read its archive."""

import asyncio
import zipfile
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from personalize.tasks import export_models
from ratings.exports import services
from ratings.models import ModelExport, Rater

RATERS = "/admin/ratings/rater/"


def staff(name: str, *, superuser: bool = False, permissions: tuple[str, ...] = ("view_rater", "add_modelexport", "view_modelexport")):
    users = get_user_model().objects
    user = users.create_superuser(name) if superuser else users.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions, content_type__app_label="ratings"))
    browser = Client()
    browser.force_login(user)
    browser.user = user
    return browser


def choose(browser: Client, raters: list[Rater], **more: str):
    return browser.post(RATERS, {"action": "export_models", "_selected_action": [str(rater.id) for rater in raters], **more})


def export(browser: Client, raters: list[Rater], file_format: str = "json") -> ModelExport:
    reply = choose(browser, raters, begin="yes", format=file_format)
    assert reply.status_code == 302, reply.content.decode()
    return ModelExport.objects.get(id=reply["Location"].split("/")[-2])


def run(row: ModelExport, requested: list[UUID]) -> dict[str, bytes]:
    """Run every step; return the files in the archive by name."""
    export_models(str(row.id))
    while requested:
        export_models(str(requested.pop()))
    row.refresh_from_db()
    path = services.archive(row.id)
    if not path.exists():
        return {}
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def downloaded(reply) -> bytes:
    async def gathered() -> bytes:
        return b"".join([piece async for piece in reply.streaming_content])

    return asyncio.run(gathered())
