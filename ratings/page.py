"""Context of the page: the sentences of its scripts in the reader's language, its modules, and the address of the websocket."""

from functools import cache
from typing import Any, TypedDict
from uuid import UUID

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ratings.raters.selectors import shares_ratings

SUBJECTS = ("page", "deck", "ranking", "raters", "photos")  # folders of static/ whose modules make up the page
NOT_IMPORTED = {"page/app.js", "page/theme.js"}  # the page names these itself


class PageConfig(TypedDict):
    """Sent as JSON within the page (`json_script`), since the content policy allows no inline script."""

    language: str
    phrases: dict[str, str]
    urls: dict[str, str]


def page_config() -> PageConfig:
    """The catalogue for `static/page/words.js`, in the language that is active for this request."""
    return PageConfig(language=get_language() or "en", phrases=_phrases(), urls={"websocket": "/ws/taste/"})


def page_context(rater_id: UUID) -> dict[str, Any]:
    """Context of the template `page/home.html`."""
    return {"page": page_config(), "modules": _modules(), "me": {"shares_ratings": shares_ratings(rater_id)}}


@cache
def _modules() -> list[str]:
    """Every module that app.js imports, directly or not: the page names them, so that a browser fetches all at once."""
    root = settings.STATICFILES_DIRS[0]
    modules = {file.relative_to(root).as_posix() for folder in SUBJECTS for file in (root / folder).glob("*.js")}
    return sorted(modules - NOT_IMPORTED)


def _phrases() -> dict[str, str]:
    """Sentences by key. `key.one` and `key.other` are the plural forms of English; Japanese has the same text in both."""
    return {
        "like": _("Like"),
        "love": _("Love"),
        "dislike": _("Not for me"),
        "photo_alt": _("Photo, left undescribed so it doesn’t sway you"),
        "still_loading": _("This photo is still loading."),
        # Announced to screen readers after a rating.
        "rated_dislike.one": _("Not for me. {n} photo rated. You can undo this."),
        "rated_dislike.other": _("Not for me. {n} photos rated. You can undo this."),
        "rated_like.one": _("Liked. {n} photo rated. You can undo this."),
        "rated_like.other": _("Liked. {n} photos rated. You can undo this."),
        "rated_love.one": _("Loved. {n} photo rated. You can undo this."),
        "rated_love.other": _("Loved. {n} photos rated. You can undo this."),
        "rated_skip.one": _("Skipped. {n} photo rated. You can undo this."),
        "rated_skip.other": _("Skipped. {n} photos rated. You can undo this."),
        # Shown beside the undo button.
        "last_dislike": _("Not for you"),
        "last_like": _("Liked"),
        "last_love": _("Loved"),
        "last_skip": _("Skipped"),
        "undone": _("Undone. The photo is back on top."),
        "nothing_to_undo": _("Nothing to undo."),
        "rated_count.one": _("{n} photo rated"),
        "rated_count.other": _("{n} photos rated"),
        # What the deck shows in place of photos.
        "loading": _("Loading photos…"),
        "preparing_title": _("Getting photos ready"),
        "preparing_text": _("You can start as soon as the first ones are ready. This page updates automatically."),
        "ready_of": _("{ready} of {total} photos ready"),
        "updated_of": _("Improving your ranking: {updated} of {total} photos"),
        "no_photos_title": _("No photos yet"),
        "no_photos_text": _("Photos show up here as soon as they’re imported."),
        "all_rated_title": _("You’ve rated them all"),
        "all_rated_text.one": _("{n} photo rated. Your ranking is complete, and you can still undo."),
        "all_rated_text.other": _("{n} photos rated. Your ranking is complete, and you can still undo."),
        "offline_title": _("No connection"),
        "offline_text": _("Your ratings are saved on this device and sync when you’re back online. New photos will load automatically."),
        "busy_title": _("One moment"),
        "error_title": _("Couldn’t load photos"),
        "try_again": _("Try again"),
        "photo_broken": _("Couldn’t load a photo, so we skipped it."),
        "photo_unreachable": _("Couldn’t load this photo. We’ll try again later."),
        # Problems.
        "offline": _("Can’t reach the server. Your ratings are saved on this device and will sync later."),
        "busy": _("Too many requests. Please wait a few seconds."),
        "broken": _("Something went wrong on the server. Please try again in a moment."),
        "refused": _("That didn’t work. Please reload the page and try again."),
        "waiting_to_sync.one": _("{n} rating waiting to sync"),
        "waiting_to_sync.other": _("{n} ratings waiting to sync"),
        # State of the connection.
        "connection_connecting": _("Connecting…"),
        "connection_live": _("Live"),
        "connection_reconnecting": _("Reconnecting…"),
        "connection_polling": _("Delayed updates"),
        "connection_offline": _("Offline"),
        # The ranking.
        "you": _("You"),
        "everyone": _("Everyone"),
        "title_me": _("Your ranking"),
        "title_both": _("You and everyone"),
        "title_everyone": _("Everyone’s ranking"),
        "number": _("#{place}"),
        "tile_label": _("Number {place}: {alt}"),
        "moved_up.one": _("up {n} place"),
        "moved_up.other": _("up {n} places"),
        "moved_down.one": _("down {n} place"),
        "moved_down.other": _("down {n} places"),
        "you_place": _("You: #{place}"),
        "everyone_place": _("Everyone: #{place}"),
        "photos_ranked.one": _("{n} photo"),
        "photos_ranked.other": _("{n} photos"),
        "for_you": _("Your rank"),
        "for_everyone": _("Everyone’s rank"),
        "higher_for_you.one": _("You rank it {n} place higher than everyone"),
        "higher_for_you.other": _("You rank it {n} places higher than everyone"),
        "lower_for_you.one": _("You rank it {n} place lower than everyone"),
        "lower_for_you.other": _("You rank it {n} places lower than everyone"),
        "same_for_you": _("You and everyone rank it the same"),
        "photo_by": _("Photo: {credit}"),
        # How sure PAV is.
        "certainty_learning.one": _("Learning your taste: {n} more"),
        "certainty_learning.other": _("Learning your taste: {n} more"),
        "certainty_alike": _("Learning your taste"),
        "certainty_unsure": _("PAV hasn’t found your taste yet"),
        "certainty_finding": _("PAV is getting to know your taste"),
        "certainty_good": _("PAV knows your taste"),
        "certainty_very_good": _("PAV knows your taste very well"),
        "certainty_learning_text": _("Then PAV can check how well it guesses your ratings."),
        "certainty_alike_text": _("PAV can check its guesses once your ratings differ."),
        "certainty_unsure_text": _("Its guesses could still be chance. Keep rating."),
        "certainty_finding_text": _("It guesses your ratings better than chance."),
        "certainty_good_text": _("It guesses your ratings well."),
        "certainty_very_good_text": _("It guesses your ratings very well."),
        "certainty_numbers": _("Match between its guesses and your ratings: {srocc}, likely {low} to {high} (0 is chance, 1 is perfect)."),
        "certainty_models": _("On the same ratings: exact model {exact}, instant model {instant}."),
        "no_match": _("no match"),
        # Which model orders the photos.
        "model_instant": _("Ranked by the instant model."),
        "model_compared": _("Ranked by the instant model. The exact model didn’t guess better."),
        "model_exact": _("Ranked by the exact model. It guesses your ratings better."),
        # Consent to share ratings.
        "sharing_on": _("Thank you! Starting tonight, your ratings help others."),
        "sharing_off": _("Starting tonight, your ratings no longer help others."),
        "sharing_offline": _("Can’t reach the server, so nothing has changed. Try again when you’re back online."),
    }
