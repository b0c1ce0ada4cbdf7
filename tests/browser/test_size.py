"""What visitors and readers must download stays small."""

import gzip
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "ingest/static/t.js"
PAGES = ROOT / "api/static"


def size(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9))


def test_the_script_fits_in_3000_bytes() -> None:
    assert size(SCRIPT) <= 3_000


@pytest.mark.skipif(not PAGES.is_dir(), reason="the pages are not built (make pages)")
def test_the_pages_fit_in_100_kilobytes() -> None:
    files = [path for path in PAGES.rglob("*") if path.is_file() and path.suffix != ".txt"]
    assert sum(map(size, files)) <= 100_000


@pytest.mark.skipif(not PAGES.is_dir(), reason="the pages are not built (make pages)")
def test_the_pages_name_no_other_host() -> None:
    shell = (PAGES / "index.html").read_text()
    assert "http" not in shell
    styles = "".join(path.read_text() for path in (PAGES / "assets").glob("*.css"))
    assert "url(http" not in styles
    assert "@import" not in styles


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((ROOT / "api/pages/package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
