"""Serializer of the cache: JSON, where Django would use pickle."""

import json
from typing import Any


class JsonSerializer:
    """Values as JSON. Whole numbers stay plain, so that Redis can count with them."""

    def dumps(self, value: Any) -> bytes | int:
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, stored: bytes) -> Any:
        return json.loads(stored)
