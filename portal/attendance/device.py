"""The kind of device somebody joined with, for statistics: by client hints, else by the user agent."""

from device_detector import DeviceDetector
from flask import Request

from portal.accounts.devices import LONGEST


def kind(request: Request) -> str:
    """desktop, mobile, tablet or unknown.

    An iPad calls itself a Mac, and sends no hints. Our script says how many fingers the screen takes (`touches`), which
    a Mac's takes none of; without it a Mac without hints is unknown.
    """
    if request.headers.get("Sec-CH-UA-Mobile") == "?1":
        return "mobile"
    agent = (request.user_agent.string or "")[:LONGEST]
    if "Macintosh" in agent and "Sec-CH-UA-Mobile" not in request.headers:
        touches = request.form.get("touches", "")
        return "desktop" if touches == "0" else "tablet" if touches.isdecimal() else "unknown"
    # Not its is_mobile(): that says yes to whatever it does not know.
    device = DeviceDetector(agent, skip_bot_detection=True).parse().device_type()
    if device in ("smartphone", "phablet", "feature phone"):
        return "mobile"
    return str(device) if device in ("desktop", "tablet") else "unknown"
