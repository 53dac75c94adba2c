"""Modules that need no torch do not import it: the workers for instant fits and most of research run without torch."""

import ast
import subprocess
import sys
from pathlib import Path

import personalize

ROOT = Path(personalize.__file__).parent
PHRASES = ("NumPy alone", "scikit-learn alone", "eeds no torch")
WHOLE = ("numerics", "agreement")
CHECK = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    if "torch" in sys.modules:
        sys.exit(f"{name} loads torch")
"""


def module(path: Path) -> str:
    return ".".join(("personalize", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


def torch_free_modules() -> list[str]:
    """Every module whose docstring says that it needs no torch, and all modules of numerics and agreement."""
    docstrings = {path: ast.get_docstring(ast.parse(path.read_text())) or "" for path in ROOT.rglob("*.py")}
    declared = {path for path, text in docstrings.items() if any(words in text for words in PHRASES)}
    return sorted(map(module, declared | {path for folder in WHOLE for path in (ROOT / folder).glob("*.py")}))


def import_and_check(*names: str) -> str:
    """The error output of a new interpreter that imports the modules in order until one loads torch."""
    return subprocess.run([sys.executable, "-c", CHECK, *names], cwd=ROOT.parent, capture_output=True, text=True).stderr


def test_torch_free_modules_do_not_load_torch():
    assert len(torch_free_modules()) > 15
    assert import_and_check(*torch_free_modules()) == ""


def test_the_check_detects_a_module_that_loads_torch():
    assert import_and_check("personalize.numerics.taste", "personalize.files.images").strip() == "personalize.files.images loads torch"


def test_the_import_contract_lists_every_torch_free_module():
    contracts = (ROOT.parent / "pyproject.toml").read_text().split("[[tool.importlinter.contracts]]")
    (contract,) = (one for one in contracts if "needs no torch" in one)
    outside = [name for name in torch_free_modules() if not name.startswith(tuple(f"personalize.{folder}" for folder in WHOLE))]
    assert [name for name in outside if f'"{name}"' not in contract] == []
