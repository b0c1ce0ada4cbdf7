"""`docs/definitions.md`, made from the tables of rules: `python -m ingest.definitions > docs/definitions.md`."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TypeAlias

from ingest import rule
from ingest.channel import OF_DIRECT, PAID, REFERRAL, RULES, Rule
from ingest.rule import Row

Cells: TypeAlias = tuple[str, ...]

_HEAD = """\
# Definitions

Made by `python -m ingest.definitions` from the tables in `ingest/rule/`; a test keeps it so. To change a rule, change
its line there. What is decided when an event arrives is stored with it: a changed rule holds from then on.

## Source

The first that says something, of the session's first pageview: `utm_source`, `source`, `ref`; a click id; the
referrer; else `direct`. Names in any case, also behind `&amp;` and `??`. A value is trimmed and in lower case; an
alias or a listed host names the source. A value that is a web address (`https://…`, `//…`, `www.…`, `t.co/…`) counts
as a referrer.

A referrer is `direct` if its host is the site's domain, a subdomain of it or in the settings `hosts` and
`ignored_referrers` (their subdomains included; `"*"` says nothing of referrers), the event's own host, localhost (also
as `127.0.0.1`, `[::1]`, `0.0.0.0`), or listed below as sign-in or payment. An app's package or a listed host names the
source, the most specific one first; else its registrable domain does.
"""
_CHANNEL = """\
## Medium, term, content

`utm_medium` in lower case, `utm_term` and `utm_content` as they are, of the event that says the source; trimmed, at
most 200 characters, else `(none)`.

## Channel

The first line that holds for the event that says the source. A visit is *paid* for if its medium is {media} or begins
with `paid`, or if a click id of an ad is in the url ({ids}), whatever else names the source. Kinds of sources are the
titles above. Sessions of before there were channels are `Other` until `throughline rebuild`, which reads them from the
stored urls; click ids were not stored.
"""
_PLACE = """\
## Hostname, region, city

The hostname is that of the event's url, without `www.`; `unknown` if there is none. Country, region (ISO 3166-2, else
the name that the database has) and city (its English name) come from the address and the database of
`THROUGHLINE_COUNTRY_DB`, else `unknown`, as every private address is.
"""
_PAGE = """\
## Page

The path of the url: no query and no fragment, dot segments resolved, `//` one slash, no slash at the end, `%XX` in
one spelling, at most 2,000 characters. Session ids are no part of it: `;jsessionid=…`, `;phpsessid=…`, `;sid=…` and
their like behind any segment, in any case and escaped too, and ASP.NET's `/(S(…))`. Other matrix parameters
(`;v=1.2`) stay.
"""
_AGENT = """\
## User agent

A user agent is a *bot's* if it names itself one: the words bot, spider, crawler, monitor, checker, preview and their
like, the address of who runs it, `(compatible; Name/1.0)`, or a name below. Names of phones and build ids do not
count. Anything else that looks like a browser (`Mozilla/5.0 (system; …) …`) is a person's, also inside of an app.
What looks like none is a bot if the list of [crawler-user-agents](https://github.com/monperrus/crawler-user-agents)
says so.

A *program's* name stands at the beginning. Programs send events on purpose and are counted at the endpoint; in a web
server's log they are bots.

*Device*: iPads, and Android without the word Mobile, are tablets, except televisions and boxes; those and consoles
are desktops.
"""


def definitions() -> str:
    """The page."""
    clicks = [(_code(row.name), *row.words, row.reason) for row in rule.read("click")]
    apps = [(_code(row.name), *row.words, row.reason) for row in rule.read("app")]
    parts = [
        _HEAD,
        *_groups(rule.read("source"), lambda row: (row.name, _code(*row.words), row.reason)),
        "### Click ids\n\nOf several the first of this list decides.\n",
        _table(clicks),
        "### Apps\n\nOf a referrer `android-app://<package>/`.\n",
        _table(apps),
        "## Direct\n",
        *_groups(rule.read("direct"), lambda row: (_code(row.name), row.reason)),
        _CHANNEL.format(media=_code(*PAID), ids=_code(*(row.name for row in rule.read("click") if row.group == "ad"))),
        _table(
            [_channel(each) for each in RULES]
            + [(REFERRAL, "any other source than `direct`, or medium `referral`"), (OF_DIRECT, "the rest")]
        ),
        _PLACE,
        _PAGE,
        _AGENT,
        *_groups(rule.read("agent"), lambda row: (_code(*row.name.split(", ")),)),
    ]
    return "\n".join(parts)


def _groups(rows: Iterable[Row], cells: Callable[[Row], Cells]) -> Iterator[str]:
    """A table for each group, also where it is continued further below."""
    for (group, title), own in groupby(rows, key=lambda row: (row.group, row.title)):
        yield f"### {title} ({group})\n"
        yield _table([cells(row) for row in own])


def _channel(each: Rule) -> Cells:
    titles = {row.group: row.title for row in rule.read("source")}
    takes = [
        *([f"a source of {titles[each.kind]} ({each.kind})"] if each.kind else []),
        *([f"source {_code(*each.sources)}"] if each.sources else []),
        *([f"medium {_code(*each.media)}"] if each.media else []),
    ]
    said = ", or ".join(takes)
    return each.channel, f"paid{', and ' + said if said else ''}" if each.paid else said


def _table(rows: Sequence[Cells]) -> str:
    lines = ["|" + " |" * len(rows[0]), "|" + "---|" * len(rows[0])]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""])


def _code(*words: str) -> str:
    return " ".join(f"`{word}`" for word in words)


if __name__ == "__main__":
    sys.stdout.write(definitions())
