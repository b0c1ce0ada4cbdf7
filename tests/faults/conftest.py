"""Ground that shakes, where it can be had."""

from collections.abc import Iterator

import pytest

from tests.faults import ground


@pytest.fixture
def disk() -> Iterator[ground.Disk]:
    """A disk of 2 GB whose power can be cut."""
    _need()
    with ground.disk() as made:
        yield made


@pytest.fixture
def shaking() -> None:
    """For a test that makes its own `ground.disk(…)` or `ground.small(…)`."""
    _need()


def _need() -> None:
    if why := ground.lacking():
        pytest.skip(why)
