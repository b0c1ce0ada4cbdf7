"""What no statement may do that comes through the door: reach files, other machines and programs.

The engine's own grants and constraints (`engine.USERS`) refuse most of it. Here is what they leave open: the function
`file`, INTO OUTFILE and FROM INFILE, ATTACH … FROM, chDB's `python`, engines that take a path, and table functions that
take SQL in a string, where nobody reads it. A statement is read in the engine's own tokens; what two readers could
split differently is refused, for there the rest of the statement could hide.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

# All others that the engine has are refused, also those that a later version brings.
TABLE_FUNCTIONS = {"numbers", "numbers_mt", "zeros", "zeros_mt", "generate_series", "generateseries", "view", "merge"}
ENGINES = {
    *(f"{kind}mergetree" for kind in ("", "summing", "replacing", "aggregating", "collapsing", "coalescing")),
    *("versionedcollapsingmergetree", "memory", "null", "log", "tinylog", "stripelog", "set", "join", "buffer"),
    *("merge", "view", "materializedview", "atomic"),
}
_WORDS = {"outfile": "INTO OUTFILE", "infile": "FROM INFILE", "function": "FUNCTION"}
_STATEMENTS = {"set", "use", "detach"}  # SET and USE: sessions are shared, and a request brings its own settings

_TOKEN = re.compile(
    r"""'(?:[^'\\]++|\\.|'')*+' | --[^\n]* | /\*(?:(?!/\*).)*?\*/
      | `(?P<tick>(?:[^`\\]++|``)*+)` | "(?P<double>(?:[^"\\]++|"")*+)"
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*+)
      | (?P<unsure>['"`$\#\0\u2018\u2019\u201c\u201d] | /\*)
      | (?P<mark>[(=;])""",
    re.VERBOSE | re.DOTALL,
)


class Refused(Exception):
    """Not through this door; the message names what."""


@dataclass(frozen=True)
class Token:
    """A bare word, a quoted name or a mark, in lower case."""

    kind: str
    text: str


_END = Token("mark", "")


@dataclass(frozen=True)
class Guard:
    """What may not be named, in lower case: functions anywhere, calls before `(`, engines after ENGINE."""

    functions: Collection[str] = frozenset()
    calls: Collection[str] = frozenset()
    engines: Collection[str] = frozenset()

    def check(self, sql: str, params: Mapping[str, str] | None = None) -> None:
        """Raises Refused."""
        tokens = [*_tokens(sql), _END, _END]
        if tokens[0].text in _STATEMENTS:
            raise Refused(tokens[0].text.upper())
        values = _own_values(tokens)
        for at, (token, after, then) in enumerate(zip(tokens, tokens[1:], tokens[2:], strict=False)):
            if token.kind == "mark":
                if token.text == ";" and after is not _END:
                    raise Refused("more than one statement")
            elif token.text in self.functions or token.text.startswith("param_"):
                raise Refused(token.text)
            elif token.text in self.calls and after.text == "(" and at != values:
                raise Refused(f"{token.text}()")
            elif token.kind == "word":
                _refuse_word(token.text, after.text)
                engine = then if after.text == "=" else after
                if token.text == "engine" and engine.text in self.engines:
                    raise Refused(f"the engine {engine.text}")
        if any(token.text == "identifier" for token in tokens):  # {name:Identifier} puts a name into the statement
            for value in (params or {}).values():
                for name in re.findall(r"\w+", value.lower()):
                    if name in self.functions:
                        raise Refused(name)


def _refuse_word(word: str, after: str) -> None:
    if word in _WORDS:
        raise Refused(_WORDS[word])
    if word == "attach" and after not in ("partition", "part"):
        raise Refused("ATTACH")


def _own_values(tokens: Sequence[Token]) -> int | None:
    """Where an INSERT's own VALUES stands; everywhere else that word is a table function with columns in a string."""
    if tokens[0].text == "insert":
        for at, token in enumerate(tokens):
            if token.kind == "word" and token.text in ("select", "from", "as", "with"):
                return None
            if token == Token("word", "values") and at > 2:
                return at
    return None


def _tokens(sql: str) -> list[Token]:
    tokens = []
    for found in _TOKEN.finditer(sql):
        kind = found.lastgroup
        if kind == "unsure":
            raise Refused(f"{found[0]!r} outside of a string")
        if kind is not None:
            name = "name" if kind in ("tick", "double") else kind
            tokens.append(Token(name, found[kind].lower()))
    return tokens
