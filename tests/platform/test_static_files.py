"""Static files are collected when one has changed, and not otherwise."""

import os
from pathlib import Path
from typing import Any

import pytest

from pav_site import static_files


def test_files_are_collected_again_when_one_has_changed(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, collected = tmp_path / "source", []
    (source / "page").mkdir(parents=True)
    (source / "page" / "base.css").write_text("a{}")
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [source], tmp_path / "collected"
    settings.STATIC_ROOT.mkdir()
    static_files.finders.get_finder.cache_clear()
    monkeypatch.setattr(static_files, "call_command", lambda name, **_options: collected.append(name))

    static_files.collect()
    static_files.collect()
    assert collected == ["collectstatic"]

    os.utime(source / "page" / "base.css", ns=(1, 1))
    static_files.collect()
    assert len(collected) == 2
    (source / "page" / "more.css").write_text("b{}")
    static_files.collect()
    assert len(collected) == 3
    static_files.finders.get_finder.cache_clear()
