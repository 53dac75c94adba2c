"""Django settings for tests: the site's settings with separate services and a separate folder, so that a running demo is not touched."""

import os
from contextlib import ExitStack

# One thread per process, inherited by child processes: on a busy machine, OpenMP and BLAS threads wait for each other, and some tests
# take thirty times as long.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

from jaxtyping import install_import_hook  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

from pav_site.embedded import FolderInUse, Services  # noqa: E402
from pav_site.environment import BASE  # noqa: E402

threadpool_limits(int(os.environ["OPENBLAS_NUM_THREADS"]))  # one of pytest's plugins has already imported NumPy

# Modules whose array shapes are checked at every call. Readers of large tables, which call functions for each line, are not among them.
CHECKED = (
    *("numerics", "networks", "files.images"),
    *(
        f"agreement.{name}"
        for name in ("alpha", "bounded_minimum", "components", "correlations", "measures", "paired_choices", "photo_opinions")
    ),
    *(f"agreement.{name}" for name in ("rating_pairs", "reml", "resampling", "retest", "serial_dependence", "split_halves", "weighted")),
)
HELD = ExitStack()  # holds the folder's lock until this process ends


def _free_folder() -> str:
    """The first folder that no other test run holds. Test runs may overlap, and an existing folder starts faster than a new one."""
    for number in range(1, 100):
        folder = BASE / "var" / f"test-{number}"
        try:
            HELD.enter_context(Services(folder).owned())
        except FolderInUse:
            continue
        return str(folder)
    raise FolderInUse("99 test runs at once?")


RUN = os.environ.get("PYTEST_XDIST_WORKER", "alone")  # each pytest-xdist process is a separate test run
if os.environ.get("PAV_TESTING") != "1" or os.environ.get("PAV_TESTING_RUN", RUN) != RUN:
    # Processes that a test starts inherit the folder of their test run; pytest-xdist processes do not.
    os.environ |= {"PAV_VAR": _free_folder(), "PAV_TESTING": "1", "PAV_TESTING_RUN": RUN}
    # Check array shapes in signatures at every call. The import hook is installed here and not by pytest's option, because Django's apps
    # import some of these modules before pytest installs its hook.
    install_import_hook([f"personalize.{name}" for name in CHECKED], "beartype.beartype")

os.environ.setdefault("PAV_MAIL_URL", f"file://{os.environ['PAV_VAR']}/mail")

from pav_site.settings import *  # noqa: E402, F403

# A busy machine may let any of these wait; without them, a test would see what is said where a service is down.
REDIS_SECONDS = 60
CACHES["default"]["OPTIONS"] |= {"socket_timeout": 60, "socket_connect_timeout": 60}  # noqa: F405
DATABASES["default"]["OPTIONS"]["pool"]["timeout"] = 300  # noqa: F405

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405 (WhiteNoise warns about a missing folder)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
