"""A process that can reach nothing but its database: no connection, no look-up of a name, no other program.

By an audit hook (PEP 578), which nothing can take away again. What speaks to the database is libpq, which the hook does not
see; the only addresses it is given are those of the copy.
"""

import sys
from collections.abc import Collection
from typing import Any

SPEAKS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
STARTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"})
LOOKS_UP = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})


class Isolation:
    """What was tried all the same, a few words each."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    def begin(self, database_hosts: Collection[str]) -> None:
        """From now on, and for the life of the process. Only names of `database_hosts` may be looked up.

        Whatever else reaches out raises PermissionError, and is in `refused` even if that is swallowed.
        """

        def refuse(event: str, arguments: tuple[Any, ...]) -> None:
            if event not in SPEAKS | STARTS | LOOKS_UP or (event in LOOKS_UP and arguments[0] in database_hosts):
                return
            whereto = arguments[1] if event in SPEAKS else arguments[0]
            self.refused.append(f"{event} {whereto}")
            raise PermissionError(f"A rehearsal reaches nobody outside, and this was {event} {whereto}")

        sys.addaudithook(refuse)
