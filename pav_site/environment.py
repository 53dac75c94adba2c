"""Settings from environment variables: one table for parsing, validation and documentation."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

BASE = Path(__file__).resolve().parent.parent
NEVER_SHOWN = {
    "PAV_SECRET_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "PAV_MAIL_URL",
    "PAV_OIDC_SECRET",
}  # secrets, which must not appear in error messages: these end up in logs


class BadSetting(ValueError):
    """An environment variable has an invalid value; the message names it and gives an example."""


@dataclass(frozen=True)
class Setting:
    """One setting: parser, default, description and example."""

    name: str
    parse: Callable[[str], object]
    default: str | None
    about: str
    example: str
    old_name: str = ""  # still accepted, with a warning

    def read(self, environment: Mapping[str, str]) -> object:
        text = environment.get(self.name) or self.default
        if self.old_name in environment and self.name not in environment:
            warnings.warn(f"{self.old_name} is now called {self.name}. The old name still works.", FutureWarning, stacklevel=2)
            text = environment[self.old_name]
        if text is None or text == "":
            return None
        try:
            return self.parse(text)
        except (ValueError, KeyError) as error:
            shown = "set" if self.name in NEVER_SHOWN else repr(text)
            raise BadSetting(f"{self.name} is {shown}: {error} Example: {self.name}={self.example}") from None


def flag(text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in known:
        raise ValueError("neither yes nor no.")
    return known[text.lower()]


def one_of(*known: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(f"must be {' or '.join(known)}.")
        return text

    return parse


def hosts(text: str) -> list[str]:
    """Host names only. With a scheme or a path, no request would match, and Django would refuse every page."""
    found = _listed(text)
    for host in found:
        if "/" in host or ":" in host.replace("[::1]", ""):
            raise ValueError(f"{host!r} is not a host name; write it without scheme, port and path.")
        if host == "*":
            raise ValueError("'*' would answer to any name, which lets strangers forge links.")
    return found


def origins(text: str) -> list[str]:
    found = _listed(text)
    for origin in found:
        if not origin.startswith(("http://", "https://")) or "/" in origin.split("://", 1)[1]:
            raise ValueError(f"{origin!r} is not an origin; write only scheme and host.")
    return found


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(_network(part) for part in _listed(text))


def rates_by_network(text: str) -> tuple[tuple[IPv4Network | IPv6Network, str], ...]:
    pairs = [part.rpartition("=") for part in _listed(text)]
    return tuple((_network(network), rate(amount)) for network, _equals, amount in pairs)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text.strip())
    except ValueError:
        raise ValueError(f"{text.strip()!r} is not an address range.") from None


def whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError as error:
            raise ValueError("not a whole number.") from error
        if not low <= value <= high:
            raise ValueError(f"not between {low} and {high}.")
        return value

    return parse


def rate(text: str) -> str:
    amount, slash, period = text.partition("/")
    if not slash or not amount.isdigit() or int(amount) < 1 or period not in {"second", "minute", "hour", "day"}:
        raise ValueError("not a rate.")
    return text


def address(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.split(":", 1)[0] not in schemes:
            raise ValueError(f"an address must begin with {' or '.join(scheme + '://' for scheme in schemes)}.")
        return text

    return parse


@dataclass(frozen=True)
class MailServer:
    """Where mail goes: a server, or files in a folder."""

    backend: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False
    folder: str = ""


def mail_server(text: str) -> MailServer:
    parts = urlsplit(text)
    if parts.scheme == "file" and parts.path:
        return MailServer("django.core.mail.backends.filebased.EmailBackend", folder=unquote(parts.path))
    ports = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
    if parts.scheme not in ports or not parts.hostname:
        raise ValueError("an address must begin with smtp+starttls://, smtps://, smtp:// or file:///.")
    return MailServer(
        "django.core.mail.backends.smtp.EmailBackend",
        host=parts.hostname,
        port=parts.port or ports[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=parts.scheme == "smtp+starttls",
        tls=parts.scheme == "smtps",
    )


def mailbox(text: str) -> str:
    if "@" not in text or "\n" in text:
        raise ValueError("not a mail address.")
    return text


def secret(text: str) -> str:
    if len(text) < 32:
        raise ValueError("too short to be secret: at least 32 characters.")
    return text


def folder(text: str) -> Path:
    path = Path(text).expanduser()
    return path if path.is_absolute() else BASE / path


def bank_file(text: str) -> Path:
    if not text.endswith(".safetensors"):
        raise ValueError("not a bank, whose file ends in .safetensors.")
    return folder(text)


SETTINGS = {
    row.name: row
    for row in (
        Setting("PAV_VAR", folder, "var/demo-8000", "Folder for everything that PAV writes: embedded services, photos, logs.", "/srv/pav"),
        Setting(
            "DATABASE_URL",
            address("postgres", "postgresql"),
            None,
            "PostgreSQL with pgvector. Unset: an embedded one in PAV_VAR.",
            "postgresql://pav:secret@db/pav",
        ),
        Setting(
            "REDIS_URL",
            address("redis", "rediss", "unix"),
            None,
            "Redis, for the queue and the live updates. Unset: an embedded one in PAV_VAR.",
            "redis://redis:6379/0",
        ),
        Setting(
            "PAV_BANK",
            bank_file,
            "personalize/bank/efficientnet_lite0.safetensors",
            "Bank that photos are ranked with. Another one comes into use in the background, after the next ./pav migrate or start.",
            "/srv/pav/banks/vit-l-14.safetensors",
        ),
        Setting("PAV_DEBUG", flag, "no", "Django's debug pages. Never on a public machine.", "yes"),
        Setting(
            "PAV_SECRET_KEY",
            secret,
            None,
            "Signs sessions and links, encrypts second factors (another key cannot read them). Unset: kept in PAV_VAR/secret_key.",
            "64 random characters",
        ),
        Setting("PAV_HOSTS", hosts, "localhost,127.0.0.1,[::1]", "Host names that PAV answers to, separated by commas.", "pav.example.org"),
        Setting(
            "PAV_ORIGINS", origins, None, "Further origins that may post, with scheme, separated by commas.", "https://pav.example.org"
        ),
        Setting("PAV_HTTPS", flag, "no", "Secure cookies, redirect to HTTPS, and HSTS. Switch on behind a TLS proxy.", "yes"),
        Setting(
            "PAV_SIGNUP",
            one_of("open", "invitation", "closed"),
            "open",
            "Who may make an account: everyone, visitors with an invitation, or nobody. Without mail, open means by invitation.",
            "invitation",
        ),
        Setting(
            "PAV_MAIL_URL",
            mail_server,
            None,
            "Mail server: smtp+starttls:// (587), smtps:// (465) or smtp:// (25). Unset: no mail; accounts have names and passwords.",
            "smtp+starttls://pav:secret@mail.example.org",
        ),
        Setting("PAV_MAIL_FROM", mailbox, "PAV <pav@localhost>", "Sender of PAV's mail.", "PAV <pav@example.org>"),
        Setting(
            "PAV_OIDC_URL",
            address("https", "http"),
            None,
            "Issuer of OpenID Connect, for sign-in by another service (needs ./pav install social). Unset: none.",
            "https://login.example.org/realms/lab",
        ),
        Setting("PAV_OIDC_NAME", str, "OpenID", "Name of that service on the page for signing in.", "Example University"),
        Setting("PAV_OIDC_CLIENT", str, "pav", "PAV's client id at that service.", "pav"),
        Setting("PAV_OIDC_SECRET", str, None, "PAV's client secret at that service.", "32 random characters"),
        Setting("PAV_LANGUAGE", one_of("en", "ja"), "en", "Language if the browser asks for none that PAV has: en or ja.", "ja"),
        Setting("PAV_DECK_SIZE", whole(1, 20), "5", "Photos dealt ahead to a rater.", "5"),
        Setting("PAV_TOP", whole(1, 200), "50", "Places of the ranking in a push.", "50"),
        Setting(
            "PAV_FIT_RATINGS",
            whole(50, 5000),
            "400",
            "Newest ratings of a rater that an instant fit takes: more cost time at every swipe.",
            "400",
        ),
        Setting("PAV_LIMIT_RATINGS", rate, "240/minute", "Ratings and undos per rater.", "240/minute"),
        Setting("PAV_LIMIT_READS", rate, "600/minute", "Decks, rankings and photo lists per rater.", "600/minute"),
        Setting("PAV_LIMIT_FILES", rate, "3000/minute", "Photo files per rater.", "3000/minute"),
        Setting("PAV_LIMIT_GUESTS", rate, "120/hour", "New guests per IP address.", "120/hour"),
        Setting(
            "PAV_LIMIT_GUESTS_FROM",
            rates_by_network,
            None,
            "Other limits of new guests per IP address, by address range (a class, a lab); the first that matches counts.",
            "10.20.0.0/16=5000/hour,2001:db8::/32=500/hour",
        ),
        Setting("PAV_LIMIT_PARTICIPANTS", rate, "1000/hour", "New participants of a study per IP address, at most.", "1000/hour"),
        Setting(
            "PAV_TRUSTED_PROXIES",
            networks,
            None,
            "Address ranges of proxies in front of PAV, separated by commas: X-Forwarded-For counts only from them.",
            "127.0.0.1,172.16.0.0/12",
        ),
        Setting(
            "PAV_KEEP_GUESTS_DAYS",
            whole(0, 36500),
            "0",
            "Days after the last rating until a guest is deleted, with all ratings; 0: never. Guests who never rated go after a week.",
            "365",
        ),
        Setting("PAV_LIMIT_UPLOADS", rate, "1200/minute", "Files that a rater begins to send.", "1200/minute"),
        Setting("PAV_GUEST_PHOTOS", whole(0, 10**6), "200", "Own photos that a guest may have; 0: guests bring none.", "200"),
        Setting("PAV_ACCOUNT_PHOTOS", whole(0, 10**7), "20000", "Own photos that an account may have.", "20000"),
        Setting("PAV_ACCOUNT_GB", whole(1, 10**6), "50", "Gigabytes that the own photos of one rater may take, originals included.", "50"),
        Setting("PAV_OWN_PHOTOS_GB", whole(1, 10**6), "500", "Gigabytes that the own photos of all raters may take together.", "500"),
        Setting(
            "PAV_FREE_DISK_GB",
            whole(0, 10**6),
            "2",
            "Gigabytes that stay free on the disk of PAV_VAR: uploads and downloads beyond are refused.",
            "20",
        ),
        Setting("PAV_SWEEP_SECONDS", whole(1, 3600), "3", "Seconds between two sweeps for lost refits and photos without features.", "3"),
        Setting(
            "PAV_EXACT_REFIT_AFTER",
            whole(0, 86400),
            "20",
            "Seconds without a rating after which a rater's exact refit begins, if a worker has PyTorch; 0: never.",
            "20",
            old_name="PAV_REFINE_AFTER",
        ),
        Setting(
            "PAV_LEARN_HOUR",
            whole(0, 23),
            "3",
            "Hour (UTC) of the nightly run, at half past, that learns the population prior from shared ratings.",
            "3",
        ),
    )
}


def table() -> str:
    """All settings as a Markdown table."""
    rows = ["| variable | default | what it does | example |", "|---|---|---|---|"]
    for row in SETTINGS.values():
        rows.append(f"| `{row.name}` | {f'`{row.default}`' if row.default else 'unset'} | {row.about} | `{row.example}` |")
    return "\n".join(rows) + "\n"


def read_all(environment: Mapping[str, str]) -> dict[str, Any]:
    """Every setting by name.

    Raises:
        BadSetting: for the first invalid one.
    """
    return {name: row.read(environment) for name, row in SETTINGS.items()}
