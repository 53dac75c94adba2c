"""Tells the web app which bank is in use."""

import logging
from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate

from personalize.errors import BadBank
from personalize.files import banks

logger = logging.getLogger(__name__)


class PersonalizeConfig(AppConfig):
    name = "personalize"

    def ready(self) -> None:
        # Django tells of migrations only where there are tables: the web app's.
        post_migrate.connect(register_bank, sender=apps.get_app_config("ratings"))


def register_bank(**kwargs: Any) -> None:
    """After every migrate, the shipped bank becomes the current one."""
    from ratings import services  # models are ready by now, but not when this module is read

    try:
        card = banks.read_metadata()
    except BadBank as error:
        logger.warning("No photo can be described: %s", error)
        return
    services.use_bank(hash=card.hash, card=dict(card.facts))
