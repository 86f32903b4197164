# ruff: noqa: SIM905  # lists of words read best as text
"""Checks that a search only reads, before the app runs it for a replay, a monitor or a proof.

The check works on the search's text with its macros expanded as splunkd expands them ("Use search
macros in searches" in Splunk's Knowledge Manager Manual), without comments and quoted text. What it
can't decide is refused.
"""

from __future__ import annotations

import re
from typing import Callable, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from ..conf_values import is_true

__all__ = ["Macro", "NotReadOnly", "check_read_only", "plain_text"]

WRITING = frozenset(
    "aianalyze collect delete dump mcollect meventcollect openincident outputcsv outputlookup"
    " outputtelemetry outputtext remediate run runshellscript script sendalert sendemail"
    " summaryindex tscollect".split()
)
"""Commands that write, send or act, Splunk's and the app's own."""
_HIDING = {"map": "runs another search for each row", "savedsearch": "runs another saved search"}
# A dataset of the type savedsearch is any saved search ("from" in Splunk's Search Reference).
_DATASET = re.compile(r"[|\[]\s*from\b(?!\s+(?:datamodel|lookup)\b)", re.I)
_LEARNING = re.compile(r"\s*anomalyscore\b.*?\bstate\s*=", re.I | re.S)
_COMMAND = re.compile(r"[|\[]\s*([a-z_]\w*)", re.I)
# One that is never closed goes on to the end, which takes no second look from each quote within it.
_QUOTED = r'"(?:\\(?:.|\Z)|[^"\\])*(?:"|\Z)'
_CLOSED = re.compile(r'"(?:\\.|[^"\\])*"', re.S)
_TOKEN = re.compile(rf"{_QUOTED}|```.*?```|`([^`]*)`", re.S)
_CALL = re.compile(r"([\w:.-]+)\s*(?:\((.*)\))?", re.S)
_ARGUMENT = re.compile(rf"(?:{_QUOTED}|[^,\"])+", re.S)
DEEPEST = 20
"""Macros within macros that are looked into."""
# Anybody may write a search, and name it in a signal: macros that each call two others would be a
# million, and keep who asks for hours.
MOST_MACROS = 200
LONGEST = 50_000
"""Characters of a search, with its macros in place."""

Macro = Mapping[str, str]
"""A macro's settings in macros.conf."""


class NotReadOnly(Exception):
    """A search writes, or may write. The text ends the sentence "The search …"."""


def check_read_only(
    spl: str, macro: Callable[[str], Optional[Macro]], risky: Collection[str] = ()
) -> str:
    """Check that a search only reads; returns it as :func:`plain_text` does.

    Args:
        spl: the search.
        macro: returns the macro of a name as in macros.conf (``name(2)`` with two arguments).
        risky: more commands that may not be in it.

    Raises:
        NotReadOnly: it holds a command that writes, or what can't be looked into.
    """
    plain = "| " + plain_text(spl, macro).lstrip("| \n\t")
    for match in _COMMAND.finditer(plain):
        command = match[1].lower()
        if command in WRITING or command in risky:
            raise NotReadOnly(f"contains the command '{command}', which writes or acts")
        if command in _HIDING:
            raise NotReadOnly(f"contains the command '{command}', which {_HIDING[command]}")
    if _DATASET.search(plain):
        raise NotReadOnly("contains the command 'from' with what may be another saved search")
    if any(map(_LEARNING.match, re.split(r"[|\[\]]", plain))):
        raise NotReadOnly("saves what it learns (anomalyscore state=); remove state= first")
    return plain


def plain_text(spl: str, macro: Callable[[str], Optional[Macro]]) -> str:
    """Return a search with its macros in place, its comments gone, and its quoted texts empty.

    Raises:
        NotReadOnly: a macro can't be looked into.
    """
    return re.sub(_QUOTED, '""', _Expansion(macro).of(spl), flags=re.S)


class _Expansion:
    """Puts the macros of one search in place, within bounds."""

    def __init__(self, macro: Callable[[str], Optional[Macro]]) -> None:
        self._macro = macro
        self._known: Dict[str, Optional[Macro]] = {}
        self._left = MOST_MACROS

    def of(self, spl: str, depth: int = 0) -> str:
        if depth > DEEPEST:
            raise NotReadOnly(f"nests macros more than {DEEPEST} deep")

        def replaced(found: re.Match[str]) -> str:
            text = found.group()
            if text.startswith('"'):
                if not _CLOSED.fullmatch(text):
                    raise NotReadOnly("has a quotation mark that is never closed")
                return text
            if text.startswith("```"):
                return " "
            return self.of(self._definition(found.group(1)), depth + 1)

        _check_length(len(spl))
        text = _TOKEN.sub(replaced, spl)
        _check_length(len(text))
        return text

    def _definition(self, call: str) -> str:
        """Return what a macro stands for, its arguments put in."""
        self._left -= 1
        if self._left < 0:
            raise NotReadOnly(f"uses macros more than {MOST_MACROS} times")
        name, values = _called(call.strip())
        shown = f"the macro '{name[:60]}'"
        found = self._read(f"{name}({len(values)})" if values else name)
        if found is None:
            raise NotReadOnly(f"uses {shown}, which does not exist or is not shared with you")
        if is_true(found.get("iseval")):
            raise NotReadOnly(f"uses {shown}, which is defined by an eval expression")
        text = found.get("definition", "")
        names = [one.strip() for one in found.get("args", "").split(",")]
        for argument, value in zip(names, values):
            token, value = f"${argument}$", _value(value, argument)
            _check_length(len(text) + text.count(token) * len(value))
            text = text.replace(token, value)
        return text

    def _read(self, name: str) -> Optional[Macro]:
        if name not in self._known:
            self._known[name] = self._macro(name)
        return self._known[name]


def _check_length(length: int) -> None:
    if length > LONGEST:
        raise NotReadOnly(f"is longer than {LONGEST} characters with its macros expanded")


def _called(call: str) -> Tuple[str, Sequence[str]]:
    match = _CALL.fullmatch(call)
    if match is None:
        raise NotReadOnly(f"has a macro call that can't be parsed: `{call[:60]}`")
    name, inside = match.groups()
    values: List[str] = [] if inside is None else _ARGUMENT.findall(inside)
    return name, values


def _value(text: str, argument: str) -> str:
    """Return an argument's value, which may be quoted, and given by name."""
    text = text.strip()
    name, equals, value = text.partition("=")
    if equals and name.strip() == argument:
        text = value.strip()
    return text[1:-1].replace('\\"', '"') if _CLOSED.fullmatch(text) else text
