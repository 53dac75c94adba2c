"""Addresses of the rating app."""

from django.urls import path

from ratings import staff_views, views
from ratings.api import api
from ratings.photo_files import photo_file

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("api/v1/", api.urls),
    path("photos/<int:photo_id>/<slug:content_hash>/<str:file_name>", photo_file, name="photo_file"),
    path("staff/ratings.csv", views.ratings_csv, name="ratings_csv"),
    path("staff/enter/<str:ticket>/", views.enter, name="staff_enter"),
    path("staff/exports/<uuid:export_id>/", staff_views.export_page, name="export_page"),
    path("staff/exports/<uuid:export_id>/state", staff_views.export_state, name="export_state"),
    path("staff/exports/file/<str:ticket>/", staff_views.export_file, name="export_file"),
]
