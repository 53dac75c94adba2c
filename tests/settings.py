"""Settings of the tests: those of the site, on services and a folder of their own, so a running demo is never touched."""

import os
from contextlib import ExitStack

# One thread for each process, inherited by those it starts: beside anything else that runs, threads of OpenMP and of BLAS wait for each
# other so long that some tests take thirty times as long.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

from jaxtyping import install_import_hook  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

from pav_site.embedded import FolderInUse, Services  # noqa: E402
from pav_site.environment import BASE  # noqa: E402

threadpool_limits(int(os.environ["OPENBLAS_NUM_THREADS"]))  # one of pytest's plugins has brought NumPy in before this

CHECKED = ("numerics", "networks", "files.images")  # shapes in signatures
HELD = ExitStack()  # the folder's lock: kept for the life of this process


def _free_folder() -> str:
    """The first folder that no other test run holds: several may run at once, and a used one starts faster than a new one."""
    for number in range(1, 100):
        folder = BASE / "var" / f"test-{number}"
        try:
            HELD.enter_context(Services(folder).owned())
        except FolderInUse:
            continue
        return str(folder)
    raise FolderInUse("99 test runs at once?")


RUN = os.environ.get("PYTEST_XDIST_WORKER", "alone")  # each process that runs tests is a test run of its own
if os.environ.get("PAV_TESTING") != "1" or os.environ.get("PAV_TESTING_RUN", RUN) != RUN:
    # The processes that a test starts inherit the folder of their test run; those among which pytest-xdist divides the tests do not.
    os.environ |= {"PAV_VAR": _free_folder(), "PAV_TESTING": "1", "PAV_TESTING_RUN": RUN}
    # The shapes that signatures promise are checked in every call. Here, not by pytest's option: Django's apps import some of these
    # modules before pytest would hook them.
    install_import_hook([f"personalize.{name}" for name in CHECKED], "beartype.beartype")

from pav_site.settings import *  # noqa: E402, F403

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405 (WhiteNoise warns of a folder that is not there)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
