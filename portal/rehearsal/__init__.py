"""A month ahead, tried on a copy: last night's backup, stand-ins for Stripe, rooms and mail, and the club's clock run forward.

`rehearse` restores the backup into a database of its own and starts a process for it (`__main__`) whose environment is made
from nothing. That process runs the month (`month`), and what happens in it becomes a report (`report`).
"""
