"""What a browser says it is: for the list of sign-ins and the statistics of joins. Client hints before user agent."""

from device_detector import DeviceDetector
from flask import Request


def describe(request: Request) -> str:
    """Chromium on Linux; for people, not for decisions."""
    device = DeviceDetector(request.user_agent.string or "", skip_bot_detection=True).parse()
    browser, system = device.client_name() or "A browser", device.os_name() or "an unknown system"
    return f"{browser} on {system}"[:80]


def kind(request: Request) -> str:
    """desktop, mobile, tablet or unknown. iPads call themselves Macs; without hints that stays a desktop."""
    if request.headers.get("Sec-CH-UA-Mobile") == "?1":
        return "mobile"
    device = DeviceDetector(request.user_agent.string or "", skip_bot_detection=True).parse()
    if device.device_type() == "tablet":
        return "tablet"
    if device.is_mobile():
        return "mobile"
    return "desktop" if device.is_desktop() else "unknown"
