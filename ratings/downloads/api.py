"""API of downloads: asked for, followed, stopped."""

from uuid import UUID

from ninja import Router, Status

from ratings import limits
from ratings.downloads import selectors, services
from ratings.downloads.schemas import DownloadIn, DownloadOut, choices_of, download_out
from ratings.problems import PROBLEMS
from ratings.raters.guests import RaterRequest

router = Router()


@router.post("/downloads", response={201: DownloadOut, **PROBLEMS})
def request_download(request: RaterRequest, wanted: DownloadIn) -> Status[dict[str, object]]:
    """Ask for a ZIP of an album's photos."""
    limits.check("RATINGS", str(request.auth))
    row = services.request_download(owner_id=request.auth, album_id=wanted.album, photo_ids=wanted.photos, choices=choices_of(wanted))
    return Status(201, download_out(row))


@router.get("/downloads/{uuid:download_id}", response={200: DownloadOut, **PROBLEMS})
def download(request: RaterRequest, download_id: UUID) -> dict[str, object]:
    """How far a download is."""
    limits.check("READS", str(request.auth))
    row = selectors.download_of(request.auth, download_id)
    if row is None:
        raise services.NoSuchDownload
    return download_out(row)


@router.delete("/downloads/{uuid:download_id}", response={200: None, **PROBLEMS})
def delete_download(request: RaterRequest, download_id: UUID) -> None:
    """Stop a download, or delete its ZIP."""
    limits.check("RATINGS", str(request.auth))
    services.delete(owner_id=request.auth, download_id=download_id)
