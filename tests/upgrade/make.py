"""`python -m tests.upgrade.make TREE`: keep the data folder of the build in TREE, filled, and what it answers.

TREE is a checkout of an earlier commit, with what `make setup` puts into one. Written beside this file.
"""

import json
import shutil
import sys
import tarfile
import tempfile
import time
from io import BytesIO
from pathlib import Path

import zstandard

from tests.deploy import stack as stacks
from tests.deploy.stack import Stack
from tests.deploy.test_backup import SETTINGS, answers, event, post
from tests.deploy.test_import_command import line

FOLDER = Path(__file__).parent / "kept.tar.zst"
ANSWERS = Path(__file__).parent / "kept.json"


def make(tree: Path) -> None:
    stacks.ROOT = tree
    made = Path(tempfile.mkdtemp())
    data, logs = made / "data", made / "access.log"
    logs.write_text("".join(line(at, f"/old{at % 3}", f"203.0.113.{at % 9}") for at in range(0, 9000, 300)))
    span = f"from=2026-05-01&to={time.strftime('%Y-%m-%d', time.gmtime(time.time() + 86_400))}"
    with Stack(data, env={"PYTHONPATH": str(tree)}) as stack:
        sites = [stack.site("one.example"), stack.site("two.example")]
        assert stack.request("PATCH", f"/api/sites/{sites[0]['id']}", {"settings": SETTINGS}).status == 200
        for site in sites:
            post(stack, [event(site, number) for number in range(60)])
        post(stack, [event(sites[0], 900)], agent="Googlebot/2.1 (+http://www.google.com/bot.html)")
        post(stack, [event(sites[0], 3)])
        stack.command("import", str(logs), "--site", sites[0]["id"])
        for site, lines in zip(sites, (92, 60), strict=True):
            stack.wait_for(f"/api/sites/{site['id']}/ledger", lambda answer, lines=lines: answer["received"] == lines)
        key = stack.first_run["api_key"]
        found = {path: json.loads(body) for path, body in answers(stack, key, sites, span).items()}
        assert "no difference" in stack.command("verify")
        post(stack, [event(sites[1], number) for number in range(60, 70)])  # perhaps not counted when it stops
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(data, "data", filter=lambda info: info if info.isfile() or info.isdir() or info.issym() else None)
    FOLDER.write_bytes(zstandard.ZstdCompressor(level=19).compress(packed.getvalue()))
    ANSWERS.write_text(
        json.dumps({"key": key, "sites": sites, "span": span, "answers": found}, indent=1, sort_keys=True)
    )
    shutil.rmtree(made)


if __name__ == "__main__":
    make(Path(sys.argv[1]).absolute())
