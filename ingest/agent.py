"""What a user agent is: a person's browser, a bot that names itself, or a program; and the device that it tells of.

A list of crawlers is a list of substrings, and a person's browser contains many: build ids, names of phones and
of apps. So what looks like a browser is a bot only where it names itself one, and the list is asked about the rest.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from crawleruseragents import is_crawler

from ingest import rule
from ingest.rule import Row

Device: TypeAlias = Literal["Phone", "Tablet", "Desktop"]
Kind: TypeAlias = Literal["person", "bot", "program"]


class Names(NamedTuple):
    """A pattern for each kind of the table `agent`."""

    bot: re.Pattern[str]
    program: re.Pattern[str]


def names(rows: Iterable[Row]) -> Names:
    """Patterns of the names in the groups bot and program: a whole word, or with a final `*` the beginning of one."""
    found: dict[str, list[str]] = {"bot": [], "program": []}
    for row in rows:
        found[row.group] += [_pattern(name) for name in row.name.split(", ")]
    return Names(
        re.compile(rf"(?<![a-z0-9.])(?:{'|'.join(found['bot'])})"),
        re.compile(rf"(?:mozilla/\d\.\d \(compatible; ?)?(?:{'|'.join(found['program'])})"),
    )


def _pattern(name: str) -> str:
    return re.escape(name[:-1]) if name.endswith("*") else re.escape(name) + "(?![a-z0-9_-])"


_names = names(rule.read("agent"))

# All patterns below are of agents in lower case.
_BROWSER = re.compile(
    r"^mozilla/\d|^opera/|mobile safari|ucweb|hbbtv/|mqqbrowser|^(?:nokia|samsung-|sonyericsson|blackberry)"
    r"|profile/midp|maui|up\.browser"
)
_PLATFORM = re.compile(
    r"windows|macintosh|mac os|mac_p|x11|linux|android|iphone|ipad|ipod|cros|playstation|nintendo|web[0o]s|tizen"
    r"|mobile|blackberry|bb10|playbook|symbian|series ?60|nokia|kindle|palmos|brew|bsd|sunos|haiku|beos|amiga|morphos"
    r"|risc os|os/2|xbox|roku|harmony|hbbtv|dtv|[( ]tv[;)]|webtv|crkey|cygwin|ps3|astro;|serenity|qnx|aix|hp-ux|irix"
    r"|syllable|viera|diga|maple|midp|maui|rex;|willcom|jig browser|inferno|profile/1|up\.browser|samsung"
)
# Behind the system's version an Android agent names the phone, and so do apps: makers call phones what they like.
_PHONE_NAME = re.compile(r"android[ /\d.]*[;(](?![^()]*(?:compatible|https?:|-google))[^()]*")
# An agent's own word for a bot. CUBOT and XBot make phones; apps scan papers and codes.
_BOT = re.compile(
    r"(?<!\bcu)(?<!_cu)(?<!\bx)bots?(?![a-z])|spider(?! ?\d)|crawl|(?<!sky)scrap(?:er|ing|y)|slurp|archiver|transcoder"
    r"|headless|monitor(?:ing)?(?![a-z])|synthetic|(?:link|url|uri|bing|web|microsoft|page) ?-?preview|validator"
    r"|verifi(?:er|cation)|(?<!cam)(?<!qr)(?<!qr[ -])(?<!code)(?<!code[ -])(?<!doc)(?<!pdf)scann?(?:er|ing)|checker"
    r"|link-?check|fetcher|fingerprint|diagnostics|observatory"
    r"|thumbnails|screenshot|measurement|imageproxy|mailproxy|google-(?!tv|pixel|chrome|apps-script|cloud|http|api|auth)[a-z]"
    r"|(?<=[a-z])-google(?![a-z])|google (?:favicon|web |page |search console)"
)
_ADDRESS = re.compile(  # of who runs it; "Embedded Web Browser from: http://…" is an old toolbar
    r"(?<!from: )https?:|www\.|\[at\]|\(at\)|@[a-z][a-z0-9-]*\.[a-z]|[;( ]\+[a-z0-9-]+\.[a-z]"
)
# Of what people's browsers call themselves compatible with, or compatible on, there is an end; of bots there is none.
_COMPATIBLE = re.compile(
    r"compatible *[;,] *(?! |msie|konqueror|u;|linux[ ;]|windows[ ;]|netfront|opera[ /]|ncbrowser|icab|netpositive"
    r"|offbyone|risc os|polaris|kun/|mspie|adobe |lotus-|ms-office|ibrowse|gecko/|origyn|x11|mac(?:_|intosh)|antfresco"
    r"|avantgo|dillo|netsurf|omniweb|teleca|symbian|\))|like gecko;(?! ?opera)"
)
# A phone's apps and libraries.
_APP = re.compile(r"darwin/|fba[nv]/|android|iphone|ipad|\bios\b")
_LIBRARY = re.compile(r"^dalvik/|cfnetwork/|powershell/|unitywebrequest/")
# What bots say who claim no browser: words that are too common in names of browsers, apps and phones.
_ODD = re.compile(
    r"scan|uptime|probe|(?:link|site|health|domain)-?check|valid|verif|preview|analyzer|audit|survey|subscriber"
    r"|rss(?![a-z])|feed(?:fetch|read|pars)|researcher|recon(?![a-z])|sitemap|exploit|[${}<>]"
)
_SOFTWARE = re.compile(r"https?://(?:www\.)?(?:github\.com|gitlab\.com|npmjs\.com|pypi\.org)/")  # no operator's address


def kind(agent: str) -> Kind:
    """Whose agent it is. A program is none of a person, and sends on purpose; `person` also where nobody can tell."""
    text = agent.lower()
    said = _PHONE_NAME.sub("android ", text)
    if _BOT.search(said):
        return "bot"
    if _names.program.match(text) or _LIBRARY.search(text):
        return "program"
    if _names.bot.search(said):
        return "bot"
    if _BROWSER.search(text) and _PLATFORM.search(text):
        return "bot" if _ADDRESS.search(said) or _COMPATIBLE.search(said) else "person"
    if _APP.search(text) and not text.startswith("mozilla/"):
        return "person"
    # A browser without a system is a claim.
    if (text.startswith("mozilla/") and " " in text) or _ODD.search(text) or is_crawler(agent):
        return "bot"
    return "bot" if _ADDRESS.search(text) and not _SOFTWARE.search(text) else "person"


# What stands before a television: no touch, and a page of a desktop's size. Consoles and glasses are told alike.
_TELEVISION = re.compile(
    r"smart[-_ ]?tv|google ?tv|android ?tv|apple ?tv|mitv|mibox|hbbtv|netcast|bravia|\baft[a-z]{1,5}\d*\b|crkey"
    r"|chromecast|web0s|webos\.tv|tizen[^)]*tv|\bviera|aquos(?:browser|-tv)|roku|vizio|vidaa|nettv|dlnadoc|opera tv"
    r"|shield (?:android|tv)|nexus player|playstation|nintendo|xbox|\bwii|\bouya|oculus|quest [23p]|pico ?[34n]\b"
    r"|vr safari|chromebook|cros "
)
# Names that phones have too, so that an agent which says "mobile" is a phone's all the same.
_BOX = re.compile(r"tv(?![a-z])|(?:tv|smart|media|android)[ _-]?box|\bstb|set-?top|\bbox\b|shell|iptv|led\d\d|uhd")
# Phones whose agents leave the word out, unfolded or asking for a desktop's page.
_SURELY_PHONE = re.compile(r"kaios|\bsm-[aefgjmns]\d|pixel \d|iphone(?!.*ipad)|fb4a;")
# An app's own words, "(Google Pixel 6; android 13)": a browser names the system first.
_APPS_OWN = re.compile(r"\((?!linux|android|x11|mobile|tablet)[^()]*; ?android [\d.]+\)")
_TABLET = re.compile(
    r"ipad|tablet(?! pc)|kindle|silk/|\bkf[a-z]{3,5}\b|playbook|touchpad|nexus (?:7|9|10)\b|pixel c\b|xoom"
    r"|\bsm-[tpx]\d|\bgt-p\d|\bgt-n[58]\d|\btab\b|[^s]tab[ _-]?[a-z]?\d|(?<!cool)pad(?!fone)(?![a-z]{2})"
    r"|lenovo (?:tb|yt)|\b(?:tb|yt)-?[xj\d]|\bmid\d|macintosh.*(?:mobile/|crios|fxios|edgios|gsa/)"
)
_PHONE = re.compile(
    r"iphone|ipod|mobi|phone|lumia|dv\(iph|blackberry|bb10|opera mini|nokia|symbian|series ?[46]0|midp|maui"
    r"|up\.browser|j2me|brew|docomo|kddi|ucweb|samsung-|sonyericsson|windows ce|palm|webos/|meego|maemo|bada|netfront"
    r"|obigo|teleca|polaris|wap.browser|jig browser"
)


def device(agent: str) -> Device:
    """Phone, Tablet or Desktop: a television's and a console's too, and what nothing is known of."""
    text = agent.lower()
    unsaid = "android" in text and "mobi" not in text
    if _TELEVISION.search(text) or (unsaid and _BOX.search(text)):
        return "Desktop"
    if _SURELY_PHONE.search(text):
        return "Phone"
    if _TABLET.search(text):
        return "Tablet"
    if unsaid:
        # A tablet's browser leaves the word out, and so does whatever of a phone is no browser.
        browser = ("safari/" in text or "firefox/" in text) and not _APPS_OWN.search(text)
        return "Tablet" if browser else "Phone"
    return "Phone" if _PHONE.search(text) else "Desktop"
