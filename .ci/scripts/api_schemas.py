"""The schemas of the API's OpenAPI document, without prose, as JSON on standard output. Needs neither a database nor Redis.

Prose is left out so that the types of the page change with the shapes alone.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")

import django

django.setup()

from django.test import Client  # noqa: E402


def without_prose(schema: Any) -> Any:
    """A schema without titles and descriptions. Names of properties are kept, also where one is called `title`."""
    if isinstance(schema, list):
        return [without_prose(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: without_prose(part) for name, part in value.items()} if key == "properties" else without_prose(value)
        for key, value in schema.items()
        if key not in {"title", "description"}
    }


def main() -> None:
    warnings.filterwarnings("ignore", "No directory at")  # collected static files, which a checkout does not have
    response = Client(headers={"host": "localhost"}).get("/api/v1/openapi.json")
    if response.status_code != 200:
        sys.exit(f"The API does not describe itself: {response.content.decode()}")
    document = response.json()
    schemas = {name: without_prose(schema) for name, schema in document["components"]["schemas"].items()}
    info = {"title": document["info"]["title"], "version": document["info"]["version"]}
    json.dump({"openapi": document["openapi"], "info": info, "paths": {}, "components": {"schemas": schemas}}, sys.stdout)


if __name__ == "__main__":
    main()
