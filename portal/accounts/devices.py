"""What a browser says it is: for the list of sign-ins."""

from device_detector import DeviceDetector
from flask import Request


def describe(request: Request) -> str:
    """Chromium on Linux; for people, not for decisions."""
    device = DeviceDetector(request.user_agent.string or "", skip_bot_detection=True).parse()
    browser, system = device.client_name() or "A browser", device.os_name() or "an unknown system"
    return f"{browser} on {system}"[:80]
