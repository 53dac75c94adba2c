"""Django settings. Only the settings in `environment.SETTINGS` can be set from outside."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from pav_site.embedded import Services
from pav_site.environment import BASE, SETTINGS, BadSetting, MailServer, read_all
from personalize import __version__

CHOSEN = read_all(os.environ)
VERSION = __version__  # recorded with the designs of studies
VAR: Path = CHOSEN["PAV_VAR"]
ADDRESSES = {"postgres": CHOSEN["DATABASE_URL"], "redis": CHOSEN["REDIS_URL"]}
EMBEDDED = Services(
    VAR,
    durable=os.environ.get("PAV_TESTING") != "1",
    names=tuple(name for name, address in ADDRESSES.items() if not address),
)
DATABASE_URL = ADDRESSES["postgres"] or EMBEDDED.database_url
REDIS_URL = ADDRESSES["redis"] or EMBEDDED.redis_url


def _secret_key() -> str:
    """The configured key, else one generated once and stored in PAV_VAR, readable only by its owner."""
    if CHOSEN["PAV_SECRET_KEY"]:
        return str(CHOSEN["PAV_SECRET_KEY"])
    kept = VAR / "secret_key"
    fresh = kept.with_suffix(f".{os.getpid()}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        if not kept.exists():
            try:
                fresh.touch(mode=0o600)
                fresh.write_text(secrets.token_urlsafe(48))
                with suppress(FileExistsError):
                    os.link(fresh, kept)  # when complete: a second process must never read a partial key
            finally:
                fresh.unlink(missing_ok=True)
        return kept.read_text()
    except OSError as error:
        raise BadSetting(
            f"PAV keeps its data in {VAR}, and cannot use that folder ({error.strerror}). Choose another one: PAV_VAR=~/pav-data"
        ) from None


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "pav",
        "USER": unquote(parts.username or options.pop("user", "")),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or options.pop("host", ""),
        "PORT": parts.port or "",
        # Under ASGI each request runs on its own thread, so connections are pooled, not kept per thread. The health check costs one
        # round trip and prevents errors on the page after a restart of PostgreSQL. A burst of requests leaves connections that nobody
        # needs afterwards, of 5 MB each; one of them is closed every 20 seconds.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**options, "pool": {"min_size": 1, "max_size": 16, "timeout": 10, "max_idle": 20}},
        "TEST": {"NAME": "test_pav"},
    }


SECRET_KEY = _secret_key()
DEBUG = CHOSEN["PAV_DEBUG"]
ALLOWED_HOSTS = CHOSEN["PAV_HOSTS"]
CSRF_TRUSTED_ORIGINS = CHOSEN["PAV_ORIGINS"] or []

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "csp",
    "pav_site",
    "ratings",
    "personalize",
]
MIDDLEWARE = [
    "pav_site.proxies.TrustedProxies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "ratings.accounts.sessions.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "ratings.accounts.sessions.SocketsMiddleware",
    "pav_site.body_limits.BodyLimits",
]
ROOT_URLCONF = "pav_site.urls"
ASGI_APPLICATION = "pav_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "ratings.page.account_page",
            ]
        },
    }
]
DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE / "static"]
STATIC_ROOT = VAR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "pav_site.static_files.PageFiles"},
}
MEDIA_ROOT = VAR / "media"
DRAWN_ROOT = VAR / "drawn"  # files of the sample pictures that PAV draws
EXPORTS_ROOT = VAR / "exports"  # model exports; served only to administrators
DOWNLOADS_ROOT = VAR / "downloads"  # ZIPs of own photos; served only to their owners
# A study of 1 MB as a form field; the API takes less (pav_site/body_limits.py), and photos do not come by Django (ratings/uploads/tus.py).
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 2**20

LANGUAGE_CODE = CHOSEN["PAV_LANGUAGE"]
LANGUAGES = [("en", _("English")), ("ja", _("Japanese"))]
LOCALE_PATHS = [BASE / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

SESSION_COOKIE_AGE = 365 * 24 * 3600  # only this cookie ties a guest to the ratings
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if CHOSEN["PAV_HTTPS"]:
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "pav",
        "OPTIONS": {"serializer": "pav_site.json_cache.JsonSerializer", "socket_timeout": 2, "socket_connect_timeout": 1},
    }
}

# Accounts. The second backend is that of administrators' sessions begun before version 0.2.
AUTHENTICATION_BACKENDS = ["ratings.accounts.backends.AccountBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
LOGIN_URL, LOGIN_REDIRECT_URL = "account_login", "home"
MAIL: MailServer | None = CHOSEN["PAV_MAIL_URL"]
HAS_MAIL = MAIL is not None
MAIL = MAIL or MailServer("django.core.mail.backends.dummy.EmailBackend")
EMAIL_BACKEND, EMAIL_FILE_PATH, EMAIL_TIMEOUT = MAIL.backend, MAIL.folder or None, 10
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.host, MAIL.port, MAIL.user, MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL.starttls, MAIL.tls
DEFAULT_FROM_EMAIL = SERVER_EMAIL = CHOSEN["PAV_MAIL_FROM"]
ACCOUNT_ADAPTER = "ratings.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"login": "ratings.accounts.forms.SignInForm", "signup": "ratings.accounts.forms.SignUpForm"}
ACCOUNT_USER_DISPLAY = "ratings.accounts.selectors.display_name"
# With mail, an address that a code has verified is the account's name: without the code, sign-up would reveal who is registered.
ACCOUNT_LOGIN_METHODS = {"email", "username"} if HAS_MAIL else {"username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1"] if HAS_MAIL else ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if HAS_MAIL else "none"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = ACCOUNT_LOGIN_BY_CODE_ENABLED = ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = HAS_MAIL
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_EMAIL_NOTIFICATIONS = HAS_MAIL
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CHANGE_EMAIL = ACCOUNT_SESSION_REMEMBER = ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
MFA_ADAPTER = "ratings.accounts.adapter.FactorsAdapter"
MFA_FORMS = {
    "login_webauthn": "ratings.accounts.forms.PasskeySignInForm",
    "authenticate_webauthn": "ratings.accounts.forms.PasskeyAuthenticateForm",
    "reauthenticate_webauthn": "ratings.accounts.forms.PasskeyReauthenticateForm",
    "signup_webauthn": "ratings.accounts.forms.PasskeySignUpForm",
    "add_webauthn": "ratings.accounts.forms.PasskeyAddForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = HAS_MAIL
MFA_ALLOW_UNVERIFIED_EMAIL = not HAS_MAIL
MFA_TOTP_ISSUER = "PAV"
MFA_TOTP_TOLERANCE = 1
USERSESSIONS_ADAPTER = "ratings.accounts.adapter.SessionsAdapter"

# Sign-in by another service; its packages are loaded only where it is configured.
OIDC_ORIGIN = ""
if CHOSEN["PAV_OIDC_URL"]:
    OIDC_ORIGIN = "{0.scheme}://{0.netloc}".format(urlsplit(CHOSEN["PAV_OIDC_URL"]))
    INSTALLED_APPS += ["allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"]
    SOCIALACCOUNT_ADAPTER = "ratings.accounts.social.SocialAdapter"
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "service",
                    "name": CHOSEN["PAV_OIDC_NAME"],
                    "client_id": CHOSEN["PAV_OIDC_CLIENT"],
                    "secret": CHOSEN["PAV_OIDC_SECRET"] or "",
                    "settings": {"server_url": CHOSEN["PAV_OIDC_URL"]},
                }
            ],
        }
    }

# Channels waits 5 seconds at a time for a message, which is also redis-py's default timeout: idle websockets would be dropped.
REDIS_SECONDS = 1  # until the web app goes on without Redis
CHANNEL_HOST = {"address": REDIS_URL, "socket_timeout": 30}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [CHANNEL_HOST], "prefix": "pav"}}}

# Queues and schedule are in celery.py: they need Celery, which the demo's launcher does without.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://")
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_DEFAULT_QUEUE = CELERY_TASK_DEFAULT_ROUTING_KEY = "refit"
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ROUTES = {"personalize.tasks.extract_features": {"queue": "gpu"}}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# The web process must not wait for a broker that is down: the rating is stored, and the sweeper queues its refit.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "health_check_interval": 10,
}
CELERY_TASK_PUBLISH_RETRY = False
PAV = {name.removeprefix("PAV_"): CHOSEN[name] for name in SETTINGS if name.startswith("PAV_")}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # A line for every task would dominate the log, and cost more than some tasks.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
    },
}
