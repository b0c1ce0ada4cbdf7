"""Laws are checked for truth, not for speed; and where they are drawn."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from ingest.limit import Rate
from tests.ingest.fake import Stand

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="module")
def shared_stand() -> Iterator[Stand]:
    """For all draws of a law, without a limit."""
    with Stand(address_rate=Rate(0, 0)) as stand:
        yield stand
