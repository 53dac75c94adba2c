"""Serializer of the cache: JSON, where Django would use pickle."""

import json


class JsonSerializer:
    """Values as JSON. Whole numbers stay plain, so that Redis can count with them."""

    def dumps(self, value: object) -> bytes | int:
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, stored: bytes) -> object:
        return json.loads(stored)
