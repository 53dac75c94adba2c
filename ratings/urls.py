"""Addresses of the rating app."""

from django.urls import path

from ratings import views
from ratings.accounts import views as accounts
from ratings.agreement import views as agreement
from ratings.albums import views as albums
from ratings.api import api
from ratings.downloads import views as downloads
from ratings.exports import views as exports
from ratings.photos.views import own_photo, photo_file
from ratings.raters.views import enter
from ratings.studies import researcher_views as studies
from ratings.studies import views as study
from ratings.studies.photo_views import photo as study_photo

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("api/v1/", api.urls),
    path("photos/<int:photo_id>/<slug:content_hash>/<str:file_name>", photo_file, name="photo_file"),
    path("albums/", albums.albums, name="albums"),
    path("albums/bin/", albums.binned, name="album_bin"),
    path("albums/<uuid:album_id>/", albums.album, name="album"),
    path("downloads/<str:ticket>/", downloads.download_file, name="download_file"),
    path("albums/<uuid:album_id>/rate/", views.rate_album, name="rate_album"),
    path("account/", accounts.overview, name="account_overview"),
    path("account/merge/", accounts.merge, name="account_merge"),
    path("account/invitation/<uuid:invitation_id>/", accounts.invitation, name="account_invitation"),
    path("staff/enter/<str:ticket>/", enter, name="staff_enter"),
    path("staff/ratings.csv", exports.ratings_csv, name="ratings_csv"),
    path("staff/photos/", own_photo, name="own_photo"),
    path("staff/agreement/", agreement.analyses, name="agreement"),
    path("staff/agreement/<uuid:analysis_id>/", agreement.analysis_page, name="agreement_page"),
    path("staff/agreement/<uuid:analysis_id>/<str:name>", agreement.analysis_file, name="agreement_file"),
    path("staff/exports/<uuid:export_id>/", exports.export_page, name="export_page"),
    path("staff/exports/<uuid:export_id>/state", exports.export_state, name="export_state"),
    path("staff/exports/file/<str:ticket>/", exports.export_file, name="export_file"),
    path("study/<slug:slug>/", study.entry, name="study_entry"),
    path("study/<slug:slug>/run/", study.run, name="study_run"),
    path("study/<slug:slug>/withdraw/", study.withdraw, name="study_withdraw"),
    path("study/<slug:slug>/photos/<int:row>/<slug:content_hash>/<str:file_name>", study_photo, name="study_photo"),
    path("studies/", studies.studies, name="studies"),
    path("studies/<slug:slug>/", studies.study_page, name="study"),
    path("studies/<slug:slug>/design/", studies.design, name="study_design"),
    path("studies/<slug:slug>/participants/", studies.participants, name="study_participants"),
    path("studies/<slug:slug>/files/<str:name>", studies.export_file, name="study_file"),
]
