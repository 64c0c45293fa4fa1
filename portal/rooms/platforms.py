"""Which platforms this club has credentials for."""

from portal.config import Settings
from portal.rooms.platform import Platform


def platforms(settings: Settings) -> dict[str, Platform]:
    """The platforms the portal can speak to, by name."""
    raise NotImplementedError


def platform_of(settings: Settings, name: str) -> Platform | None:
    """The platform of that name; None without credentials for it."""
    return platforms(settings).get(name)
