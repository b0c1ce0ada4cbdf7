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

KEPT = Path(__file__).parent / "kept.tar.zst"
ANSWERS = "answers.json"
_MADE_AGAIN = {"engine.xml", "users.xml", "redis.conf", "redis.log", "lock", "parts.lock", "stack.json"}


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
    # Of the other site not all may have been counted when it was asked.
    own = {path: answer for path, answer in found.items() if sites[0]["id"] in path}
    (made / ANSWERS).write_text(json.dumps({"key": key, "sites": sites, "span": span, "answers": own}))
    keep(made)
    shutil.rmtree(made)


def keep(made: Path) -> None:
    """The folder `data` and the answers, as one file."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(made / "data", "data", filter=lambda info: None if Path(info.name).name in _MADE_AGAIN else info)
        tar.add(made / ANSWERS, ANSWERS)
    KEPT.write_bytes(zstandard.ZstdCompressor(level=19).compress(packed.getvalue()))


if __name__ == "__main__":
    make(Path(sys.argv[1]).absolute())
