"""Preparation of the demo in a process of its own: tables, photos, progress on the terminal, welcome."""

import os
import sys
import time
import webbrowser

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError
from django.urls import reverse
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from pav_site import demo, static_files
from pav_site.demo_photos import PhotoImport
from pav_site.embedded import ServiceError
from personalize.errors import BadBank
from personalize.files import extractors
from ratings.ranking import features
from ratings.raters import admin_links
from ratings.studies import example_study

POLL_SECONDS = 0.3  # how often the progress is read from the database
ENOUGH_PHOTOS = 5


def prepare(console: Console) -> None:
    """Check the bank, collect the static files, and create or update the tables as soon as PostgreSQL answers.

    Raises:
        ServiceError: a file of the bank is missing or damaged, or a service does not start.
    """
    check_bank()
    console.print("Preparing the database and the pages.")
    static_files.collect()  # the web server reads the list of these files when it starts
    settings.EMBEDDED.wait()
    call_command("migrate", verbosity=0, interactive=False)


def check_bank() -> None:
    """Check the files of the networks before the page can be opened: without them, no photo would ever get features.

    Raises:
        ServiceError: a file is missing, or is not the one that the bank's metadata name.
    """
    try:
        for row in extractors.read(settings.PAV["BANK"]).rows:
            extractors.checked(row)
    except BadBank as error:
        raise ServiceError(f"{error} For the bank that comes with PAV, in a checkout: git checkout -- personalize/bank") from None


def fill(options: demo.Options, console: Console) -> None:
    """Import photos in a thread, and show the counts until every photo has features.

    Raises:
        ServiceError: there is no photo.
    """
    importing = PhotoImport(options.photos)
    importing.start()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    welcomed, photos, ready = False, 0, 0
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        imported = progress.add_task("Importing photos", total=None)
        extracted = progress.add_task("Extracting features", total=None)
        while True:
            finished = not importing.is_alive()
            photos, ready = _counts() or (photos, ready)
            progress.update(imported, completed=importing.done, total=importing.total, visible=importing.total != 0)
            progress.update(extracted, completed=ready, total=max(photos, importing.total or 0))
            for line in importing.messages():
                console.print(Text(line), soft_wrap=True)
            if finished and not photos:
                raise ServiceError("No photo was imported, so there is nothing to swipe. Choose another folder: ./pav demo --photos DIR")
            enough = ready >= _enough(options) or (finished and ready == photos)
            if not welcomed and ready and enough and demo.is_served(options.port):
                welcomed = True
                _welcome(options, console)
            if finished and welcomed and ready >= photos:
                break
            time.sleep(POLL_SECONDS)
    console.print(f"All {photos} photos are ready. Press Ctrl-C to stop PAV.")


def _enough(options: demo.Options) -> int:
    """Photos with features before the demo reports that it is ready."""
    return example_study.PHOTOS if options.study else ENOUGH_PHOTOS


def _counts() -> tuple[int, int] | None:
    """The number of photos, and of those with features. None while PostgreSQL is down: the launcher restarts it."""
    try:
        progress = features.progress()
    except DatabaseError:
        return None
    return progress.total, progress.ready


def _welcome(options: demo.Options, console: Console) -> None:
    console.print()
    console.print(Text(f"PAV is ready: {options.address}/", style="bold"), soft_wrap=True)
    link = options.address + reverse("staff_enter", args=[admin_links.make_ticket()])
    console.print(Text(f"Administration (the link works once, within 15 minutes): {link}"), soft_wrap=True)
    page = f"{options.address}/"
    if options.study:
        page = options.address + reverse("study_entry", args=[example_study.open_example()])
        console.print(Text(f"The example study: {page}"), soft_wrap=True)
    console.print("PAV prepares the remaining photos in the background. Press Ctrl-C to stop it; your ratings are kept.")
    console.print()
    if options.browser and _has_screen():
        webbrowser.open(page)


def _has_screen() -> bool:
    """Whether there is a graphical screen. Without one, `webbrowser` would open a text browser in this terminal."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
