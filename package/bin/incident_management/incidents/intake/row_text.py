"""Fill the fields of result rows into titles and descriptions."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Dict, Mapping, Tuple

__all__ = ["filled", "text_of", "with_tokens"]

CONDENSED_LINES = 3
_TOKEN = re.compile(r"\{([^{}]+)\}")
_SPLUNKS_TOKEN = re.compile(r"\$(name|result\.[^$]+)\$")


def filled(template: str, row: Mapping[str, Any]) -> str:
    """Replace ``{field}`` by the row's value; splunkd has already replaced its ``$token$``."""
    if "{" not in template:
        return template
    parts = list(_parts(template))
    # Every second part is a field name.
    parts[1::2] = [_condensed(text_of(row.get(name.strip()))) for name in parts[1::2]]
    return "".join(parts)


@lru_cache(maxsize=100)
def _parts(template: str) -> Tuple[str, ...]:
    return tuple(_TOKEN.split(template))


def _condensed(text: str) -> str:
    """Shorten a text of many lines, such as a stack trace, to its first line and its reason.

    The reason is the last line that isn't indented: ``sqlalchemy.exc.TimeoutError: …`` below a
    Python traceback, ``Caused by: …`` in a Java one.
    """
    lines = text.splitlines()
    if len(lines) <= CONDENSED_LINES:
        return text
    lines = [line.rstrip() for line in lines if line.strip()]
    if len(lines) <= CONDENSED_LINES:
        return text
    reasons = [line for line in lines[1:] if not line[0].isspace()]
    return f"{lines[0]}\n…\n{(reasons or lines)[-1]}"


def text_of(value: Any) -> str:
    """Return a field as text; several values are separated by commas."""
    if type(value) is str:
        return value.strip()
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return "" if value is None else str(value).strip()


def with_tokens(params: Mapping[str, str], rule: str, row: Mapping[str, Any]) -> Dict[str, str]:
    """Return an action's parameters with splunkd's tokens replaced: the search's name, a result.

    See "Use tokens in email notifications" in the Alerting Manual. Other tokens stay unchanged.
    """

    def value(match: re.Match[str]) -> str:
        token = match[1]
        return rule if token == "name" else text_of(row.get(token[len("result.") :]))

    return {name: _SPLUNKS_TOKEN.sub(value, text) for name, text in params.items()}
