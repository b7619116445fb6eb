"""Every probe of the raw-socket suite, against one proxy."""

import pytest

from raw import rows
from raw.probe import run
from raw.world import World

ROWS = rows.all_rows()
RESULTS = {}


@pytest.fixture(scope="module")
def world(scratch):
    world = World(scratch / "raw")
    yield world
    assert world.stop() == 0, "the proxy did not end well on SIGTERM"
    assert "panicked" not in world.proxy.log.read_text(errors="replace")


def test_there_are_as_many_probes_as_promised():
    assert len(ROWS) >= 400
    names = [(row.kind, row.name) for row in ROWS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("index", range(len(ROWS)), ids=[f"{row.kind}: {row.name}" for row in ROWS])
def test_probe(world, index):
    row = ROWS[index]
    faults = RESULTS[index] = run(world, row, f"t{index:05}")
    assert not faults, "\n".join(faults)
