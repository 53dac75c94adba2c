"""How the modules keep to their places, beyond what import-linter can say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pav_site.environment import BASE

PACKAGES = ("pav_site", "ratings", "personalize")
LONGEST = 400  # lines; most modules have 80 to 250
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
EDGES = ("api", "views", "consumers", "routing", "schemas")  # alone, or after an underscore: `staff_views`
WRITING = {"save", "create", "update", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
WRITING |= {f"a{name}" for name in WRITING}
STATEMENT = re.compile(r"\bINSERT INTO\b|(?<!FOR )\bUPDATE \w|\bDELETE FROM\b|\bTRUNCATE\b")
# Services that are named after what they keep. Whoever writes from another module writes it here, with a reason to be one of them.
SERVICES_BY_ANOTHER_NAME = {
    "ratings.raters.admin_links",
    "ratings.ranking.exact_refits",
    "ratings.ranking.features",
    "ratings.ranking.population_prior",
}


def modules(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from (path for path in sorted((BASE / package).rglob("*.py")) if "migrations" not in path.parts)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(BASE).with_suffix("").parts)


def is_called(path: Path, *names: str) -> bool:
    return any(path.stem == name or path.stem.endswith(f"_{name}") for name in names)


def imported(tree: ast.AST) -> set[str]:
    """Every module and name that a module imports, wherever it does, in full."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def reaches_tables(tree: ast.AST) -> bool:
    """Whether it can write a row: without models, users or a connection `.save()` is an image's and `.update()` a hash's."""
    names = imported(tree)
    return any("models" in name.split(".") for name in names) or bool(
        {"django.contrib.auth.get_user_model", "django.db.connection", "ratings.sql"} & names
    )


def writes(tree: ast.AST) -> set[str]:
    """What it does to rows: calls of the ORM, and statements of SQL."""
    if not reaches_tables(tree):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITING:
            found.add(f"line {node.lineno}: .{node.func.attr}()")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.search(node.value):
            found.add(f"line {node.lineno}: {STATEMENT.search(node.value)[0]}")  # type: ignore[index]
    return found


def test_rows_are_written_by_services_alone() -> None:
    writing = {name_of(path): found for path in modules("ratings", "personalize") if (found := writes(ast.parse(path.read_text())))}
    elsewhere = {name for name in writing if not is_called(BASE / f"{name.replace('.', '/')}.py", "services")}
    unknown = {name: writing[name] for name in elsewhere - SERVICES_BY_ANOTHER_NAME}
    assert unknown == {}
    assert elsewhere == SERVICES_BY_ANOTHER_NAME  # whoever writes no more is taken off the list
    assert writing.keys() - elsewhere  # or the search finds nothing at all


@pytest.mark.parametrize("path", [path for path in modules("ratings") if is_called(path, "selectors")], ids=name_of)
def test_selectors_only_read(path: Path) -> None:
    assert writes(ast.parse(path.read_text())) == set()


@pytest.mark.parametrize("path", [path for path in modules("ratings") if is_called(path, *EDGES)], ids=name_of)
def test_edges_ask_selectors_and_services(path: Path) -> None:
    """A model may stand in a signature; rows are neither looked for nor changed here."""
    tree = ast.parse(path.read_text())
    assert writes(tree) == set()
    assert {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {"objects", "cursor"} == set()


def test_one_module_alone_speaks_to_the_browser() -> None:
    pushing = {
        name_of(path)
        for path in modules(*PACKAGES)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "group_send"
    }
    assert len(pushing) == 1, pushing


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("from ratings.models import Photo\nPhoto.objects.create()", True),
        ("from ratings.photos.models import Photo\nPhoto.objects.filter(id=1).update(name='')", True),
        ("from ratings import models\nmodels.Photo(id=1).save()", True),
        ("from django.db import connection\nconnection.cursor().execute('UPDATE photo SET name = 1')", True),
        ("from ratings import sql\nsql.rows(f'DELETE FROM {1}')", True),
        ("from ratings import sql\nsql.rows('SELECT id FROM photo FOR UPDATE SKIP LOCKED')", False),
        ("import hashlib\nhashlib.sha256().update(b'')", False),
    ],
)
def test_what_counts_as_writing(source: str, written: bool) -> None:
    assert bool(writes(ast.parse(source))) == written


def test_names_of_modules_say_something() -> None:
    assert {name_of(path) for path in modules(*PACKAGES, "tests", "benchmarks") if path.stem in NAMES_THAT_SAY_NOTHING} == set()


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in modules(*PACKAGES, "tests", "benchmarks")}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_every_module_says_what_it_is() -> None:
    silent = {
        name_of(path)
        for path in modules(*PACKAGES, "tests", "benchmarks")
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text()))
    }
    assert silent == set()
