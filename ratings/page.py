"""What the page's scripts need from the server: their sentences in the reader's language, and the one address that is not under /api."""

from functools import cache
from typing import Any, TypedDict
from uuid import UUID

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ratings.raters.selectors import shares_ratings


class PageConfig(TypedDict):
    """Travels to the browser as JSON in the page (`json_script`), since the content policy allows no inline script."""

    language: str
    phrases: dict[str, str]
    urls: dict[str, str]


def page_config() -> PageConfig:
    """The catalogue for `static/ratings/words.js`, in the language that is active for this request."""
    return PageConfig(language=get_language() or "en", phrases=_phrases(), urls={"websocket": "/ws/taste/"})


def page_context(rater_id: UUID) -> dict[str, Any]:
    """What the template of the page asks for."""
    return {"page": page_config(), "modules": _modules(), "me": {"shares_ratings": shares_ratings(rater_id)}}


@cache
def _modules() -> list[str]:
    """Every module that app.js comes to import: named in the page, they are fetched at once and not one after the other."""
    folder = settings.STATICFILES_DIRS[0] / "ratings"
    return sorted(f"ratings/{file.name}" for file in folder.glob("*.js") if file.name not in {"app.js", "theme.js"})


def _phrases() -> dict[str, str]:
    """Sentences by key. `key.one` and `key.other` are the plural forms of English; a language with one form gives both the same text."""
    return {
        "like": _("Like"),
        "love": _("Love"),
        "dislike": _("Not for me"),
        "photo_alt": _("A photo, not described so as not to sway you"),
        "still_loading": _("This photo is still loading."),
        # Read out after an answer, and shown beside the undo button.
        "said_dislike.one": _("Not for me. {n} photo answered. Undo is available."),
        "said_dislike.other": _("Not for me. {n} photos answered. Undo is available."),
        "said_like.one": _("Liked. {n} photo answered. Undo is available."),
        "said_like.other": _("Liked. {n} photos answered. Undo is available."),
        "said_love.one": _("Loved. {n} photo answered. Undo is available."),
        "said_love.other": _("Loved. {n} photos answered. Undo is available."),
        "said_skip.one": _("Passed. {n} photo answered. Undo is available."),
        "said_skip.other": _("Passed. {n} photos answered. Undo is available."),
        "last_dislike": _("Not for you"),
        "last_like": _("Liked"),
        "last_love": _("Loved"),
        "last_skip": _("Passed"),
        "undone": _("Taken back. The photo is on top again."),
        "nothing_to_undo": _("There is no answer left to take back."),
        "answered.one": _("{n} photo answered"),
        "answered.other": _("{n} photos answered"),
        # States of the deck.
        "loading": _("Loading photos"),
        "describing_title": _("PAV is looking at the photos"),
        "describing_text": _("You can start as soon as the first ones are ready. This page goes on by itself."),
        "described_of": _("{described} of {total} photos are ready"),
        "no_photos_title": _("No photos yet"),
        "no_photos_text": _("As soon as photos are imported, they appear here by themselves."),
        "all_rated_title": _("You have seen them all"),
        "all_rated_text.one": _("{n} photo answered. Your ranking is complete; you can still take answers back."),
        "all_rated_text.other": _("{n} photos answered. Your ranking is complete; you can still take answers back."),
        "all_rated_title.one": _("You have seen them all"),
        "all_rated_title.other": _("You have seen them all"),
        "offline_title": _("No connection"),
        "offline_text": _(
            "Your answers are kept on this device and sent when the connection is back. New photos then follow by themselves."
        ),
        "busy_title": _("One moment"),
        "error_title": _("That did not work"),
        "try_again": _("Try again"),
        "photo_broken": _("A photo could not be loaded, so it was passed over."),
        "photo_unreachable": _("A photo does not load at the moment. It comes back later."),
        # Problems.
        "offline": _("The server cannot be reached at the moment. Your answers are kept and sent later."),
        "busy": _("That was a lot at once. Please wait a few seconds."),
        "broken": _("Something went wrong on the server. Please try again in a moment."),
        "refused": _("The server did not accept this. Please reload the page and try again."),
        "saves_waiting.one": _("{n} save waiting"),
        "saves_waiting.other": _("{n} saves waiting"),
        # State of the connection.
        "connection_connecting": _("Connecting"),
        "connection_live": _("Live"),
        "connection_reconnecting": _("Reconnecting"),
        "connection_polling": _("Slow updates"),
        "connection_offline": _("Offline"),
        # The ranking.
        "you": _("You"),
        "everyone": _("Everyone"),
        "title_me": _("Your ranking"),
        "title_both": _("You and everyone"),
        "title_everyone": _("Everyone’s ranking"),
        "number": _("No. {place}"),
        "tile_label": _("Place {place}: {alt}"),
        "moved_up.one": _("up {n} place"),
        "moved_up.other": _("up {n} places"),
        "moved_down.one": _("down {n} place"),
        "moved_down.other": _("down {n} places"),
        "you_place": _("you {place}"),
        "everyone_place": _("everyone {place}"),
        "photos_ranked.one": _("{n} photo"),
        "photos_ranked.other": _("{n} photos"),
        "for_you": _("For you"),
        "for_everyone": _("For everyone"),
        "higher_for_you.one": _("{n} place higher for you than for everyone"),
        "higher_for_you.other": _("{n} places higher for you than for everyone"),
        "lower_for_you.one": _("{n} place lower for you than for everyone"),
        "lower_for_you.other": _("{n} places lower for you than for everyone"),
        "same_for_you": _("The same place for you and for everyone"),
        "photo_by": _("Photo: {credit}"),
        # How sure PAV is.
        "level_guessing": _("PAV is still guessing"),
        "level_searching": _("PAV has not found your taste yet"),
        "level_hints": _("PAV has first hints of your taste"),
        "level_begins": _("PAV begins to know your taste"),
        "level_knows": _("PAV knows your taste"),
        "level_knows_well": _("PAV knows your taste well"),
        "more_needed.one": _("{n} more answer, and it can check itself against you."),
        "more_needed.other": _("{n} more answers, and it can check itself against you."),
        "all_alike": _("It can check itself once your answers differ from each other."),
        "speaker_instant": _("Ranked by the instant model."),
        "speaker_checked": _("Ranked by the instant model: the exact one guessed no better, {exact} against {instant}."),
        "speaker_exact": _("Ranked by the exact model: it guessed better, {exact} against {instant}."),
        "sharing_on": _("Thank you. From tonight on your answers help others."),
        "sharing_off": _("From tonight on your answers no longer count for others."),
        "sharing_offline": _("The server cannot be reached, so nothing was changed. Try again when the connection is back."),
        "certainty_text": _("Its guesses of your answers agree with them to {srocc}, likely {low} to {high} (0 is chance, 1 is perfect)."),
    }
