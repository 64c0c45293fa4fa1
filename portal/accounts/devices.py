"""What a browser says it is: for the list of sign-ins."""

from functools import lru_cache

from device_detector import DeviceDetector
from flask import Request

LONGEST = 400
"""Characters of what a browser says that are looked at; the patterns take far more time for more."""


def describe(request: Request) -> str:
    """Chromium on Linux; for people, not for decisions."""
    return _describe((request.user_agent.string or "")[:LONGEST])


@lru_cache(maxsize=1000)
def _describe(user_agent: str) -> str:
    # Without the makes and models of devices, which nobody reads here: the first of a kind takes two seconds of patterns.
    # The package's own cache breaks when both detections are skipped.
    detector = DeviceDetector(user_agent, skip_bot_detection=True, skip_device_detection=True, check_cache=False)
    device = detector.parse()
    browser, system = device.client_name() or "A browser", device.os_name() or "an unknown system"
    return f"{browser} on {system}"[:80]
