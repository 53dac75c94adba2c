"""Context of the page: the sentences of its scripts in the reader's language, its modules, and the address of the websocket."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TypedDict
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ratings.raters.guests import rater_of
from ratings.raters.selectors import is_staff, merged_guests, shares_ratings

SUBJECTS = ("deck", "accounts", "photos", "page", "raters", "ranking")  # folders of static/ that make up the page, the deck's first
CARD_SIZES = "(min-width: 900px) 46vw, (min-resolution: 2.5x) 76vw, calc(100vw - 32px)"
"""The `sizes` of a card's photo. On a phone it is as wide as the screen but for the margins; of three device pixels per pixel, 2.5 get
one of the photo, since nobody sees the rest."""

NOT_IMPORTED = {
    "deck/start.js",
    "page/app.js",
    "accounts/account.js",
    "accounts/passkeys.js",
    "page/theme.js",
    "page/starting.js",
}  # templates name these themselves


class PageConfig(TypedDict):
    """Sent as JSON within the page (`json_script`), since the content policy allows no inline script."""

    language: str
    phrases: dict[str, str]
    urls: dict[str, str]
    album: str  # that the page is about; empty: the catalogue
    rater: str  # empty on pages of accounts before the first visit of the start page
    merged_guests: list[str]
    is_staff: bool


def page_config(
    rater_id: UUID | None,
    *,
    is_staff: bool = False,
    merged_guests: Sequence[UUID] = (),
    album: UUID | None = None,
    phrases: dict[str, str] | None = None,
) -> PageConfig:
    """What `static/page/words.js` reads: the catalogue in the language that is active for this request, and who reads it."""
    return PageConfig(
        language=get_language() or "en",
        phrases=page_phrases() if phrases is None else phrases,
        urls={"websocket": f"/ws/taste/?album={album}" if album else "/ws/taste/"},
        album=str(album or ""),
        rater=str(rater_id or ""),
        merged_guests=[str(guest) for guest in merged_guests],
        is_staff=is_staff,
    )


def account_page(request: HttpRequest) -> dict[str, Callable[[], PageConfig]]:
    """Context processor: what the scripts of account pages read, made only where a template asks for it."""

    def config() -> PageConfig:
        rater_id = rater_of(request.session, request.user)
        return page_config(rater_id, merged_guests=_merged_guests(request.user, rater_id))

    return {"page": config}


def _merged_guests(user: AbstractBaseUser | AnonymousUser, rater_id: UUID | None) -> list[UUID]:
    return merged_guests(rater_id) if rater_id and user.is_authenticated else []


def page_context(rater_id: UUID, user: AbstractBaseUser | AnonymousUser, album: UUID | None = None) -> dict[str, object]:
    """Context of the template `page/home.html`."""
    return {
        "page": page_config(rater_id, is_staff=is_staff(user), merged_guests=_merged_guests(user, rater_id), album=album),
        "modules": _modules(),
        "card_sizes": CARD_SIZES,
        "me": {"shares_ratings": shares_ratings(rater_id)},
    }


@cache
def _modules() -> list[str]:
    """Every module that the page imports, directly or not: the page names them, so that a browser fetches all at once, in this order."""
    root = settings.STATICFILES_DIRS[0]
    modules = [file.relative_to(root).as_posix() for folder in SUBJECTS for file in sorted((root / folder).glob("*.js"))]
    return [module for module in modules if module not in NOT_IMPORTED]


def page_phrases() -> dict[str, str]:
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
        "rated_elsewhere": _("You rated that photo on another device."),
        "photo_left": _("That photo isn’t here any more."),
        "rated_count.one": _("{n} photo rated"),
        "rated_count.other": _("{n} photos rated"),
        # What the deck shows in place of photos.
        "loading": _("Loading photos…"),
        "photos_here": _("A photo is ready to rate."),
        "preparing_title": _("Getting photos ready"),
        "preparing_text": _("You can start as soon as the first ones are ready; this page fills by itself."),
        "preparing_is_slow": _(
            "This takes longer than usual. Come back later, or ask the administrator whether the photo worker is running."
        ),
        "more_coming_title": _("More photos are on their way"),
        "more_coming_text": _("You’ve rated all that are ready; the next ones show up here by themselves."),
        "ready_of": _("{ready} of {total} photos are ready"),
        "updated_of": _("Improving your ranking: {updated} of {total} photos"),
        "no_photos_title": _("No photos yet"),
        "no_photos_text": _("Bring your own, or come back in a moment: this page fills by itself."),
        "no_photos_staff_text": _("Import a folder of photos with this command; this page fills by itself."),
        "no_photos_album_text": _("Bring some on the album’s page; this page fills by itself."),
        "all_rated_title": _("You’ve rated them all"),
        "all_rated_text.one": _("{n} photo rated. Your ranking is complete, and you can still undo."),
        "all_rated_text.other": _("{n} photos rated. Your ranking is complete, and you can still undo."),
        "offline_title": _("You’re offline"),
        "offline_text": _("PAV keeps your ratings and sends them when you’re back. New photos come then, too."),
        "offline_swipe_on": _("Swipe on: PAV keeps your ratings and sends them when you’re back."),
        "unreachable_title": _("PAV isn’t answering"),
        "unreachable_text": _("It may be restarting. This page tries again by itself, and nothing is lost."),
        "unreachable_swipe_on": _("Swipe on: nothing is lost."),
        "busy_title": _("One moment"),
        "error_title": _("Couldn’t load photos"),
        "try_again": _("Try again now"),
        "trying": _("Trying…"),
        "see_ranking": _("See your ranking"),
        "see_help": _("How PAV works"),
        "bring_own": _("Bring your own"),
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
        "title_date": _("Newest first"),  # in its place, where there is no score for everyone
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
        # What the ranking and the large view show in place of photos.
        "ranking_nothing_ranked_title": _("Nothing to rank yet"),
        "ranking_nothing_ranked_text": _("Photos show up here in order as soon as they’re ready."),
        "ranking_offline_text": _("Your ranking shows up here when you’re back."),
        "ranking_error_title": _("Couldn’t load this ranking"),
        "photo_failed_title": _("Couldn’t load this photo"),
        "photo_failed_text": _("The connection is lost. PAV tries again by itself."),
        "photo_gone_title": _("This photo is gone"),
        "photo_gone_text": _("It is not in the catalogue any more."),
        # After the tenth rating, on the first photo that rose.
        "rise.one": _("Up {n} place by your ratings"),
        "rise.other": _("Up {n} places by your ratings"),
        "rise_announced.one": _("A photo is up {n} place by your ratings. It is number {place} now."),
        "rise_announced.other": _("A photo is up {n} places by your ratings. It is number {place} now."),
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
        "model_date": _("Newest first: PAV doesn’t know yet how people rank these photos."),
        "model_compared": _("Ranked by the instant model. The exact model didn’t guess better."),
        "model_exact": _("Ranked by the exact model. It guesses your ratings better."),
        # Consent to share ratings.
        "sharing_on": _("Thank you! Starting tonight, your ratings help others."),
        "sharing_off": _("Starting tonight, your ratings no longer help others."),
        "sharing_offline": _("Can’t reach the server, so nothing has changed. Try again when you’re back online."),
    }
