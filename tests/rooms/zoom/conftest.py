"""A Zoom to make rooms at."""

import pytest

from portal.rooms.zoom import Zoom
from tests.support.zoom import zoom_server, zoom_settings


@pytest.fixture
def server():
    """The stand-in, which tells its events when a test wants it."""
    with zoom_server() as running:
        yield running


@pytest.fixture
def world(server):
    """What the stand-in knows."""
    return server.world


@pytest.fixture
def zoom(server):
    """The club's side of it."""
    return Zoom(zoom_settings(server.url))
