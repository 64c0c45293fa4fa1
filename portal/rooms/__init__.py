"""Where a meeting takes place: its room at a platform, the address of it, and who the platform saw inside.

A `Platform` (`platform.py`) is one way to have rooms: `link`, an address somebody typed; `zoom`; `google-meet`. The
worker alone speaks to them. A room's address is sealed (`sealing.py`) and given to nobody but who may enter now.
"""
