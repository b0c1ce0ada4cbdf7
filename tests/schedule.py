"""How processes that run tests side by side share them: a file is one's, and what takes long begins first.

Whatever a file's tests share — a stack, a broker of their own — is so started once.
"""

from typing import Any
from zlib import crc32

import pytest
from xdist.scheduler import LoadFileScheduling

# Each of these has a stack, a browser or filled stores for all its files: so many processes start them.
TOGETHER = {"tests/browser": 2, "tests/api/answer": 1}
FIRST = ("tests/faults", "tests/browser", "tests/deploy", "tests/upgrade", "tests/clients", "tests/workers")


class ByFile(LoadFileScheduling):
    """Hands out the files in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)


def share(nodeid: str) -> str:
    """What one process runs as a whole."""
    file = nodeid.partition("::")[0]
    folder = file.rpartition("/")[0]
    return f"{folder} {crc32(file.encode()) % TOGETHER[folder]}" if folder in TOGETHER else file


def rank(nodeid: str) -> int:
    """Low: begins early, for the end of a run waits for whoever began last."""
    return next((at for at, folder in enumerate(FIRST) if nodeid.startswith(f"{folder}/")), len(FIRST))
