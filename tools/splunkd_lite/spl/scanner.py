"""A cursor over the text of a search, from which every part of the grammar reads."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NoReturn

from tools.splunkd_lite.spl.errors import SplError

__all__ = ["Scanner", "Source"]

_SPACE = re.compile(r"(?:\s|```.*?```)+", re.S)
_WORD = re.compile(r"[^\s,|\[\]()=\"<>!`]+")
_ESCAPE = re.compile(r'\\(["\\])')


class Source:
    """Text after macro expansion, which still knows where each part of it was written."""

    def __init__(self, pieces: list[tuple[str, int, bool]]) -> None:
        """`pieces` are (text, position in the original, whether a macro made it)."""
        self.text = "".join(piece[0] for piece in pieces)
        self._starts: list[int] = []
        self._pieces = pieces
        at = 0
        for piece in pieces:
            self._starts.append(at)
            at += len(piece[0])

    @classmethod
    def of(cls, text: str) -> Source:
        return cls([(text, 0, False)])

    def origin(self, position: int) -> int:
        """Where the character at `position` of the expanded text comes from."""
        if not self._pieces:
            return position
        index = max(bisect_right(self._starts, position) - 1, 0)
        _, start, from_macro = self._pieces[index]
        return start if from_macro else start + position - self._starts[index]


class Scanner:
    """Reads a search from left to right; every failure is an SplError with its position."""

    def __init__(self, source: Source | str, pos: int = 0) -> None:
        self.source = Source.of(source) if isinstance(source, str) else source
        self.text = self.source.text
        self.pos = pos

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        raise SplError(message, self.source.origin(self.pos if at is None else at))

    def position(self) -> int:
        """Where the next token stands in the text as it was written."""
        self.skip()
        return self.source.origin(self.pos)

    def skip(self) -> int:
        """Passes white space and comments; says where the next token starts."""
        found = _SPACE.match(self.text, self.pos)
        if found:
            self.pos = found.end()
        return self.pos

    def peek(self) -> str:
        """The next character that isn't white space; '' at the end."""
        return self.text[self.skip() : self.pos + 1]

    def at_end(self) -> bool:
        """True at the end of the command: a pipe, a closing bracket or the end of the text."""
        return self.peek() in ("", "|", "]")

    def accept(self, symbol: str) -> bool:
        if self.text.startswith(symbol, self.skip()):
            self.pos += len(symbol)
            return True
        return False

    def expect(self, symbol: str, why: str) -> None:
        if not self.accept(symbol):
            self.fail(f"expected '{symbol}' {why}, found {self.found()}")

    def found(self) -> str:
        """What stands here, for a message."""
        self.skip()
        if self.pos >= len(self.text):
            return "the end of the search"
        word = _WORD.match(self.text, self.pos)
        return f"'{word.group()[:40] if word else self.text[self.pos]}'"

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """What `pattern` matches here, consumed; or None."""
        found = pattern.match(self.text, self.skip())
        if found is None:
            return None
        self.pos = found.end()
        return found.group()

    def looking_at(self, pattern: re.Pattern[str]) -> bool:
        return pattern.match(self.text, self.skip()) is not None

    def keyword(self, *names: str) -> str | None:
        """One of `names` (any case) as a whole word, consumed; or None."""
        found = _WORD.match(self.text, self.skip())
        if found and found.group().lower() in names:
            self.pos = found.end()
            return found.group().lower()
        return None

    def peek_word(self) -> str:
        """The next unquoted word, without consuming it; '' if there is none."""
        found = _WORD.match(self.text, self.skip())
        return found.group() if found else ""

    def quoted(self) -> str | None:
        r"""A double-quoted string, with \" and \\ undone; or None when none starts here."""
        if self.peek() != '"':
            return None
        return _ESCAPE.sub(r"\1", self.quoted_raw())

    def quoted_raw(self) -> str:
        """What stands between the double quotes that start here, escapes kept."""
        start = self.pos
        at = start + 1
        while at < len(self.text):
            if self.text[at] == "\\":
                at += 2
            elif self.text[at] == '"':
                self.pos = at + 1
                return self.text[start + 1 : at]
            else:
                at += 1
        return self.fail("this double quote is never closed", start)

    def word(self, what: str) -> str:
        """A word or a quoted string; `what` names it in the message when there is none."""
        text = self.quoted()
        if text is not None:
            return text
        found = self.match(_WORD)
        if found is None:
            self.fail(f"expected {what}, found {self.found()}")
        return found
