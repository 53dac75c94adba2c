"""Program: runs steps in the installation of its environment, one after the other, since starting Django takes longer than most of them.

A line on standard input names a module of this package and the arguments of its `main`, as JSON. The answer is what `main` returned.
"""

import contextlib
import json
import os
import sys
import traceback
from importlib import import_module
from typing import TextIO

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")


def run(line: str) -> dict[str, object]:
    asked = json.loads(line)
    try:
        return {"returned": import_module(f"tests.browser.{asked['module']}").main(*asked["arguments"])}
    except Exception:
        return {"failed": traceback.format_exc()}


def serve(questions: TextIO, answers: TextIO) -> None:
    django.setup()
    for line in questions:
        with contextlib.redirect_stdout(sys.stderr):  # what a step prints is no answer
            answer = run(line)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
