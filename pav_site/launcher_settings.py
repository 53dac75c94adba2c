"""Settings of the demo's launcher: those of PAV without its apps, which the launcher does not use, and which are slow to load."""

from pav_site.settings import *  # noqa: F403

INSTALLED_APPS = ["pav_site.apps.LauncherConfig"]
