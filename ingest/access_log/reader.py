"""The reader of one file: its format and its prefix are recognised on its first lines."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Literal, TypeAlias, get_args

from ingest.access_log import clf, prefix
from ingest.access_log.address import Client
from ingest.access_log.escape import decoded
from ingest.access_log.hit import Hit, Malformed
from ingest.access_log.members import Fields, Members
from ingest.access_log.prefix import MAX_LINE, NO_PREFIX, Prefix
from ingest.access_log.w3c import W3c, is_header

Format: TypeAlias = Literal["combined", "common", "json", "w3c", "alb"]
FORMATS: tuple[Format, ...] = get_args(Format)

_BOM = b"\xef\xbb\xbf"
_TEXT: Mapping[Format, Callable[[str, Client], Hit]] = {
    "combined": clf.combined,
    "common": clf.common,
    "alb": clf.balancer,
}


def clean(line: bytes) -> bytes:
    """A line without what is no part of it: NULs, which a truncated file begins with, and a byte order mark."""
    if b"\0" in line:
        line = line.replace(b"\0", b"")
    return line.removeprefix(_BOM)


class Reader:
    """Reads the lines of one file in their order; they are `clean` and have no line end."""

    def __init__(
        self, format_: Format, client: Client, fields: Fields, before: Prefix = NO_PREFIX, wrapped: bool = False
    ) -> None:
        self.format = format_
        self._client = client
        self._fields = fields
        self._prefix = before.fresh()
        self._wrapped = wrapped
        self._members = Members(client, fields)
        self._w3c = W3c(client)

    def read(self, line: bytes) -> Hit | None:
        """The request of a line; None for a blank one, a comment, or a part of a record whose end is still to come.

        Raises Malformed.
        """
        if not line or line.isspace():
            return None
        if len(line) > MAX_LINE:
            raise Malformed("the line is too long")
        text = decoded(line)
        if self._wrapped:
            text = prefix.unwrapped(text) or text
        if self._prefix:
            whole = self._prefix.take_off(text)
            if whole is None:
                return None
            text = whole
        if self.format == "json":
            return self._members.read(text.encode("utf-8", "surrogateescape"))
        if self.format == "w3c":
            return self._w3c.read(text)
        return _TEXT[self.format](text, self._client)

    def learn(self, texts: Sequence[str]) -> None:
        """See whether lines of JSON have a place for an agent."""
        for text in texts if self.format == "json" else ():
            with suppress(Malformed):
                self._members.read(text.encode("utf-8", "surrogateescape"))

    def begins(self, head: Sequence[bytes]) -> int:
        """The time of the first readable of a file's first lines, ms; 0 if there is none."""
        reader = Reader(self.format, self._client, self._fields, self._prefix, self._wrapped)
        for line in head:
            with suppress(Malformed):
                if (hit := reader.read(line)) is not None:
                    return hit.time
        return 0


def recognise(head: Sequence[bytes], client: Client, fields: Fields, format_: Format | None = None) -> Reader | None:
    """The reader of a file that begins with these clean lines; None for a format that nobody knows."""
    texts = [decoded(line) for line in head if line and not line.isspace() and len(line) <= MAX_LINE]
    for wrapped in (False, True):
        if wrapped:
            texts = [found for text in texts if text.startswith("{") and (found := prefix.unwrapped(text))]
        before = prefix.recognise(texts)
        own = [rest for text in texts if (rest := before.take_off(text)) is not None]
        found = _format(own, client, fields) if format_ is None or wrapped else format_
        if found is not None:
            reader = Reader(format_ or found, client, fields, before, wrapped)
            reader.learn(own)
            return reader
    return None


def _format(texts: Sequence[str], client: Client, fields: Fields) -> Format | None:
    """By the first line that fits one, combined before common."""
    members = Members(client, fields)
    for text in texts:
        if text.startswith("{"):
            try:
                members.read(text.encode("utf-8", "surrogateescape"))
            except Malformed:
                continue
            return "json"
        if is_header(text):
            return "w3c"
        if clf.is_combined(text):
            return "combined"
        if clf.is_common(text):
            return "common"
        if clf.is_balancer(text):
            return "alb"
    return None
