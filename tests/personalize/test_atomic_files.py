"""Files that are on the disk whole or not at all."""

import pytest

from personalize.files import atomic_files


def test_a_file_gets_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "numbers.npz"
    with atomic_files.replacing(path) as partial:
        assert partial.parent == path.parent
        assert partial.suffix == ".npz"
        partial.write_text("one")
        assert not path.exists()
    assert [(file.name, file.read_text()) for file in path.parent.iterdir()] == [("numbers.npz", "one")]


def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path):
    path = tmp_path / "result.json"
    atomic_files.write_text(path, "old")

    def stopped_in_the_middle():
        with atomic_files.replacing(path) as partial:
            partial.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_in_the_middle()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("result.json", "old")]


def test_two_who_write_the_same_file_do_not_meet(tmp_path):
    path = tmp_path / "result.json"
    with atomic_files.replacing(path) as one, atomic_files.replacing(path) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"  # the outer block ends last
    assert len(list(tmp_path.iterdir())) == 1
