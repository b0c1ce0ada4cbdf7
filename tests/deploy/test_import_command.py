"""`throughline import` on a running stack: what it says, what it exits with, and what then is in the numbers."""

import gzip
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack

pytestmark = pytest.mark.services

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(prepared(tmp_path_factory.mktemp("import") / "data")) as running:
        yield running


def line(number: int, path: str = "/a", ip: str = "203.0.113.5") -> str:
    clock = f"{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
    return f'{ip} - - [10/May/2026:{clock} +0000] "GET {path} HTTP/1.1" 200 5 "-" "{AGENT}"\n'


def numbers(said: str) -> dict[str, int]:
    """The rows of the closing table: a name and a number."""
    rows = re.findall(r"^ *([a-z: ]+?)  +(\d[\d,]*) *$", said, re.MULTILINE)
    return {name: int(number.replace(",", "")) for name, number in rows}


def dashboard(stack: Stack, site: str) -> tuple[int, int]:
    """Visitors and pageviews."""
    found = stack.get(f"/api/sites/{site}/analytics/dashboard?from=2026-05-01&to=2026-05-31")
    return found["visitors"], found["pageviews"]


def test_rotated_files_count_each_line_once(stack: Stack, tmp_path: Path) -> None:
    """The line that ends one file and begins the next is two; the cut one is left for the next run."""
    site = stack.site("rotated.example")["id"]
    old, new = tmp_path / "access.log.1", tmp_path / "access.log"
    old.write_bytes(gzip.compress((line(1) + line(100, "/b") * 2).encode()))
    new.write_text(line(100, "/b") + line(200) + line(300, "/cut").rstrip("\n"))
    said = stack.command("import", str(new), str(old), "--site", site)
    found = numbers(said)
    assert (found["lines read"], found["counted"], found["left for the next run"]) == (5, 5, 1)
    assert f"{new}:3: this last line has no line end yet" in said
    new.write_text(new.read_text() + "\n")
    assert numbers(stack.command("import", str(old), str(new), "--site", site))["counted"] == 1
    everything = tmp_path / "all"
    everything.write_bytes(gzip.decompress(old.read_bytes()) + new.read_bytes())
    assert numbers(stack.command("import", str(everything), "--site", site))["counted"] == 0
    assert dashboard(stack, site) == (1, 6)


def test_prefixes_and_addresses_are_no_visitors(stack: Stack, tmp_path: Path) -> None:
    site = stack.site("prefix.example")["id"]
    people = [f"203.0.113.{number}" for number in range(1, 101)]
    log = tmp_path / "vhost.log"
    log.write_text("".join(f"shop.example.com:443 {line(n, ip=ip)}" for n, ip in enumerate(people * 3)))
    ports = tmp_path / "ports.log"
    ports.write_text("".join(line(5_000 + n, ip=f'"{ip}:5{n:03}, 10.0.0.1"') for n, ip in enumerate(people * 3)))
    said = numbers(stack.command("import", str(log), str(ports), "--site", site))
    assert (said["lines read"], said["counted"]) == (600, 600)
    assert dashboard(stack, site) == (100, 600)


def test_standard_input_and_the_clock(stack: Stack) -> None:
    """A line that is written while the import runs is no line of the future; history is never late."""
    site = stack.site("stdin.example")["id"]
    now = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(time.time() + 60))
    later = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(time.time() + 900))
    fresh = line(1).replace("10/May/2026:00:00:01 +0000", now)
    text = line(1) + fresh + line(1).replace("10/May/2026:00:00:01 +0000", later) + "\0\0" + line(9)
    said = stack.command("import", "-", "--site", site, stdin=text)
    found = numbers(said)
    assert (found["lines read"], found["counted"], found["left out: malformed"]) == (4, 3, 1)
    assert "late" not in said and "its time lies in the future" in said


def test_what_cannot_be_read_says_so_and_exits_so(stack: Stack, tmp_path: Path) -> None:
    site = stack.site("broken.example")["id"]
    good, unknown, broken = tmp_path / "good.log", tmp_path / "error.log", tmp_path / "cut.gz"
    good.write_text(line(1))
    unknown.write_text("2026/05/10 10:01:00 [error] 12#12: *1 open() failed\n" * 3)
    said = stack.command("import", str(good), str(unknown), "--site", site, code=2)
    assert said == f"throughline: {unknown} is in no format of access logs that is known\n"
    assert dashboard(stack, site) == (0, 0)
    unknown.write_bytes(line(1).encode("utf-16"))
    assert "is UTF-16" in stack.command("import", str(unknown), "--site", site, code=2)
    broken.write_bytes(gzip.compress("".join(line(n) for n in range(40)).encode())[:-8])
    said = stack.command("import", str(broken), "--site", site, code=1)
    assert numbers(said)["counted"] == 40
    assert said.rstrip().endswith("cut.gz cannot be read beyond line 40: it ends too early")
