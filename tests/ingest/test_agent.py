"""Whose a user agent is, and what device it tells of: `agents.txt`, a sample of every shape that arrives."""

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest import rule
from ingest.agent import device, kind, names
from ingest.enrich import read_agent

SAMPLES = [
    tuple(line.split(" ", 2))
    for line in Path(__file__).with_name("agents.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
WEBVIEW = "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/142.0.0.0 Mobile Safari/537.36"


@pytest.mark.parametrize(("whose", "shown", "agent"), SAMPLES)
def test_agents_of_people_bots_and_programs(whose: str, shown: str, agent: str) -> None:
    assert kind(agent) == whose
    assert shown in ("-", device(agent))
    found = read_agent(agent)
    assert (found.bot, found.library) == (whose == "bot", whose == "program")


def test_there_are_some_hundred_of_each() -> None:
    kinds = [whose for whose, _, _ in SAMPLES]
    assert min(map(kinds.count, ("person", "bot", "program"))) >= 100


WORDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._+-", max_size=20)


@given(model=WORDS, build=st.from_regex(r"[A-Z0-9]{4}\.[0-9]{6}\.[0-9]{3}", fullmatch=True))
def test_a_phone_may_be_called_anything(model: str, build: str) -> None:
    """Models, builds and makers are no words of the agent's own."""
    for name in (model, model + "Bot", "Spider " + model, model + " Crawler", "Scanner_" + model):
        assert kind(f"Mozilla/5.0 (Linux; Android 15; {name} Build/{build}; wv) {WEBVIEW}") == "person"
        assert kind(f"Mozilla/5.0 (Linux; Android 15; K) {WEBVIEW} Instagram 406.0 Android (35/15; {name})") == "person"


@given(name=st.from_regex(r"[A-Z][a-z]{2,8}", fullmatch=True), version=st.integers(0, 99))
def test_a_bot_may_be_called_anything(name: str, version: int) -> None:
    """What it calls itself, or gives the address of, tells it; not that it is known."""
    assume(kind(name) != "program")
    desktop = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
    for said in (f"{name}bot/{version}", f"{name}Bot", f"{name}-crawler/1.0", f"{name}Spider/{version}.0"):
        assert kind(said) == kind(f"{desktop} {said}") == kind(f"Mozilla/5.0 (compatible; {said})") == "bot"
    assert kind(f"Mozilla/5.0 (compatible; {name}/{version}.0)") == "bot"
    assert kind(f"{desktop} (+https://{name}.example/about)") == "bot"


@given(st.text(max_size=200))
def test_no_user_agent_breaks_it(text: str) -> None:
    """S8."""
    assert kind(text) in ("person", "bot", "program")
    assert device(text) in ("Phone", "Tablet", "Desktop")


def test_a_name_is_a_whole_word_unless_it_is_the_beginning_of_one() -> None:
    found = names(rule.rows("# why\n[bot] Bots\nsome bot, synth*\n[program] Programs\ngot\n"))
    assert found.bot.search("(some bot/1)") and not found.bot.search("awesome bots")
    assert found.bot.search("synthetic") and not found.bot.search("photosynthetic")
    assert found.program.match("got (https://") and not found.program.match("gotham")
