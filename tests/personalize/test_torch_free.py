"""Modules that say that they need no torch load none: web-side workers and most of research run without it."""

import ast
import subprocess
import sys
from pathlib import Path

import personalize

ROOT = Path(personalize.__file__).parent
PROMISES = ("NumPy alone", "scikit-learn alone", "eeds no torch")
LOOK = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    if "torch" in sys.modules:
        sys.exit(f"{name} loads torch")
"""


def module(path: Path) -> str:
    return ".".join(("personalize", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


def promising() -> list[str]:
    """Every module whose docstring promises it, and all of the numerics, whose package does."""
    docstrings = {path: ast.get_docstring(ast.parse(path.read_text())) or "" for path in ROOT.rglob("*.py")}
    said = {path for path, text in docstrings.items() if any(words in text for words in PROMISES)}
    return sorted(map(module, said | set((ROOT / "numerics").glob("*.py"))))


def look(*names: str) -> str:
    """What a fresh interpreter says that imports these modules one after the other, until one has loaded torch."""
    return subprocess.run([sys.executable, "-c", LOOK, *names], cwd=ROOT.parent, capture_output=True, text=True).stderr


def test_what_says_that_it_needs_no_torch_loads_none():
    assert len(promising()) > 15
    assert look(*promising()) == ""


def test_the_look_itself_sees_torch():
    assert look("personalize.numerics.taste", "personalize.files.images").strip() == "personalize.files.images loads torch"


def test_the_contract_names_every_module_that_promises_it():
    contracts = (ROOT.parent / "pyproject.toml").read_text().split("[[tool.importlinter.contracts]]")
    (contract,) = (one for one in contracts if "needs no torch" in one)
    outside = [name for name in promising() if not name.startswith("personalize.numerics")]
    assert [name for name in outside if f'"{name}"' not in contract] == []
