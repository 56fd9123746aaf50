from datetime import UTC, datetime

import pytest

from callagent_cli.simulator.virtual_clock import VirtualClock
from callagent_cli.simulator.world import World
from tests.support.world_caller import WorldCaller


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 11, 23, 18, 0, tzinfo=UTC), patience_s=0.3)


@pytest.fixture
def world(clock: VirtualClock) -> World:
    return World(clock, seed=1)


@pytest.fixture
def caller(world: World) -> WorldCaller:
    return WorldCaller(world)
