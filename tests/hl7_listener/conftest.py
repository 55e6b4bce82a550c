"""The listener is tested on the loop of its process."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The processes run on uvloop (`nightlight.processes.common`), whose transports are not asyncio's own."""
    return {"uvloop": uvloop.new_event_loop}
