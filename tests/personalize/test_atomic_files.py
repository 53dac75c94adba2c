"""Atomic file writes."""

import pytest

from personalize.files import atomic_files


def test_a_file_gets_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "numbers.npz"
    with atomic_files.replacing(path) as partial:
        assert partial.parent == path.parent
        assert partial.suffix == ".npz"
        partial.write_text("one")
        assert not path.exists()
    assert [(file.name, file.read_text()) for file in path.parent.iterdir()] == [("numbers.npz", "one")]


def test_an_error_keeps_the_old_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "result.json"
    atomic_files.write_text(path, "old")

    def write_and_stop():
        with atomic_files.replacing(path) as partial:
            partial.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_stop()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("result.json", "old")]


def test_concurrent_writers_of_a_file_use_separate_partial_files(tmp_path):
    path = tmp_path / "result.json"
    with atomic_files.replacing(path) as one, atomic_files.replacing(path) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"  # the outer block ends last
    assert len(list(tmp_path.iterdir())) == 1
