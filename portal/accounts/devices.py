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
    # Not its is_mobile(): that says yes to whatever it does not know.
    device = DeviceDetector(request.user_agent.string or "", skip_bot_detection=True).parse().device_type()
    if device in ("smartphone", "phablet", "feature phone"):
        return "mobile"
    return str(device) if device in ("desktop", "tablet") else "unknown"
