"""Django admin: all tables can be viewed, few can be changed."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ratings import health
from ratings.accounts import services as accounts
from ratings.admin import studies  # noqa: F401 (its tables)
from ratings.admin.read_only import ReadOnly
from ratings.errors import RatingError
from ratings.exports import selectors
from ratings.exports import services as exports
from ratings.models import (
    AgreementAnalysis,
    Album,
    AlbumPhoto,
    Bank,
    Catalogue,
    Download,
    ExactRefit,
    Fit,
    Invitation,
    MergedGuest,
    ModelExport,
    Original,
    Photo,
    PhotoFeatures,
    PhotoView,
    PopulationPrior,
    Presentation,
    Projection,
    Rater,
    RatingEvent,
    RawFeatures,
    Upload,
)
from ratings.ranking import exact_refits, projections
from ratings.ranking.selectors import has_generic_score

# One more than an export may contain: enough to show the error.
MOST_CHOSEN = 1 + max(file_format.most for file_format in exports.FORMATS.values())

admin.site.site_header = admin.site.site_title = gettext_lazy("PAV administration")


# Keys of sessions and of apps for codes are nobody's business, not even an administrator's.
for secret in (Authenticator, UserSession):
    admin.site.unregister(secret)
for replaced in (User, Group):
    admin.site.unregister(replaced)


@admin.register(User)
class AccountAdmin(UserAdmin):
    """Only a superuser makes administrators, or changes their accounts."""

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, "is_staff", "is_superuser", "groups", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)


def _may_touch(request: HttpRequest, account: User | None) -> bool:
    return bool(request.user.is_superuser) or account is None or not (account.is_staff or account.is_superuser)


@admin.register(Group)
class RoleAdmin(GroupAdmin):
    """Roles; only a superuser changes what they may."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(request.user.is_superuser)


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):
    """Invitations: an administrator notes for whom, and passes on the link."""

    list_display = ("note", "created_at", "expires_at", "used_at", "used_by")
    fields = ("note",)
    readonly_fields = ("link",)
    ordering = ("-created_at",)

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> tuple[str, ...]:
        return ("note", "link") if obj else ("note",)

    def save_model(self, request: HttpRequest, obj: Invitation, form: forms.ModelForm, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        made = accounts.invite(created_by=request.user.pk, note=obj.note)
        obj.pk, obj.expires_at = made.pk, made.expires_at
        self.message_user(request, _("The link works once, within two weeks: {link}").format(link=_link(request, made)))

    @admin.display(description=gettext_lazy("link"))
    def link(self, row: Invitation) -> str:
        return reverse("account_invitation", args=[row.pk])


def _link(request: HttpRequest, invitation: Invitation) -> str:
    return request.build_absolute_uri(reverse("account_invitation", args=[invitation.pk]))


@admin.register(MergedGuest)
class MergedGuestAdmin(ReadOnly):
    list_display = ("guest", "rater", "event_count", "merged_at")


class SaysWhatIsOff(ReadOnly):
    """For lists where an administrator would miss exact refits or a ranking for everyone: says why there are none, and what to do."""

    change_list_template = "admin/what_is_off.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        off = {
            "no_worker_for_exact_refits": exact_refits.wanted() and health.exact_refits() is False,
            "no_task_vectors": not projections.has_task_vectors(),
            "no_generic_score": not has_generic_score(),
        }
        return super().changelist_view(request, {**(extra_context or {}), **off})


@admin.register(Photo)
class PhotoAdmin(admin.ModelAdmin):
    """The catalogue. Raters' own photos are private: their names, hashes and ratings are in no list."""

    list_display = ("id", "name", "alt", "width", "height", "credit", "licence", "created_at")
    search_fields = ("name", "alt", "credit")
    readonly_fields = ("sha256", "content_hash", "width", "height", "thumbhash")
    exclude = ("owner", "folder", "stored_bytes", "file_rating", "taken_at", "binned_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Photo]:
        return super().get_queryset(request).filter(owner=None)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # photos are added by import, which normalises them


@admin.register(Album)
class AlbumAdmin(ReadOnly):
    """How many photos an album has; its name is its owner's business."""

    list_display = ("id", "owner", "photos", "keeps_originals", "created_at")
    exclude = ("name", "cover")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Album]:
        return super().get_queryset(request).annotate(photo_count=Count("albumphoto")).defer("name")

    @admin.display(description=gettext_lazy("photos"))
    def photos(self, row: Album) -> int:
        return row.photo_count  # type: ignore[attr-defined]  # annotated


@admin.register(AlbumPhoto)
class AlbumPhotoAdmin(ReadOnly):
    list_display = ("id", "album_id", "photo_id", "added_at")
    fields = ("added_at",)


@admin.register(Catalogue)
class CatalogueAdmin(ReadOnly):
    list_display = ("id", "revision")


class OfTheCatalogue(ReadOnly):
    """For tables about photos: rows about raters' own photos are left out."""

    path_to_photo = "photo"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(**{f"{self.path_to_photo}__owner": None})


@admin.register(PhotoView)
class PhotoViewAdmin(ReadOnly):
    """Who opened raters' own photos, and why."""

    list_display = ("created_at", "user", "photo_number", "owner", "reason")
    exclude = ("photo",)
    ordering = ("-created_at",)


@admin.register(Upload)
class UploadAdmin(ReadOnly):
    list_display = ("id", "owner", "state", "size_bytes", "attempts", "reason", "created_at")
    list_filter = ("state", "reason")
    exclude = ("name", "photo", "reason_values")


@admin.register(Original)
class OriginalAdmin(ReadOnly):
    list_display = ("id", "owner", "is_raw", "size_bytes", "created_at")
    exclude = ("name", "stem", "photo", "sha256", "file")


@admin.register(Download)
class DownloadAdmin(ReadOnly):
    list_display = ("id", "owner", "state", "done_count", "size_bytes", "created_at")
    exclude = ("photos", "choices")


@admin.register(RatingEvent)
class RatingEventAdmin(OfTheCatalogue):
    path_to_photo = "presentation__photo"
    list_display = ("rater", "seq", "kind", "value", "presentation", "on_screen_ms", "modality", "created_at")
    list_filter = ("kind", "value", "modality")
    list_select_related = ("rater", "presentation")


@admin.register(Presentation)
class PresentationAdmin(OfTheCatalogue):
    list_display = ("token", "rater", "photo", "algorithm", "value", "dealt_at", "rated_at")
    list_filter = ("algorithm", "value")
    list_select_related = ("rater", "photo")


@admin.register(Rater)
class RaterAdmin(SaysWhatIsOff):
    list_display = ("id", "user", "ratings_seq", "own_photos", "stored", "shares_ratings_since", "created_at")
    actions = ("export_models",)
    change_form_template = "admin/rater.html"  # adds the action for this rater

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rater]:
        """Of own photos administrators see counts and bytes."""
        mine = Photo.objects.filter(owner=OuterRef("pk")).order_by().values("owner")
        count, size = mine.annotate(n=Count("id")).values("n"), mine.annotate(n=Sum("stored_bytes")).values("n")
        return super().get_queryset(request).annotate(photo_count=Subquery(count), photo_bytes=Subquery(size))

    @admin.display(description=gettext_lazy("own photos"), ordering="photo_count")
    def own_photos(self, row: Rater) -> int:
        return row.photo_count or 0  # type: ignore[attr-defined]  # annotated

    @admin.display(description=gettext_lazy("stored"), ordering="photo_bytes")
    def stored(self, row: Rater) -> str:
        return filesizeformat(row.photo_bytes or 0)  # type: ignore[attr-defined]  # annotated

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ratings.add_modelexport")

    @admin.action(description=gettext_lazy("Export models"), permissions=["export"])
    def export_models(self, request: HttpRequest, raters: QuerySet[Rater]) -> HttpResponse:
        """Show the form that asks for the format, then request the export."""
        file_format, problem = request.POST.get("format", "json"), ""
        chosen = list(raters.values_list("id", flat=True)[:MOST_CHOSEN])
        if request.POST.get("begin"):
            try:
                row = exports.request_export(user_id=request.user.pk or 0, file_format=file_format, raters=chosen)
                return redirect("export_page", row.id)
            except RatingError as error:
                problem = str(error.sentence)
        impossible = selectors.exact_models(chosen) if health.exact_refits() is False else 0
        context: dict[str, object] = {"title": _("Export models"), "raters": chosen, "formats": exports.FORMATS, "chosen": file_format}
        context |= {"problem": problem, "impossible": impossible}
        return TemplateResponse(request, "exports/choose.html", {**self.admin_site.each_context(request), **context})


@admin.register(AgreementAnalysis)
class AgreementAnalysisAdmin(ReadOnly):
    """In the list of tables only: analyses have pages of their own."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        return redirect("agreement")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        return redirect("agreement_page", object_id)


@admin.register(ModelExport)
class ModelExportAdmin(ReadOnly):
    list_display = ("created_at", "page", "state", "made", "file_format", "requested_by")
    list_select_related = ("requested_by",)
    ordering = ("-created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelExport]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(requested_by=request.user.pk)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return exports.may_see(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Users who may request exports may delete their own: they must when too many are unfinished."""
        is_own = obj is None or obj.requested_by_id == request.user.pk
        may_request = request.user.has_perm("ratings.add_modelexport")
        return (is_own and may_request) or admin.ModelAdmin.has_delete_permission(self, request, obj)

    @admin.display(description=gettext_lazy("raters done"))
    def made(self, row: ModelExport) -> str:
        return f"{row.done_count} / {len(row.raters)}"

    @admin.display(description="")
    def page(self, row: ModelExport) -> str:
        return format_html('<a href="{}">{}</a>', reverse("export_page", args=[row.id]), _("Open"))


@admin.register(Fit)
class FitAdmin(ReadOnly):
    list_display = ("rater", "version", "ratings_seq", "accuracy", "updated_at")
    exclude = ("covariance", "top", "previous_top", "next_photos", "exact_order", "previous_exact_order")


@admin.register(ExactRefit)
class ExactRefitAdmin(SaysWhatIsOff):
    list_display = ("rater", "ratings_seq", "step", "comparison", "step_queued_at")
    exclude = ("coefficients", "scores", "held_out")


@admin.register(PopulationPrior)
class PopulationPriorAdmin(ReadOnly):
    list_display = ("id", "is_current", "rater_count", "photo_count", "projection", "created_at")
    exclude = ("weights",)


@admin.register(Projection)
class ProjectionAdmin(SaysWhatIsOff):
    list_display = ("id", "state", "filled", "photo_count", "bank", "created_at", "activated_at", "problem")
    exclude = ("data",)
    ordering = ("-id",)
    actions = ("bring_back",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Projection]:
        return super().get_queryset(request).defer("data")

    def has_bring_back_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ratings.change_projection")

    @admin.display(description=gettext_lazy("photos filled"))
    def filled(self, row: Projection) -> str:
        return "{} / {}".format(*projections.share_filled(row.pk))

    @admin.action(description=gettext_lazy("Bring this version back"), permissions=["bring_back"])
    def bring_back(self, request: HttpRequest, chosen: QuerySet[Projection]) -> None:
        """Fill a kept projection again; it comes into use when it is whole."""
        try:
            version = projections.rollback(projection=chosen.values_list("id", flat=True).get())
        except Projection.MultipleObjectsReturned:
            self.message_user(request, _("Choose one version."), messages.ERROR)
        except RatingError as error:
            self.message_user(request, str(error.sentence), messages.ERROR)
        else:
            self.message_user(request, _("Version {id} fills in the background, and is in use when it is whole.").format(id=version))


@admin.register(Bank)
class BankAdmin(ReadOnly):
    list_display = ("hash", "registered_at", "created_at")


@admin.register(PhotoFeatures)
class PhotoFeaturesAdmin(OfTheCatalogue):
    list_display = ("photo", "projection_id", "generic_score")
    list_select_related = ("photo",)


@admin.register(RawFeatures)
class RawFeaturesAdmin(OfTheCatalogue):
    list_display = ("photo", "extractors")
    list_select_related = ("photo",)
    exclude = ("data",)
