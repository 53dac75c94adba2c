"""YAML of strangers: plain data and the line of every field, within limits of size, depth and count; neither aliases nor tags."""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

MOST_BYTES = 1_000_000
MOST_DEPTH = 12
MOST_NODES = 100_000

Path = tuple[str | int, ...]
Data = object  # what YAML can say: dict, list, text, number, date, True or False, None


class BadYaml(ValueError):
    """The text is not YAML as PAV reads it; `line` counts from 1."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(f"line {line}: {sentence}")
        self.line, self.sentence = line, sentence


@dataclass(frozen=True)
class Yaml:
    """The data of a file, and the line of every field by its path."""

    data: Data
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """Line of a field, or of the nearest one around it."""
        return next((self.lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.lines), 1)


class _Scalars(SafeConstructor, Resolver):
    """What a scalar means: YAML's numbers, booleans, dates and null; everything else is text."""

    def __init__(self) -> None:
        SafeConstructor.__init__(self)
        Resolver.__init__(self)

    def read(self, event: yaml.ScalarEvent) -> Data:
        tag = self.resolve(yaml.ScalarNode, event.value, event.implicit)
        return self.construct_object(yaml.ScalarNode(tag, event.value))


def read(text: str) -> Yaml:
    """Read one document.

    Raises:
        BadYaml: it is too large or too deep, uses aliases or tags, names a key twice, or is not YAML.
    """
    if len(text.encode()) > MOST_BYTES:
        raise BadYaml(1, f"the file is larger than {MOST_BYTES // 1000:,} kB.")
    try:
        return _Reader(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadYaml(mark.line + 1 if mark else 1, f"this is not YAML: {error.problem or error.context}.") from None
    except yaml.YAMLError as error:
        raise BadYaml(1, f"this is not YAML: {str(error).splitlines()[0]}.") from None


class _Reader:
    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._scalars = _Scalars()
        self._count = 0
        self.lines: dict[Path, int] = {}

    def document(self) -> Yaml:
        for event in self._events:
            if isinstance(event, yaml.StreamEndEvent):
                raise BadYaml(1, "the file is empty.")
            if isinstance(event, yaml.DocumentStartEvent):
                break
        data = self._node(next(self._events), (), 0)
        next(self._events)  # the end of the document
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise BadYaml(_line(event), "there is a second document; a study is one.")
        return Yaml(data, self.lines)

    def _node(self, event: yaml.Event, path: Path, depth: int) -> Data:
        self._count += 1
        self.lines.setdefault(path, _line(event))
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise BadYaml(_line(event), "anchors (&) and aliases (*) are not allowed; write the value again.")
        if getattr(event, "tag", None) not in (None, "!"):
            raise BadYaml(_line(event), f"tags such as {event.tag} are not allowed.")  # type: ignore[attr-defined]
        if depth > MOST_DEPTH:
            raise BadYaml(_line(event), f"more than {MOST_DEPTH} levels inside each other.")
        if self._count > MOST_NODES:
            raise BadYaml(_line(event), f"more than {MOST_NODES:,} values.")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path, depth)
        return self._mapping(path, depth)

    def _scalar(self, event: yaml.ScalarEvent) -> Data:
        try:
            return self._scalars.read(event)
        except (ValueError, yaml.YAMLError) as error:
            raise BadYaml(_line(event), f"{event.value[:40]!r} cannot be read: {error}.") from None

    def _list(self, path: Path, depth: int) -> list[Data]:
        found: list[Data] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._node(event, (*path, len(found)), depth + 1))
        return found

    def _mapping(self, path: Path, depth: int) -> dict[str, Data]:
        found: dict[str, Data] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise BadYaml(_line(event), "a key must be one word.")
            key = event.value  # as written: `no` is Norwegian here, not False
            if key in found:
                raise BadYaml(_line(event), f"{key!r} is there twice.")
            self.lines[(*path, key)] = _line(event)
            found[key] = self._node(next(self._events), (*path, key), depth + 1)
        return found


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
