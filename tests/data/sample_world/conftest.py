"""One small world and one large enough for statistics, each drawn once."""

from __future__ import annotations

from pathlib import Path

import pytest

from within_wf.data.sample_world.world import World, make_world, simulate


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a world of 2,000 rows."""
    folder = tmp_path_factory.mktemp("world")
    simulate(2000, 42, folder)
    return folder


@pytest.fixture(scope="session")
def known() -> World:
    """What is known of a world of 100,000 rows before its days are drawn."""
    return make_world(100_000, 42)[0]
