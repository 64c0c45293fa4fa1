"""The files browsers load: ours and htmx's, under names that change with their content, compressed once.

`build` runs at start-up; WhiteNoise then serves the folder before Flask is asked, for ever cacheable.
"""

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from flask import Flask
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor

from portal.config import ROOT, Settings
from portal.problems import Problem

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

NPM = ("var/npm/node_modules/htmx.org/dist", "node_modules/htmx.org/dist")
VENDOR = {"htmx.js": "htmx.min.js", "hx-sse.js": "ext/hx-sse.min.js"}


def build(target: Path) -> dict[str, str]:
    """Bring every file to `target`/files as name.hash.ext with .br and .gz beside it; returns the address of each name.

    Several processes may do it at once: a file appears whole or not at all, under a name that only fits its content.
    Older files stay, for pages that were served before a deploy. Raises `Problem`.
    """
    try:
        return _built(target)
    except OSError as error:
        raise Problem(f"ASSETS names {target}, which cannot be written to: {error.strerror}.") from error


def _built(target: Path) -> dict[str, str]:
    files = target / "files"
    files.mkdir(parents=True, exist_ok=True)
    manifest = {}
    for name, source in sorted(_sources().items()):
        content = source.read_bytes()
        stem, _, ending = name.rpartition(".")
        hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
        if not (files / hashed).exists():
            _put(content, files / hashed)
        manifest[name] = f"/static/{hashed}"
    with TemporaryDirectory(dir=target) as workshop:
        draft = Path(workshop) / "manifest.json"
        draft.write_text(json.dumps(manifest, indent=1))
        draft.replace(target / "manifest.json")
    return manifest


def _sources() -> dict[str, Path]:
    package = next((ROOT / place for place in NPM if (ROOT / place).is_dir()), None)
    if package is None:
        raise Problem("htmx is not installed; `make assets` (npm ci) brings it.")
    ours = {path.name: path for path in (ROOT / "static").iterdir() if path.is_file()}
    return ours | {name: package / path for name, path in VENDOR.items()}


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
