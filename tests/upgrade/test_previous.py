"""This build on the data folder of an earlier one: everything that was answered is answered as it was."""

import json
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import zstandard

from rollups.client import connect
from rollups.version import plan
from tests.deploy.stack import Stack
from tests.deploy.test_backup import answers, event, post
from tests.upgrade.make import ANSWERS, KEPT

pytestmark = pytest.mark.services


def known(before: Any, now: Any) -> Any:
    """Of what is answered now, what was there before: an object may have got more fields."""
    if isinstance(before, dict) and isinstance(now, dict):
        return {name: known(value, now[name]) for name, value in before.items() if name in now}
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [known(one, other) for one, other in zip(before, now, strict=True)]
    return now


def test_the_folder_of_an_earlier_build_answers_as_before(tmp_path: Path) -> None:
    packed = zstandard.ZstdDecompressor().stream_reader(KEPT.read_bytes()).read()
    with tarfile.open(fileobj=BytesIO(packed)) as tar:
        tar.extractall(tmp_path, filter="tar")
    kept = json.loads((tmp_path / ANSWERS).read_text())
    one, two = kept["sites"]
    with Stack(tmp_path / "data") as stack:
        # What was accepted last, and perhaps not counted when it stopped.
        stack.wait_for(f"/api/sites/{two['id']}/ledger?{kept['span']}", lambda answer: answer["received"] == 70)
        found = answers(stack, kept["key"], [one], kept["span"])
        for path, before in kept["answers"].items():
            if path == f"/api/sites/{one['id']}":
                before.pop("settings")  # of which there are more
            now = json.loads(found[path])
            assert known(before, now) == before, path
        assert "no difference" in stack.command("verify")
        address = stack.describes()["clickhouse"]
        assert plan(address) == []
        assert "nothing to do" in stack.command("upgrade", "--check")
        post(stack, [event(two, 70)])
        stack.wait_for(f"/api/sites/{two['id']}/ledger", lambda answer: answer["received"] >= 1)

        # And the other way round: a database of a newer build is left alone.
        client = connect(address)
        client.command("INSERT INTO migrations (number, name, hash) VALUES (9999, 'of a later build', '')")
        assert "has schema 9999" in stack.command("upgrade", "--check", code=1)
        assert "has schema 9999" in stack.command("backup", str(tmp_path / "kept"), code=1)
        client.close()
