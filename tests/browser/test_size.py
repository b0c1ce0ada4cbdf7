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
def test_the_pages_fit_in_90_kilobytes() -> None:
    """Scripts and styles, those that come later included; the font is 20 more."""
    files = [path for path in PAGES.rglob("*") if path.suffix in (".js", ".css")]
    assert sum(map(size, files)) <= 90_000


@pytest.mark.skipif(not PAGES.is_dir(), reason="the pages are not built (make pages)")
def test_charts_come_with_the_first_chart() -> None:
    shell = (PAGES / "index.html").read_text()
    first = [path for path in (PAGES / "assets").glob("*.js") if path.name in shell]
    assert [path.name.partition("-")[0] for path in first] == ["app"]
    assert b"u-over" not in first[0].read_bytes()


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
