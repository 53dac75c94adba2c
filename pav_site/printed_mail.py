"""Mail of the demo: written into a folder by the web server, printed by the launcher."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

END = b"-" * 79  # Django's file backend writes this line after each message


class PrintedMail:
    """Messages in a folder; each is given once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read = {path: path.stat().st_size for path in self._files()}

    def new(self) -> Iterator[str]:
        """The messages since the last call, as text. One that is being written comes with the next call."""
        for path in self._files():
            known, content = self._read.get(path, 0), path.read_bytes()
            whole = content.rfind(END, known) + len(END)
            if END not in content[known:]:
                continue
            self._read[path] = whole
            for part in content[known:whole].split(END):
                if part.strip():
                    yield _text(message_from_bytes(part.lstrip(), _class=EmailMessage, policy=policy.default))

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.log"))


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return f"Mail to {message['to']}: {message['subject']}\n{body.get_content().strip() if body else ''}\n"
