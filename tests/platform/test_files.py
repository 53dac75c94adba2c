"""Files in the repository: line endings, sizes and the CI workflow."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from pav_site.environment import BASE

EXCLUDED = {".git", ".venv", "var", "shared", "staticfiles"}
TEXTS = {".py", ".md", ".js", ".css", ".html", ".toml", ".txt", ".yml", ".yaml", ".json", ".svg", ".webmanifest", ".po", ""}
LARGEST = 1_000_000  # bytes
LARGE = {
    f"personalize/bank/efficientnet_lite0.{part}"
    for part in ("safetensors", "taste.safetensors", "merged.onnx", "lite0.onnx", "lite2.onnx")
}  # the files of the bank


def files() -> Iterator[Path]:
    """The files of the project, without caches and installed packages."""
    for folder, folders, names in os.walk(BASE):
        here = Path(folder)
        ignored = EXCLUDED if here == BASE else set()
        folders[:] = [
            name
            for name in folders
            if name not in ignored | {"__pycache__", "node_modules"} and not re.fullmatch(r"\..*(cache|hypothesis)", name)
        ]
        yield from (here / name for name in names if not name.startswith(".coverage") and name != ".git")


def test_texts_end_with_one_newline() -> None:
    """Files stored for tests are excluded, since they must not change."""
    wrong = set()
    for path in files():
        if (
            path.suffix in TEXTS
            and "stored" not in path.parts
            and (data := path.read_bytes())
            and (not data.endswith(b"\n") or data.endswith(b"\n\n"))
        ):
            wrong.add(str(path.relative_to(BASE)))
    assert wrong == set()


def test_only_the_files_of_the_bank_are_large() -> None:
    assert {str(path.relative_to(BASE)) for path in files() if path.stat().st_size > LARGEST} == LARGE
    hooks = (BASE / ".pre-commit-config.yaml").read_text()
    assert f"--maxkb={LARGEST // 1000}" in hooks
    (exception,) = re.findall(r"exclude: (\^\S+)", hooks)
    assert all(re.search(exception, name) for name in LARGE)


def test_files_of_others_are_as_they_were_published() -> None:
    listed = dict(
        re.findall(r"^\| `([^`]+)` .* ([0-9a-f]{64}) \|$", (BASE / "static" / "vendor" / "README.md").read_text(), flags=re.MULTILINE)
    )
    found = {path.relative_to(BASE / "static" / "vendor").as_posix(): path for path in (BASE / "static" / "vendor").rglob("*.js")}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()} == listed
    assert all((path.parent / "LICENSE").exists() for path in found.values())


def test_the_ci_workflow_runs_the_local_checks_and_uses_only_official_actions() -> None:
    (workflow,) = (BASE / ".github" / "workflows").iterdir()
    text = workflow.read_text()
    assert "run: bash .ci/run" in text
    assert {action.split("@")[0] for action in re.findall(r"uses: (\S+)", text)} == {"actions/checkout", "actions/setup-python"}
    assert "secrets." not in text
    assert "contents: read" in text
    assert os.access(BASE / ".ci" / "run", os.X_OK)
