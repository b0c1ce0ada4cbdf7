"""Code that is given back: it leaves memory, and works as before."""

import re
import sys
from pathlib import Path

import pytest
from msgspec import _core, json

from deploy.local.resident import give_back

LIBRARY = str(Path(str(_core.__file__)).resolve())


def resident() -> int:
    """KiB of the library's code."""
    mappings = re.findall(rf"^\S+ r-xp .*{re.escape(LIBRARY)}\n(?:\w+:.*\n)*?Rss: +(\d+)", smaps(), re.MULTILINE)
    return sum(map(int, mappings))


def smaps() -> str:
    return Path("/proc/self/smaps").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is given back")
def test_code_that_is_given_back_comes_again() -> None:
    value = [{"a": [1, 2.5, None, "é"]}]
    assert json.decode(json.encode(value)) == value
    before = resident()
    give_back(Path(LIBRARY).name)
    assert resident() < before
    assert json.decode(json.encode(value)) == value
