"""What the pages say exists: files and headings that they link to, commands, settings, metrics, files of the tree."""

import json
import logging
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.cli import app
from deploy.cli.reference import commands
from deploy.settings import PREFIX, Settings
from ingest.contract.incoming import validate

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), ROOT / "tests/README.md", ROOT / "deploy/kubernetes/README.md"]
COMMANDS = dict(commands(app))
LANGUAGES = {"sh", "console"}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """(language, text) of each block of code."""
    yield from re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.M | re.S)


def slugs(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges and the generator make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?:|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{target} is not there"
        if anchor:
            assert anchor in slugs(file), f"{target}: no such heading"


def lines_of_commands() -> Iterator[tuple[str, str]]:
    """(page, words behind `throughline`) of each command in a block for shells."""
    for page in PAGES:
        for language, text in blocks(page):
            if language not in LANGUAGES:
                continue
            for line in text.replace("\\\n", " ").splitlines():
                for part in re.split(r"&&|\|\||[|;]", line):
                    if "throughline " in part and "throughline" in (words := shlex.split(part, comments=True)):
                        at = words.index("throughline")
                        if all("=" in word for word in words[:at]) or words[at - 1] in ("--", "exec", "docker"):
                            yield page.name, shlex.join(words[at + 1 :])


def full_name(words: list[str]) -> str:
    """The command that the words begin with."""
    return next((name for n in (2, 1) if (name := " ".join(["throughline", *words[:n]])) in COMMANDS), "")


@pytest.mark.parametrize(("page", "line"), sorted(set(lines_of_commands())))
def test_a_command_is_taken_by_its_own_parser(page: str, line: str) -> None:
    words = shlex.split(line)
    if words == ["--version"]:
        return
    name = full_name(words)
    assert name, f"{page}: there is no command {line}"
    command: Any = COMMANDS[name]
    command.make_context(name, words[len(name.split()) - 1 :])  # raises for an unknown option or a missing argument


@each_page
def test_a_command_in_a_sentence_exists_with_its_options(page: Path) -> None:
    groups = {name.split()[1] for name in COMMANDS if len(name.split()) == 3}
    for text in re.findall(r"`throughline ([^`]+)`", prose(page)):
        words = text.split()
        if words[0] in {"…", "--version"} or (words[0] in groups and words[1:] in ([], ["--help"])):
            continue
        name = full_name(words)
        assert name, text
        known = {option for entry in COMMANDS[name].params for option in [*entry.opts, *entry.secondary_opts]} | {
            "--help"
        }
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, text


@each_page
def test_an_event_that_is_shown_is_accepted(page: Path) -> None:
    for text in re.findall(r"-d '(\{\s*\"site\".*?\})'", page.read_text(), re.S):
        found = validate(0, json.loads(text))
        assert not isinstance(found, list), found


@each_page
def test_settings_exist(page: Path) -> None:
    known = {PREFIX + entry.name.upper() for entry in fields(Settings)} | {PREFIX + "TEST_ALL", PREFIX + "TEST_COSTS"}
    named = {name.removesuffix("_FILE") for name in re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]", page.read_text())}
    assert named <= known


@each_page
def test_metrics_exist(page: Path) -> None:
    code = "".join(path.read_text() for stage in ("ingest", "workers", "api", "deploy") for path in files(stage))
    for name in re.findall(r"\bthroughline_(?:ingest|worker|api)_\w+[a-z]", page.read_text()):
        assert f'"{name}"' in code or f'"{name.removesuffix("_total")}"' in code, name


def files(stage: str) -> Iterator[Path]:
    return (ROOT / stage).rglob("*.py")


@each_page
def test_files_of_the_tree_exist(page: Path) -> None:
    named = r"`((?:ingest|workers|rollups|api|deploy|tests|docs)/[\w/.-]+\.(?:py|sql|ts|txt|toml|yaml|md))`"
    assert [name for name in re.findall(named, prose(page)) if not (ROOT / name).exists()] == []


@each_page
def test_targets_of_make_exist(page: Path) -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    shown = "\n".join(text for language, text in blocks(page) if language in LANGUAGES)
    said = re.findall(r"`make ([a-z]+)", prose(page)) + re.findall(r"(?:^|&& )make ([a-z]+)", shown, re.M)
    assert set(said) <= known


def test_every_page_has_its_place() -> None:
    nav = yaml.safe_load((ROOT / "properdocs.yml").read_text())["nav"]
    placed = [page for part in nav for inside in part.values() for page in named(inside)]
    assert len(placed) == len(set(placed))
    assert set(placed) == {path.name for path in DOCS.glob("*.md")}


def named(part: Any) -> list[str]:
    return [part] if isinstance(part, str) else [page for one in part for page in one.values()]


@pytest.mark.skipif(find_spec("properdocs") is None, reason="properdocs is not installed; `make setup` brings it")
def test_the_site_builds_without_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from properdocs.commands.build import build
    from properdocs.config import load_config

    config = load_config(str(ROOT / "properdocs.yml"), site_dir=str(tmp_path), strict=False)
    with caplog.at_level(logging.WARNING, "properdocs"):
        build(config)
    assert [record.getMessage() for record in caplog.records] == []
