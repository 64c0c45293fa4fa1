"""Makes `discovery.json`: `python -m portal.sandbox.meet.extract FOLDER`.

FOLDER holds `calendar.v3.json` and `meet.v2.json` as the PyPI package google-api-python-client carries them
(googleapiclient/discovery_cache/documents; Copyright Google LLC, Apache License 2.0). Of them the methods the stand-in serves
are kept, with the schemas they use, without descriptions.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from portal.sandbox.meet.discovery import FILE
from portal.sandbox.meet.problems import Json

SERVED = {
    "calendar.v3.json": ("events.delete", "events.get", "events.insert", "events.list", "events.patch"),
    "meet.v2.json": (
        "spaces.create",
        "spaces.endActiveConference",
        "spaces.get",
        "spaces.patch",
        "conferenceRecords.list",
        "conferenceRecords.participants.list",
        "conferenceRecords.participants.participantSessions.list",
        "conferenceRecords.recordings.list",
    ),
}
KEPT = ("type", "$ref", "enum", "format", "readOnly", "maximum", "pattern", "location", "required")


def extract(folder: Path) -> Json:
    """Methods by id, schemas by name, and each document's revision."""
    revisions: Json = {}
    methods: Json = {}
    schemas: Json = {}
    for name, served in SERVED.items():
        document = json.loads((folder / name).read_text())
        revisions[name] = document["revision"]
        for path in served:
            method = _method(document, path)
            methods[method["id"]] = {
                "httpMethod": method["httpMethod"],
                "path": document["servicePath"] + method["path"],
                "parameters": {key: _lean(value) for key, value in method["parameters"].items()},
                "scopes": method["scopes"],
                **{way: method[way]["$ref"] for way in ("request", "response") if way in method},
            }
            _gather(document["schemas"], [method.get("request"), method.get("response")], schemas)
    return {"revisions": revisions, "methods": methods, "schemas": schemas}


def _method(document: Json, path: str) -> Json:
    *resources, name = path.split(".")
    for resource in resources:
        document = document["resources"][resource]
    method: Json = document["methods"][name]
    return method


def _gather(schemas: Json, part: object, gathered: Json) -> None:
    for name in _references(part):
        if name not in gathered:
            gathered[name] = _lean(schemas[name])
            _gather(schemas, schemas[name], gathered)


def _references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for value in part:
            yield from _references(value)


def _lean(part: Json) -> Json:
    kept: Json = {key: part[key] for key in KEPT if key in part}
    for key in ("items", "additionalProperties"):
        if key in part:
            kept[key] = _lean(part[key])
    if "properties" in part:
        kept["properties"] = {name: _lean(value) for name, value in part["properties"].items()}
    return kept


def written(extracted: dict[str, Json]) -> str:
    """The extract as the file has it: a method or schema a line."""
    sections = (
        f'"{section}": {{\n' + ",\n".join(f'"{name}": {json.dumps(value)}' for name, value in part.items()) + "\n}"
        for section, part in extracted.items()
    )
    return "{" + ",\n".join(sections) + "}\n"


if __name__ == "__main__":
    FILE.write_text(written(extract(Path(sys.argv[1]))))
