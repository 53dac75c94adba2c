"""The example study that `./pav demo --study` opens."""

from django.contrib.auth import get_user_model
from django.utils import timezone

from ratings.studies import new_studies, selectors, services
from ratings.studies.models import Study

SLUG = "example"
PHOTOS = 14


def open_example() -> str:
    """Open the example study of the first photos, where it is not open yet. Its owner is the first administrator, who finds it under
    Studies. Returns its name.
    """
    study = selectors.study_by_slug(SLUG)
    if study is None:
        owner = get_user_model().objects.filter(is_superuser=True).order_by("id").values_list("id", flat=True).first()
        text = new_studies.new_study(SLUG, selectors.catalogue_photos(PHOTOS), today=timezone.now().date())
        study = services.create_study(owner_id=owner, slug=SLUG, text=text)
    if study.state == Study.State.DRAFT:
        services.change_state(study, Study.State.OPEN, by=None)
    return SLUG
