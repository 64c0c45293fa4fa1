"""The demo's outside world: a mailbox that shows every mail, a room to sit in, a club that lives.

Everything here acts through the rooms' own actions. A real server (SANDBOX off) does not open this room.
"""
