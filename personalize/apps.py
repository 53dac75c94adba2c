"""The machine learning as a Django app: registers the bank of the setting PAV_BANK after every migration."""

import logging
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.db.models.signals import post_migrate

from personalize.errors import BadBank
from personalize.files import banks, extractors, taste_parts

logger = logging.getLogger(__name__)


class PersonalizeConfig(AppConfig):
    name = "personalize"

    def ready(self) -> None:
        # Django sends post_migrate only for apps that have tables, so this listens to the web app's.
        post_migrate.connect(register_bank, sender=apps.get_app_config("ratings"))


def register_bank(**kwargs: Any) -> None:
    """Register the bank of the settings: the first one is current at once, a later one fills in the background."""
    from ratings.ranking import projections  # models cannot be imported when this module is

    path = settings.PAV["BANK"]
    try:
        metadata, taste = banks.read_metadata(path), taste_parts.read(path)
        digest = extractors.extractors_hash(metadata.facts)
    except BadBank as error:
        logger.warning("Features cannot be extracted: %s", error)
        return
    projections.register_bank(
        hash=metadata.hash,
        metadata=dict(metadata.facts),
        extractors=digest,
        data=taste_parts.projection_to_bytes(taste.projection) if taste.projection else b"",
        head_count=len(taste.projection.directions) if taste.projection else 1,
        has_generic_score=taste.has_generic_score,
    )
