"""The command import_photos: folders, links, refusals and samples."""

import os

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from ratings.models import Photo
from ratings.photos import importing
from ratings.photos.intake import NormalisedPhoto
from ratings.photos.refusals import PhotoRefused
from ratings.photos.services import About
from tests.photos import making

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    """Two photos, one of them in a nested folder, and two files that are not photos."""
    (tmp_path / "summer" / "day [1]").mkdir(parents=True)
    (tmp_path / "beach.jpg").write_bytes(making.encoded(making.scene(seed=1)))
    (tmp_path / "summer" / "day [1]" / "sea.heic").write_bytes(making.encoded(making.scene(seed=2), "HEIF"))
    (tmp_path / "summer" / "cat.jpg").write_bytes(b"MZ" + b"\0" * 100)
    (tmp_path / "notes.txt").write_text("a note")
    return tmp_path


def names() -> list[str]:
    return list(Photo.objects.order_by("id").values_list("name", flat=True))


def test_a_folder_is_imported_recursively_and_in_order(folder):
    call_command("import_photos", str(folder))

    assert names() == ["beach.jpg", "sea.heic"]


def test_the_import_continues_after_refusals_and_lists_them_with_reasons(folder, capsys):
    call_command("import_photos", str(folder))

    counts, *refused = capsys.readouterr().out.strip().splitlines()
    assert counts == "2 photos imported, 0 were there already, 2 refused."
    assert refused[0].strip().startswith("notes.txt: This is not a photo that can be read.")
    assert refused[1].strip().startswith("summer/cat.jpg: This is a program, not a photo")


def test_a_second_import_changes_nothing_and_succeeds(folder, capsys):
    call_command("import_photos", str(folder))
    before = list(Photo.objects.values())

    call_command("import_photos", str(folder))

    assert list(Photo.objects.values()) == before
    assert "0 photos imported, 2 were there already, 2 refused." in capsys.readouterr().out


def test_credit_and_licence_are_recorded_with_each_photo(folder):
    call_command("import_photos", str(folder), credit="Eve", licence="CC BY 4.0")

    assert set(Photo.objects.values_list("credit", "licence")) == {("Eve", "CC BY 4.0")}


def test_the_command_fails_when_no_photo_is_imported(tmp_path):
    (tmp_path / "notes.txt").write_text("a note")

    with pytest.raises(CommandError, match="No photo was imported"):
        call_command("import_photos", str(tmp_path))


@pytest.mark.parametrize(("arguments", "sentence"), [([], "Say what to import"), (["/there/is/none"], "There is no folder")])
def test_invalid_arguments_are_refused_before_the_import(arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("import_photos", *arguments)


def test_an_empty_folder_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="There are no files"):
        call_command("import_photos", str(tmp_path))


def test_circular_links_are_not_followed(folder):
    (folder / "summer" / "round").symlink_to(folder, target_is_directory=True)
    (folder / "summer" / "again").symlink_to(folder / "summer", target_is_directory=True)
    (folder / "dangling.jpg").symlink_to(folder / "gone.jpg")

    found = importing.files_in(folder)

    assert [path.name for path in found] == ["beach.jpg", "dangling.jpg", "notes.txt", "cat.jpg", "sea.heic"]


def test_a_link_to_a_folder_elsewhere_is_followed(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "hill.jpg").write_bytes(making.encoded(making.scene(seed=3)))
    (folder / "more").symlink_to(elsewhere, target_is_directory=True)

    assert elsewhere / "hill.jpg" in [path.resolve() for path in importing.files_in(folder)]


def test_hidden_files_are_not_imported(tmp_path):
    (tmp_path / ".thumbnails").mkdir()
    (tmp_path / ".thumbnails" / "a.jpg").write_bytes(b"x")
    (tmp_path / "._a.jpg").write_bytes(b"x")

    assert importing.files_in(tmp_path) == []


def test_pipes_and_dangling_links_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "lost.jpg").symlink_to(tmp_path / "nowhere.jpg")

    report = importing.import_all(importing.from_folder(tmp_path, About()))

    assert [(label, refusal.code) for label, refusal in report.refused] == [("lost.jpg", "unreadable"), ("pipe.jpg", "not_a_file")]


def test_a_file_over_the_size_limit_is_refused_unread(tmp_path):
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(40 * 1024**3)  # a sparse file: takes no space on the disk

    report = importing.import_all(importing.from_folder(tmp_path, About()))

    assert report.refused[0][1].code == "file_too_large"


def test_hostile_file_names_are_printed_safely(tmp_path, capsys):
    for name in (b"\x1b[31mred.txt", b"=SUM(1).txt", b"[bold]markup.txt", b"broken\xff.txt", "txt\u202egpj.exe".encode()):
        (tmp_path / os.fsdecode(name)).write_text("no photo")

    with pytest.raises(CommandError):
        call_command("import_photos", str(tmp_path))

    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "  SUM(1).txt: " in printed
    assert "  [bold]markup.txt: " in printed


def test_each_photo_is_stored_before_the_next_is_read(tmp_path):
    for seed in range(8):
        (tmp_path / f"{seed}.jpg").write_bytes(making.encoded(making.scene(seed=seed)))
    stored_at: list[int] = []

    importing.import_all(importing.from_folder(tmp_path, About()), done=lambda _candidate, _stored: stored_at.append(Photo.objects.count()))

    assert stored_at == list(range(1, 9))


def test_pillow_has_loaded_its_formats_before_threads_read(monkeypatch):
    monkeypatch.setattr(Image, "_initialized", 0)
    found: list[int] = []

    def read() -> NormalisedPhoto:
        found.append(Image._initialized)
        raise PhotoRefused("unreadable")

    importing.import_all([importing.Candidate("sea.jpg", About(), read)])

    assert found == [2]


def test_a_single_file_can_be_imported(folder):
    call_command("import_photos", str(folder / "beach.jpg"))

    assert names() == ["beach.jpg"]


def test_a_full_disk_ends_the_import_with_a_sentence_and_keeps_stored_photos(folder, monkeypatch):
    store = importing.files.store_files

    def store_files(photo):
        if photo.name != "beach.jpg":
            raise OSError(28, "No space left on device")
        store(photo)

    monkeypatch.setattr(importing.files, "store_files", store_files)

    with pytest.raises(CommandError, match="Photos cannot be stored: No space left on device"):
        call_command("import_photos", str(folder))

    assert names() == ["beach.jpg"]
