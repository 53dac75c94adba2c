"""Step: begins a projection that fills (`begin`), as a new bank does, or ends it (`end`)."""

from ratings.ranking import projections
from ratings.ranking.models import Projection


def main(do: str) -> None:
    current = projections.current()
    assert current is not None
    if do == "begin":
        projections.begin(after=current, data=b"", photo_count=1)
    else:
        Projection.objects.filter(state="filling").delete()
