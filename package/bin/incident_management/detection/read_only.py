# ruff: noqa: SIM905  # lists of words read best as text
"""Checks that a search only reads, before the app runs it for a replay, a monitor or a proof.

The check works on the search's text with its macros expanded as splunkd expands them ("Use search
macros in searches" in Splunk's Knowledge Manager Manual), without comments and quoted text. What it
can't decide is refused.
"""

from __future__ import annotations

import re
from typing import Callable, Collection, List, Mapping, Optional, Sequence, Tuple

__all__ = ["WRITING", "Macro", "NotReadOnly", "check_read_only", "plain_text"]

WRITING = frozenset(
    "aianalyze collect delete dump mcollect meventcollect openincident outputcsv outputlookup"
    " outputtelemetry outputtext remediate run runshellscript script sendalert sendemail"
    " summaryindex tscollect".split()
)
"""Commands that write, send or act, Splunk's and the app's own."""
_HIDING = {"map": "runs another search for each row", "savedsearch": "runs another saved search"}
# A dataset of the type savedsearch is any saved search ("from" in Splunk's Search Reference).
_DATASET = re.compile(r"[|\[]\s*from\b(?!\s+(?:datamodel|lookup)\b)", re.I)
_LEARNING = re.compile(r"anomalyscore\b[^|\]]*?\bstate\s*=", re.I)
_COMMAND = re.compile(r"[|\[]\s*([a-z_]\w*)", re.I)
_QUOTED = r'"(?:\\.|[^"\\])*"'
_TOKEN = re.compile(rf"{_QUOTED}|```.*?```|`([^`]*)`", re.S)
_CALL = re.compile(r"\s*([\w:.-]+)\s*(?:\((.*)\))?\s*", re.S)
_ARGUMENT = re.compile(rf"(?:{_QUOTED}|[^,\"])+", re.S)
DEEPEST = 20
"""Macros within macros that are looked into."""

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
            raise NotReadOnly(f"holds the command '{command}', which writes or acts")
        if command in _HIDING:
            raise NotReadOnly(f"holds the command '{command}', which {_HIDING[command]}")
    if _DATASET.search(plain):
        raise NotReadOnly("holds the command 'from' with what may be another saved search")
    if _LEARNING.search(plain):
        raise NotReadOnly("keeps what it learns (anomalyscore state=); leave out state= for it")
    return plain


def plain_text(spl: str, macro: Callable[[str], Optional[Macro]]) -> str:
    """Return a search with its macros in place, its comments gone, and its quoted texts empty.

    Raises:
        NotReadOnly: a macro can't be looked into.
    """
    return re.sub(_QUOTED, '""', _expanded(spl, macro, 0), flags=re.S)


def _expanded(spl: str, macro: Callable[[str], Optional[Macro]], depth: int) -> str:
    if depth > DEEPEST:
        raise NotReadOnly(f"has macros within macros, more than {DEEPEST} deep")

    def replaced(found: re.Match[str]) -> str:
        text = found.group()
        if text.startswith('"'):
            return text
        if text.startswith("```"):
            return " "
        return _expanded(_definition(found.group(1), macro), macro, depth + 1)

    return _TOKEN.sub(replaced, spl)


def _definition(call: str, macro: Callable[[str], Optional[Macro]]) -> str:
    """Return what a macro stands for, its arguments put in."""
    name, values = _called(call)
    shown = f"the macro '{name[:60]}'"
    found = macro(f"{name}({len(values)})" if values else name)
    if found is None:
        raise NotReadOnly(f"uses {shown}, which is not there or not shared with you")
    if found.get("iseval", "0").strip().lower() in ("1", "true"):
        raise NotReadOnly(f"uses {shown}, which an eval expression makes")
    text = found.get("definition", "")
    names = [one.strip() for one in found.get("args", "").split(",")]
    for argument, value in zip(names, values):
        text = text.replace(f"${argument}$", _value(value, argument))
    return text


def _called(call: str) -> Tuple[str, Sequence[str]]:
    match = _CALL.fullmatch(call)
    if match is None:
        raise NotReadOnly(f"calls a macro in a way that can't be read: `{call[:60]}`")
    name, inside = match.groups()
    values: List[str] = [] if inside is None else _ARGUMENT.findall(inside)
    return name, values


def _value(text: str, argument: str) -> str:
    """Return an argument's value, which may be quoted, and given by name."""
    text = text.strip()
    name, equals, value = text.partition("=")
    if equals and name.strip() == argument:
        text = value.strip()
    return text[1:-1].replace('\\"', '"') if re.fullmatch(_QUOTED, text, re.S) else text
