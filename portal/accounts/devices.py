"""What a browser says it is: for the list of sign-ins."""

from device_detector import DeviceDetector
from flask import Request

LONGEST = 400
"""Characters of what a browser says that are looked at; the patterns take far more time for more."""


def describe(request: Request) -> str:
    """Chromium on Linux; for people, not for decisions."""
    device = DeviceDetector((request.user_agent.string or "")[:LONGEST], skip_bot_detection=True).parse()
    browser, system = device.client_name() or "A browser", device.os_name() or "an unknown system"
    return f"{browser} on {system}"[:80]
