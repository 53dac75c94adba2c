"""Checks of the documentation: links, commands, options, settings, tasks, API and file names."""

import argparse
import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

import personalize
from pav_site.celery import app
from pav_site.environment import BASE, SETTINGS
from ratings.api import api

OURS = ("pav_site", "ratings", "personalize")
TOP_LEVEL = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
PAGES = [BASE / name for name in TOP_LEVEL] + sorted((BASE / "docs").rglob("*.md"))
LAUNCHER_WORDS = {"help", "install", "COMMAND"}  # `./pav COMMAND --help` stands for any command
FOREIGN_OPTIONS = {"test"}  # its options are pytest's
SOURCES = ("pav_site", "ratings", "personalize", "benchmarks", "tests", "static", "templates", "locale", "docs", ".github", ".ci")


def page_name(page: Path) -> str:
    return str(page.relative_to(BASE))


def prose(page: Path) -> str:
    """The text of a page without code."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(page: Path) -> set[str]:
    """The anchors of all headings of a page, in GitHub's form."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, flags=re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        repeated = sum(1 for anchor in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", anchor))
        found.add(f"{slug}-{repeated}" if repeated else slug)
    return found


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Each `./pav WORD` of a page and the rest of its line; a backslash continues the line, a comment ends it."""
    text = re.sub(r"\\\n\s*", " ", page.read_text())
    yield from re.findall(r"\./pav ([A-Za-z_]+)((?:(?!\./pav )[^`\n#])*)", text)


def options(rest: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest))


@cache
def options_of(command: str) -> frozenset[str]:
    """Every option of a command and its subcommands."""
    parser = load_command_class(get_commands()[command], command).create_parser("pav", command)
    return frozenset(name for part in _with_subparsers(parser) for name in part._option_string_actions)


def _with_subparsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for part in action.choices.values():
                yield from _with_subparsers(part)


@cache
def options_of_benchmark(name: str) -> frozenset[str]:
    """The options in the help of a program in `benchmarks/`; none if the program does not exist."""
    if not (BASE / "benchmarks" / f"{name}.py").exists():
        return frozenset()
    with redirect_stdout(io.StringIO()) as printed, pytest.raises(SystemExit):
        import_module(f"benchmarks.{name}").main(["--help"])
    return frozenset(options(printed.getvalue()))


def known_options(word: str, rest: str) -> frozenset[str]:
    return options_of_benchmark(rest.split()[0]) if word == "bench" and rest.split() else options_of(word)


def project_commands() -> set[str]:
    return {name for name, home in get_commands().items() if home in OURS}


def all_pages() -> str:
    return "\n".join(page.read_text() for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_to_existing_files_and_headings(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)(?: +\"[^\"]*\")?\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        existing = (page.parent / path).resolve() if path else page
        if not existing.is_relative_to(BASE) or not existing.exists() or (anchor and anchor not in anchors(existing)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_files_named_in_a_page_exist(page: Path) -> None:
    """Paths of sources and pages, relative to the root of the project or to the page."""
    suffixes = r"\.(?:py|md|js|css|html|toml|yml|yaml|json|safetensors|svg|png)"
    paths = re.findall(rf"(?<![\w./-])((?:{'|'.join(map(re.escape, SOURCES))}|decisions)/[\w./-]+{suffixes})\b", page.read_text())
    missing = {path for path in paths if not (BASE / path).exists() and not (page.parent / path).exists()}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_commands_and_options_in_a_page_exist(page: Path) -> None:
    wrong = []
    for word, rest in commands(page):
        if word not in get_commands().keys() | LAUNCHER_WORDS:
            wrong.append(word)
        elif word not in LAUNCHER_WORDS | FOREIGN_OPTIONS:
            wrong += [f"{word} {option}" for option in options(rest) - known_options(word, rest)]
    assert wrong == []


def test_options_named_without_a_command_belong_to_one() -> None:
    known = set().union(
        *(options_of(name) for name in project_commands()), *(options(path.read_text()) for path in (BASE / ".ci").rglob("run"))
    )
    alone = {option for inline in re.findall(r"`(--[^`\n]*)`", all_pages()) for option in options(inline)}
    assert alone - known == set()


def test_benchmarks_named_in_a_page_exist() -> None:
    named = set(re.findall(r"\./pav bench ([a-z_]+)", all_pages()))
    assert named
    assert {name for name in named if not options_of_benchmark(name)} == set()


def test_every_command_is_documented() -> None:
    text = all_pages()
    assert {name for name in project_commands() if not re.search(rf"(\./pav |`){name}\b", text)} == set()


def test_every_setting_is_documented() -> None:
    text = all_pages()
    assert {name for name in SETTINGS if f"`{name}`" not in text} == set()


def test_every_task_is_documented() -> None:
    app.loader.import_default_modules()
    # Former names of tasks, which stay for queued work, need no mention.
    ours = {name for name, task in app.tasks.items() if name.startswith(OURS) and name.endswith(f".{task.run.__name__}")}
    text = all_pages()
    assert ours
    assert {name for name in ours if not re.search(rf"\b{name.rsplit('.', 1)[1]}\b", text)} == set()


def test_every_url_of_the_api_is_documented() -> None:
    text = (BASE / "docs" / "api.md").read_text()
    operations = {f"{method.upper()} {path}" for path, methods in api.get_openapi_schema()["paths"].items() for method in methods}
    assert operations
    assert {request for request in operations if f"`{request}" not in text} == set()


def test_modules_named_in_the_architecture_page_exist() -> None:
    """Names of modules and scripts in its diagrams, in any folder."""
    existing = {path.name for folder in SOURCES for path in (BASE / folder).rglob("*") if path.suffix in {".py", ".js"}}
    existing |= {path.name for path in BASE.glob("*.py")}
    assert set(re.findall(r"\b([\w-]+\.(?:py|js))\b", (BASE / "docs" / "architecture.md").read_text())) - existing == set()


def test_the_changelog_lists_this_version_first() -> None:
    headings = re.findall(r"^## (\S+)", (BASE / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    newest = next(heading for heading in headings if heading != "Unreleased")
    assert newest == personalize.__version__
