"""A stand-in Google: Calendar, Meet, a token endpoint, and a room where somebody sits.

It imports nothing of the portal and speaks the wire formats of Calendar v3 and Meet v2. One SQLite file is one Workspace
organisation; the time is the real one plus what the demo's clock file says. Nothing is transmitted: who is inside has opened a
page and not left it.
"""

from portal.sandbox.meet.serve import Server, serve
from portal.sandbox.meet.world import Account, Meet, account

__all__ = ["Account", "Meet", "Server", "account", "serve"]
