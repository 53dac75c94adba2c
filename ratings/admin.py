"""The administration: everything can be looked at, little can be changed, no event can be altered."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from ratings.models import Bank, Description, Fit, Person, Photo, Presentation, RatingEvent


class ReadOnly(admin.ModelAdmin):
    """For tables that the loop writes: a hand in them would break what they promise."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Photo)
class PhotoAdmin(admin.ModelAdmin):
    list_display = ("id", "name", "alt", "width", "height", "credit", "licence", "owner", "created_at")
    search_fields = ("name", "alt", "credit")
    readonly_fields = ("sha256", "content_hash", "width", "height", "thumbhash", "owner")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # photos come by import, which normalises them


@admin.register(RatingEvent)
class RatingEventAdmin(ReadOnly):
    list_display = ("person", "seq", "kind", "value", "presentation", "on_screen_ms", "modality", "created_at")
    list_filter = ("kind", "value", "modality")
    list_select_related = ("person", "presentation")


@admin.register(Presentation)
class PresentationAdmin(ReadOnly):
    list_display = ("token", "person", "photo", "algorithm", "value", "dealt_at", "answered_at")
    list_filter = ("algorithm", "value")
    list_select_related = ("person", "photo")


@admin.register(Person)
class PersonAdmin(ReadOnly):
    list_display = ("id", "user", "ratings_seq", "created_at")


@admin.register(Fit)
class FitAdmin(ReadOnly):
    list_display = ("person", "version", "ratings_seq", "accuracy", "updated_at")
    exclude = ("covariance",)


@admin.register(Bank)
class BankAdmin(ReadOnly):
    list_display = ("hash", "is_current", "created_at")


@admin.register(Description)
class DescriptionAdmin(ReadOnly):
    list_display = ("photo", "bank", "score")
    list_select_related = ("photo", "bank")
