"""The worker: jobs, mail and schedule, until SIGTERM or Ctrl-C; what it was doing then is finished first."""

import importlib

import procrastinate
from flask import Flask

from portal import jobs
from portal.operations.start import begin

AT_ONCE = 4
"""Jobs at once, each in a thread with a connection of its own; the queue itself has as many more."""

ROOMS = ("mail", "accounts", "meetings", "attendance", "families", "billing", "operations")


def work(app: Flask, conninfo: str) -> None:
    """Work with `app` (made with the worker's login) on the queue behind `conninfo`."""
    begin(app)
    rooms = [*ROOMS, "sandbox"] if app.config["SETTINGS"].sandbox else ROOMS
    for room in rooms:
        importlib.import_module(f"portal.{room}.jobs")
    jobs.serve(app)
    connector = procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1, max_size=AT_ONCE)
    with jobs.queue.replace_connector(connector) as queue:
        # Who waited for another of the same customer is noticed by looking, not by being told.
        queue.run_worker(
            concurrency=AT_ONCE, fetch_job_polling_interval=1, shutdown_graceful_timeout=8, install_signal_handlers=True
        )
