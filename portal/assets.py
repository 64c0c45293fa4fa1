"""The files browsers load: ours and htmx's, under names that change with their content, compressed once.

`build` runs at start-up; WhiteNoise then serves the folder before Flask is asked, for ever cacheable.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor

from portal.config import ROOT, Settings
from portal.problems import Problem
from portal.web import HEADERS

if TYPE_CHECKING:
    from wsgiref.headers import Headers
    from wsgiref.types import WSGIApplication

NPM = ("var/npm/node_modules/htmx.org/dist", "node_modules/htmx.org/dist")
VENDOR = {"htmx.js": "htmx.min.js", "hx-sse.js": "ext/hx-sse.min.js"}


def build(target: Path) -> None:
    """Copy every file to `target` as name.hash.ext with .br and .gz beside it, and write the manifest."""
    package = next((ROOT / place for place in NPM if (ROOT / place).is_dir()), None)
    if package is None:
        raise Problem("htmx is not installed; `make assets` (npm ci) brings it.")
    sources = {path.name: path for path in (ROOT / "static").iterdir() if path.is_file()}
    sources |= {name: package / path for name, path in VENDOR.items()}
    shutil.rmtree(target, ignore_errors=True)
    files = target / "files"
    files.mkdir(parents=True)
    manifest = {}
    compress = Compressor(quiet=True)
    for name, source in sorted(sources.items()):
        content = source.read_bytes()
        stem, _, ending = name.rpartition(".")
        hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
        (files / hashed).write_bytes(content)
        if compress.should_compress(hashed):
            list(compress.compress(str(files / hashed)))
        manifest[name] = f"/static/{hashed}"
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1))


def init_app(app: Flask) -> None:
    """Serve the built folder in front of `app`, and let templates ask for names."""
    settings: Settings = app.config["SETTINGS"]
    manifest = settings.assets / "manifest.json"
    if not manifest.exists():
        build(settings.assets)
    urls: dict[str, str] = json.loads(manifest.read_text())
    app.jinja_env.globals["asset"] = urls.__getitem__
    app.wsgi_app = serve(app.wsgi_app, settings.assets / "files")  # type: ignore[method-assign, assignment]


def serve(application: "WSGIApplication", files: Path) -> "WSGIApplication":
    """WhiteNoise over `application`: immutable, compressed, sealed like every other answer."""

    def seal(headers: "Headers", _path: str, _url: str) -> None:
        for name, value in HEADERS.items():
            headers[name] = value

    whitenoise: WSGIApplication = WhiteNoise(
        application, root=files, prefix="static/", immutable_file_test=lambda _path, _url: True,
        allow_all_origins=False, add_headers_function=seal,
    )  # fmt: skip
    return whitenoise
