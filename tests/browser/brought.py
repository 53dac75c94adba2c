"""Step: photos that a rater has brought, without their files."""

from ratings.models import Photo


def main(rater_id: str, count: int) -> list[int]:
    """Their ids."""
    made = Photo.objects.bulk_create(
        Photo(owner_id=rater_id, name="a.jpg", sha256=f"{n:064x}", content_hash=f"{n:016x}", width=640, height=480, thumbhash="")
        for n in range(count)
    )
    return [photo.id for photo in made]
