"""A stand-in Zoom: its API for meetings, registrants and reports, rooms where people sit, and signed events.

It stands for the outside: it knows nothing of the portal and imports nothing of it. Formats are those of Zoom's public
description (the types in the npm package @zoom/rivet, https://developers.zoom.us/docs/api/), refused as strictly. One
JSON file is one account; the time is the real one plus what the demo's clock file says.
"""

from portal.sandbox.zoom.serve import Server, serve
from portal.sandbox.zoom.world import ACCOUNT, CLIENT, SECRET, World

__all__ = ["ACCOUNT", "CLIENT", "SECRET", "Server", "World", "serve"]
