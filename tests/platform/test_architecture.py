"""Architecture rules that import-linter cannot express: which modules write rows, module names, lengths and docstrings."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pav_site.environment import BASE

PACKAGES = ("pav_site", "ratings", "personalize")
LONGEST = 400  # lines; most modules have 80 to 250
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
EDGES = ("api", "views", "consumers", "routing", "schemas")  # the whole name, or the part after an underscore, as in `staff_views`
WRITING = {"save", "create", "update", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
WRITING |= {f"a{name}" for name in WRITING}
STATEMENT = re.compile(r"\bINSERT INTO\b|(?<!FOR )\bUPDATE \w|\bDELETE FROM\b|\bTRUNCATE\b")
# Services with another name than `services`. A new module that writes rows is added here, with a reason.
SERVICES_BY_ANOTHER_NAME = {
    "ratings.accounts.merged_photos",
    "ratings.accounts.merging",
    "ratings.raters.admin_links",
    "ratings.ranking.activation",
    "ratings.ranking.exact_refits",
    "ratings.ranking.features",
    "ratings.ranking.population_prior",
    "ratings.ranking.projections",
    "ratings.ranking.raw_features",
    "ratings.uploads.originals",
}


def modules(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from (path for path in sorted((BASE / package).rglob("*.py")) if "migrations" not in path.parts)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(BASE).with_suffix("").parts)


def has_name(path: Path, *names: str) -> bool:
    return any(path.stem == name or path.stem.endswith(f"_{name}") for name in names)


def imported(tree: ast.AST) -> set[str]:
    """The full names of all modules and objects that a module imports, also inside functions."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def can_write_rows(tree: ast.AST) -> bool:
    """Whether a module can write rows: without models, users or a connection, `.save()` belongs to an image and `.update()` to a hash."""
    names = imported(tree)
    return any("models" in name.split(".") for name in names) or bool(
        {"django.contrib.auth.get_user_model", "django.db.connection", "ratings.sql"} & names
    )


def writes(tree: ast.AST) -> set[str]:
    """Where a module writes rows: ORM calls and SQL statements."""
    if not can_write_rows(tree):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITING:
            found.add(f"line {node.lineno}: .{node.func.attr}()")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.search(node.value):
            found.add(f"line {node.lineno}: {STATEMENT.search(node.value)[0]}")  # type: ignore[index]
    return found


def test_only_services_write_rows() -> None:
    writing = {name_of(path): found for path in modules("ratings", "personalize") if (found := writes(ast.parse(path.read_text())))}
    elsewhere = {name for name in writing if not has_name(BASE / f"{name.replace('.', '/')}.py", "services")}
    unknown = {name: writing[name] for name in elsewhere - SERVICES_BY_ANOTHER_NAME}
    assert unknown == {}
    assert elsewhere == SERVICES_BY_ANOTHER_NAME  # modules that no longer write rows are removed from the list
    assert writing.keys() - elsewhere  # fails if the search finds nothing at all


@pytest.mark.parametrize("path", [path for path in modules("ratings") if has_name(path, "selectors")], ids=name_of)
def test_selectors_only_read(path: Path) -> None:
    assert writes(ast.parse(path.read_text())) == set()


@pytest.mark.parametrize("path", [path for path in modules("ratings") if has_name(path, *EDGES)], ids=name_of)
def test_edges_query_and_write_through_selectors_and_services(path: Path) -> None:
    """Signatures may name models, but edges neither query nor change rows."""
    tree = ast.parse(path.read_text())
    assert writes(tree) == set()
    assert {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {"objects", "cursor"} == set()


def test_only_one_module_pushes_to_the_browser() -> None:
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
def test_writing_is_recognised_in_source_code(source: str, written: bool) -> None:
    assert bool(writes(ast.parse(source))) == written


def test_module_names_are_not_vague() -> None:
    assert {name_of(path) for path in modules(*PACKAGES, "tests", "benchmarks") if path.stem in VAGUE_NAMES} == set()


def test_no_module_is_longer_than_the_limit() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in modules(*PACKAGES, "tests", "benchmarks")}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_every_module_has_a_docstring() -> None:
    silent = {
        name_of(path)
        for path in modules(*PACKAGES, "tests", "benchmarks")
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text()))
    }
    assert silent == set()
