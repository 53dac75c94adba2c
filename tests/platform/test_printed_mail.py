"""Mail that the demo prints: each message once, whole, in any language."""

from pathlib import Path

from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend

from pav_site.printed_mail import PrintedMail


def send(folder: Path, subject: str, body: str) -> None:
    EmailBackend(file_path=str(folder)).send_messages([EmailMessage(subject, body, "pav@localhost", ["alice@example.org"])])


def test_each_message_is_printed_once(tmp_path: Path) -> None:
    send(tmp_path, "before the start", "old")
    mail = PrintedMail(tmp_path)
    assert list(mail.new()) == []
    send(tmp_path, "Your code", "ABCD-EFGH")
    send(tmp_path, "サインインコード", "コードは ABCD です。\n")
    assert sorted(mail.new()) == [  # messages of one second come in any order
        "Mail to alice@example.org: Your code\nABCD-EFGH\n",
        "Mail to alice@example.org: サインインコード\nコードは ABCD です。\n",
    ]
    assert list(mail.new()) == []


def test_a_message_that_is_being_written_is_printed_when_it_is_whole(tmp_path: Path) -> None:
    mail, path = PrintedMail(tmp_path), tmp_path / "1.log"
    path.write_bytes(b"Subject: Half\nTo: alice@example.org\n\nfirst")
    assert list(mail.new()) == []
    path.write_bytes(b"Subject: Half\nTo: alice@example.org\n\nfirst and second\n" + b"-" * 79 + b"\n")
    assert list(mail.new()) == ["Mail to alice@example.org: Half\nfirst and second\n"]


def test_without_a_folder_there_is_no_mail(tmp_path: Path) -> None:
    assert list(PrintedMail(tmp_path / "missing").new()) == []
