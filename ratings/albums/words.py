"""Sentences of the scripts on album pages, by key, as `ratings.page.page_phrases` has those of the rating page."""

from django.utils.translation import gettext as _


def album_phrases() -> dict[str, str]:
    """Sentences by key. `key.one` and `key.other` are the plural forms of English; Japanese has the same text in both."""
    return {
        # A photo of the grid, and in large.
        "tile": _("{name}, {place} of {total}"),
        "tile_0": _("skipped"),
        "tile_1": _("rejected"),
        "tile_2": _("liked"),
        "tile_3": _("picked"),
        "tile_waiting": _("being prepared"),
        "tile_stack.one": _("{n} photo like it"),
        "tile_stack.other": _("{n} photos like it"),
        "viewer_count": _("{place} / {total}"),
        "viewer_missing": _("This photo isn’t here any more."),
        # What is selected, and what was done.
        "photo_count.one": _("{n} photo"),
        "photo_count.other": _("{n} photos"),
        "selected.one": _("{n} selected"),
        "selected.other": _("{n} selected"),
        "rated_0": _("Skipped"),
        "rated_1": _("Rejected"),
        "rated_2": _("Liked"),
        "rated_3": _("Picked"),
        "unrated": _("Rating taken back"),
        "nothing_to_undo": _("Nothing to undo."),
        "binned.one": _("{n} photo is in the bin for 30 days."),
        "binned.other": _("{n} photos are in the bin for 30 days."),
        "added.one": _("{n} photo is now in that album too."),
        "added.other": _("{n} photos are now in that album too."),
        "removed.one": _("{n} photo left this album."),
        "removed.other": _("{n} photos left this album."),
        "restored.one": _("{n} photo is back."),
        "restored.other": _("{n} photos are back."),
        "purged.one": _("{n} photo is deleted for good."),
        "purged.other": _("{n} photos are deleted for good."),
        "cover_set": _("This is the album’s cover now."),
        "changed": _("The album is changed."),
        # Best of.
        "best_count.one": _("Best {n}"),
        "best_count.other": _("Best {n}"),
        "decide_of": _("Which one is better? {left} to go"),
        # Problems.
        "offline": _("Can’t reach the server. Your ratings are saved on this device and will sync later."),
        "offline_here": _("Can’t reach the server, so nothing has changed. Try again when you’re back online."),
        "busy": _("Too many requests. Please wait a few seconds."),
        "broken": _("Something went wrong on the server. Please try again in a moment."),
        "refused": _("That didn’t work. Please reload the page and try again."),
    }
