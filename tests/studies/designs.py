"""Designs for tests: a small study as data, changed by path, written as YAML."""

import copy
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import yaml

BASE: dict[str, Any] = {
    "pav_study": 1,
    "slug": "sunsets",
    "title": "Sunsets",
    "languages": ["en"],
    "contact": "dora@example.org",
    "seed": 7,
    "scale": {"kind": "likert", "points": 5, "labels": {1: "ugly", 5: "beautiful"}, "question": "How beautiful is it?"},
    "consent": {"text": "We study sunsets.", "minimum_age": 18, "withdraw_until": date.today() + timedelta(days=30)},
    "instructions": {"text": "Trust your eyes."},
    "trials": {"blocks": [{"name": "first"}, {"name": "second", "again": "first"}]},
    "participants": {"places": 20},
    "primary_statistic": "icc_ak",
}


def hashes(count: int) -> list[str]:
    return [f"{number:064x}" for number in range(1, count + 1)]


def design(photos: Sequence[str], categories: Sequence[str] = (), **changes: Any) -> dict[str, Any]:
    """A study of these photos. `trials__repeats={...}` sets a field of a group."""
    data = copy.deepcopy(BASE)
    data["photos"] = [{"sha256": sha256} for sha256 in photos]
    for row, category in zip(data["photos"], categories, strict=False):
        row["category"] = category
    for name, value in changes.items():
        *groups, key = name.split("__")
        inner = data
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[key] = value
    return data


def written(data: dict[str, Any]) -> str:
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, _data: Any) -> bool:
            return True

    return yaml.dump(data, Dumper=Plain, sort_keys=False, allow_unicode=True)
