"""What the engine writes: not when there is no room, and not believed when it failed.

chDB 26.9 counts a write to a file that failed, and goes on as if it had succeeded: on a full disk an insert or a merge
ends well and leaves empty files. So that count is asked for after whatever may have written, before anybody is
answered, and now and then for the sake of merges; once it is not 0 the process must end. The next start sets aside what
is broken, and takes back what it was merged from.
"""

import os
import re
import sys
from pathlib import Path
from typing import NoReturn

from deploy.room import hinders

FAILED = "SELECT value FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'"
NOT_WRITTEN = 74  # exit code
NO_ROOM = 243  # ClickHouse's code NOT_ENOUGH_SPACE

# Our own statements begin with a comment.
_READS = re.compile(
    rb"(?:\s|--[^\n]*\n)*+(?:SELECT|SHOW|EXISTS|DESC|EXPLAIN|WITH(?!.*\bINSERT\b))\b", re.IGNORECASE | re.DOTALL
)
_GROWS = re.compile(rb"\s*(?:INSERT|CREATE|ALTER(?!.*\bDROP\s+(?:PARTITION|PART)\b))\b", re.IGNORECASE | re.DOTALL)


class WriteFailed(Exception):
    """The engine could not write a file and may have said otherwise: end the process."""


def may_write(head: bytes) -> bool:
    """Whether a statement that begins so may have written a table."""
    return not _READS.match(head)


def no_room(head: bytes, data: Path, reserve: int) -> str:
    """Why a statement that begins so is not run: what it would write has no room. "" if it is."""
    if _GROWS.match(head) and (lacking := hinders(data, reserve)):
        return f"Code: {NO_ROOM}. DB::Exception: Not enough room to write: {lacking}. (NOT_ENOUGH_SPACE)"
    return ""


def end_unwritten() -> NoReturn:
    """End at once, answering nobody: what the engine says it has written may be empty files."""
    sys.stderr.write("clickhouse: a file could not be written (is the disk full?), so nothing of it is believed\n")
    os._exit(NOT_WRITTEN)
