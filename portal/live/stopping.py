"""Being told in time that the process is to stop."""

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any


def before_stopping(act: Callable[[], None]) -> None:
    """Act when the server is asked to stop, before it begins to wait for open responses.

    granian ends the lifespan only after the last response: without this, an open stream would keep it.
    """
    loop = asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        usual = signal.getsignal(number)

        def act_first(number: int, frame: Any, usual: Any = usual) -> None:
            loop.call_soon_threadsafe(act)
            usual(number, frame)

        if callable(usual):
            signal.signal(number, act_first)
