"""Property tests are judged by what they find, never by how long they take; the listener runs on the loop of its process."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The processes run on uvloop (`nightlight.processes.common`), whose transports are not asyncio's own."""
    return {"uvloop": uvloop.new_event_loop}
