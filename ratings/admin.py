"""The administration: everything can be looked at, little can be changed, no event can be altered."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ratings import model_exports
from ratings.errors import RatingError
from ratings.models import Bank, Description, Fit, ModelExport, Person, Photo, Population, Presentation, RatingEvent, Refinement

MOST_CHOSEN = 1 + max(kind.most for kind in model_exports.KINDS.values())  # one more than can be exported is enough to say so

admin.site.site_header = admin.site.site_title = gettext_lazy("PAV administration")


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
    list_display = ("id", "user", "ratings_seq", "shares_answers_since", "created_at")
    actions = ("export_models",)
    change_form_template = "admin/rater.html"  # with the same action for one person

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ratings.add_modelexport")

    @admin.action(description=gettext_lazy("Export models"), permissions=["export"])
    def export_models(self, request: HttpRequest, people: QuerySet[Person]) -> HttpResponse:
        """First asks for the format; the answer comes back here and begins the export."""
        kind, problem = request.POST.get("kind", "json"), ""
        chosen = list(people.values_list("id", flat=True)[:MOST_CHOSEN])
        if request.POST.get("begin"):
            try:
                row = model_exports.begin(user_id=request.user.pk or 0, kind=kind, people=chosen)
                return redirect("export_page", row.id)
            except RatingError as error:
                problem = str(error.sentence)
        context = {"title": _("Export models"), "people": chosen, "kinds": model_exports.KINDS, "chosen": kind, "problem": problem}
        return TemplateResponse(request, "exports/choose.html", {**self.admin_site.each_context(request), **context})


@admin.register(ModelExport)
class ModelExportAdmin(ReadOnly):
    list_display = ("created_at", "page", "state", "made", "kind", "requested_by")
    list_select_related = ("requested_by",)
    ordering = ("-created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelExport]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(requested_by=request.user.pk)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return model_exports.may_see(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may ask for exports may delete their own: that is what they are told to do where too many are unfinished."""
        own = obj is None or obj.requested_by_id == request.user.pk
        may_ask = request.user.has_perm("ratings.add_modelexport")
        return (own and may_ask) or admin.ModelAdmin.has_delete_permission(self, request, obj)

    @admin.display(description=gettext_lazy("people done"))
    def made(self, row: ModelExport) -> str:
        return f"{row.done} / {len(row.people)}"

    @admin.display(description="")
    def page(self, row: ModelExport) -> str:
        return format_html('<a href="{}">{}</a>', reverse("export_page", args=[row.id]), _("Open"))


@admin.register(Fit)
class FitAdmin(ReadOnly):
    list_display = ("person", "version", "ratings_seq", "accuracy", "updated_at")
    exclude = ("covariance",)


@admin.register(Refinement)
class RefinementAdmin(ReadOnly):
    list_display = ("person", "ratings_seq", "step", "verdict", "asked_at")
    exclude = ("coefficients", "scores", "held_out")


@admin.register(Population)
class PopulationAdmin(ReadOnly):
    list_display = ("id", "is_current", "people", "photos", "bank", "created_at")
    exclude = ("weights",)


@admin.register(Bank)
class BankAdmin(ReadOnly):
    list_display = ("hash", "is_current", "created_at")


@admin.register(Description)
class DescriptionAdmin(ReadOnly):
    list_display = ("photo", "bank", "score")
    list_select_related = ("photo", "bank")
