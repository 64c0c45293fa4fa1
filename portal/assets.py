"""The files browsers load: ours and htmx's, under names that change with their content, compressed once.

Styles and scripts are written by thing in static/css and static/js, and joined here into portal.css and portal.js.
`build` runs at start-up; WhiteNoise then serves the folder before Flask is asked, for ever cacheable.
"""

import hashlib
import json
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from flask import Flask
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor

from portal.config import ASSETS, INSTALLED, ROOT, Settings
from portal.problems import Problem

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

NPM = ("var/npm/node_modules/htmx.org/dist", "node_modules/htmx.org/dist")
VENDOR = {"htmx.js": "htmx.min.js", "hx-sse.js": "ext/hx-sse.min.js"}

STATIC = ROOT / "static"
LAYERS = {
    "tokens": ("tokens",),
    "base": ("base",),
    "components": (
        "text",
        "frame",
        "leaf",
        "band",
        "clocks",
        "strip",
        "buttons",
        "rsvp",
        "discs",
        "ticks",
        "figures",
        "rows",
        "roster",
        "past",
        "facts",
        "pages",
        "tables",
        "calendar",
        "forms",
        "messages",
        "landing",
        "timeline",
        "events",
        "statement",
        "mail",
        "print",
    ),
}
"""The files of static/css by cascade layer: a later layer wins, and in a layer the later of two equally strong rules."""

SCRIPTS = (
    "page",
    "time",
    "own-hour",
    "clock",
    "countdown",
    "every-minute",
    "tables",
    "turns",
    "zone-guess",
    "zone-search",
    "series",
    "sending",
    "focus",
    "viewer",
    "swaps",
    "live",
    "heartbeat",
    "answers",
    "print",
)
"""The files of static/js, each after those it imports from; they run in this order, once, at the end of the page."""

IMPORT = re.compile(r"^import \{[^}]*\} from \"\./[\w-]+\.js\";\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=function |const )", re.MULTILINE)


def build(target: Path) -> dict[str, str]:
    """Bring every file to `target`/files as name.hash.ext with .br and .gz beside it; returns the address of each name.

    Several processes may do it at once: a file appears whole or not at all, under a name that only fits its content.
    Older files stay, for pages that were served before a deploy. A wheel brings them built, and they are copied. Raises
    `Problem`.
    """
    try:
        return _copied(target) if INSTALLED else _built(target)
    except OSError as error:
        raise Problem(f"ASSETS names {target}, which cannot be written to: {error.strerror}.") from error


def _copied(target: Path) -> dict[str, str]:
    manifest: dict[str, str] = json.loads((ASSETS / "manifest.json").read_text())
    if target.resolve() == ASSETS.resolve():
        return manifest
    (target / "files").mkdir(parents=True, exist_ok=True)
    # From the end of the alphabet: the compressed forms are there before the plain one, which is looked for.
    for file in sorted((ASSETS / "files").iterdir(), reverse=True):
        if not (target / "files" / file.name).exists():
            with TemporaryDirectory(dir=target) as workshop:
                shutil.copyfile(file, Path(workshop) / file.name).replace(target / "files" / file.name)
    _list(manifest, target)
    return manifest


def _built(target: Path) -> dict[str, str]:
    files = target / "files"
    files.mkdir(parents=True, exist_ok=True)
    manifest = {}
    for name, content in sorted(_contents().items()):
        stem, _, ending = name.rpartition(".")
        hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
        if not (files / hashed).exists():
            _put(content, files / hashed)
        manifest[name] = f"/static/{hashed}"
    _list(manifest, target)
    return manifest


def _list(manifest: dict[str, str], target: Path) -> None:
    with TemporaryDirectory(dir=target) as workshop:
        draft = Path(workshop) / "manifest.json"
        draft.write_text(json.dumps(manifest, indent=1))
        draft.replace(target / "manifest.json")


def _contents() -> dict[str, bytes]:
    package = next((ROOT / place for place in NPM if (ROOT / place).is_dir()), None)
    if package is None:
        raise Problem("htmx is not installed; `make assets` (npm ci) brings it.")
    pictures = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.is_file()}
    vendors = {name: (package / path).read_bytes() for name, path in VENDOR.items()}
    return {"portal.css": styles().encode(), "portal.js": scripts().encode(), **pictures, **vendors}


def styles() -> str:
    """The stylesheet of every page: the files of each layer, in the order of `LAYERS`."""
    layers = [
        f"@layer {layer} {{\n{''.join((STATIC / 'css' / f'{name}.css').read_text() for name in names)}}}\n"
        for layer, names in LAYERS.items()
    ]
    return "".join([f"@layer {', '.join(LAYERS)};\n", *layers])


def scripts() -> str:
    """The script of every page: the modules in the order of `SCRIPTS`, in one scope of their own, so that their names, which
    are imported for editors and the linter, are simply there.
    """
    modules = "".join((STATIC / "js" / f"{name}.js").read_text() for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{EXPORT.sub("", IMPORT.sub("", modules))}}})();\n'


def _put(content: bytes, place: Path) -> None:
    """Write a file and its compressed forms; the plain one, which is looked for, comes last."""
    with TemporaryDirectory(dir=place.parent.parent) as workshop:
        made = Path(workshop) / place.name
        made.write_bytes(content)
        compress = Compressor(quiet=True)
        for squeezed in compress.compress(str(made)) if compress.should_compress(place.name) else ():
            Path(squeezed).replace(place.parent / Path(squeezed).name)
        made.replace(place)


def init_app(app: Flask) -> None:
    """Serve the built folder in front of `app`, and let templates ask for names; built here if nobody has."""
    settings: Settings = app.config["SETTINGS"]
    manifest = settings.assets / "manifest.json"
    urls: dict[str, str] = json.loads(manifest.read_text()) if manifest.exists() else build(settings.assets)
    app.jinja_env.globals["asset"] = urls.__getitem__
    app.wsgi_app = serve(app.wsgi_app, settings.assets / "files")  # type: ignore[method-assign, assignment]


def serve(application: "WSGIApplication", files: Path) -> "WSGIApplication":
    """WhiteNoise over `application`: immutable, compressed."""
    whitenoise: WSGIApplication = WhiteNoise(
        application, root=files, prefix="static/", immutable_file_test=lambda _path, _url: True, allow_all_origins=False
    )
    return whitenoise
