"""Which platforms rooms are made at: those with credentials, each through its adapter. Only the worker asks them."""

from collections.abc import Mapping

from flask import current_app

from portal.config import Settings
from portal.rooms.platform import Platform

NAMES = {"zoom": "Zoom", "google-meet": "Google Meet"}


def platforms() -> Mapping[str, Platform]:
    """The adapter of every platform with credentials, by its name in `meetings.platform`.

    One of each for the life of the app, since an adapter keeps its access token.
    """
    known: Mapping[str, Platform] | None = current_app.extensions.get("platforms")
    if known is None:
        known = current_app.extensions["platforms"] = connected(current_app.config["SETTINGS"])
    return known


def connected(settings: Settings) -> dict[str, Platform]:
    """An adapter for each platform `settings` has credentials of."""
    made: dict[str, Platform] = {}
    # Not imported without need: they bring the libraries that speak to the platforms.
    if settings.has_zoom:
        from portal.rooms.zoom import Zoom

        made["zoom"] = Zoom(settings)
    if settings.has_google:
        from portal.rooms.google_meet import GoogleMeet

        made["google-meet"] = GoogleMeet(settings)
    return made


def makes_rooms(settings: Settings, platform: str) -> bool:
    """Whether rooms at this platform are made by the worker; else a link is typed."""
    return {"zoom": settings.has_zoom, "google-meet": settings.has_google}.get(platform, False)


Checked = list[tuple[str, list[str]]]


def check(settings: Settings) -> Checked:
    """For each platform with credentials what keeps it from working, a sentence each; none: it works. Asks the platforms."""
    return [(NAMES[name], platform.missing()) for name, platform in connected(settings).items()]


def in_words(results: Checked) -> list[str]:
    """What `check` found, a sentence each; and what a club without any platform does."""
    if not results:
        return [
            "The portal is connected to neither Zoom nor Google Meet. Type the link of each meeting or series; Join leads there."
        ]
    return [
        line
        for name, missing in results
        for line in (
            [f"{name}: {sentence}" for sentence in missing]
            or [f"{name}: everything is there; rooms are made by themselves."]
        )
    ]
