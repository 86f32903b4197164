"""``SEDCMD-<class>`` of props.conf: edits of ``_raw`` before it is stored.

Source: props.conf.spec 10.0: a space separated list of ``s/<pcre>/<replacement>/<g or number>`` and
``y/<string1>/<string2>/``, replacements with ``\\1`` to ``\\9``; "Anonymize data with a sed script"
in Getting Data In. Any character may stand for the ``/``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pcre2

from tools.splunkd_lite.runners.errors import RunnerError

__all__ = ["sed_script"]

Edit = Callable[[str], str]
_ESCAPED = re.compile(r"\\(.)", re.S)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@lru_cache(maxsize=256)
def sed_script(script: str) -> Edit:
    """One function for all edits of a script, in their order.

    Raises:
        RunnerError: the script is malformed; the text says where.
    """
    edits: list[Edit] = []
    rest = script.strip()
    while rest:
        edit, rest = _command(rest, script)
        edits.append(edit)

    def apply(text: str) -> str:
        for edit in edits:
            text = edit(text)
        return text

    return apply


def _command(text: str, script: str) -> tuple[Edit, str]:
    """The first command of ``text``, and what follows it."""
    if len(text) < 4 or text[0] not in "sy" or text[1].isalnum() or text[1].isspace():
        raise _malformed(script, text)
    first, rest = _upto(text[2:], text[1], script)
    second, rest = _upto(rest, text[1], script)
    flags = re.match(r"\S*", rest)
    assert flags is not None  # it matches the empty string, too
    rest = rest[flags.end() :].lstrip()
    if text[0] == "y":
        if flags.group():
            raise _malformed(script, text)
        return _translated(first, second, script), rest
    if re.fullmatch(r"g?|[1-9]\d*", flags.group()) is None:
        raise RunnerError(f"The flags '{flags.group()}' of the sed script '{script}' are unknown.")
    return _substituted(first, second, flags.group(), script), rest


def _upto(text: str, mark: str, script: str) -> tuple[str, str]:
    """What stands before the next ``mark`` that is not escaped, and what comes after it."""
    part, at = "", 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            part += mark if text[at + 1] == mark else text[at : at + 2]
            at += 2
        elif text[at] == mark:
            return part, text[at + 1 :]
        else:
            part += text[at]
            at += 1
    raise _malformed(script, text)


def _translated(first: str, second: str, script: str) -> Edit:
    if len(first) != len(second):
        raise RunnerError(f"Both sides of the sed script '{script}' must be as long.")
    table = str.maketrans(first, second)
    return lambda text: text.translate(table)


def _substituted(pattern: str, replacement: str, flags: str, script: str) -> Edit:
    try:
        compiled = pcre2.compile(pattern)
    except pcre2.error as error:
        raise RunnerError(f"The sed script '{script}' is malformed: {error}.") from error
    place = int(flags) if flags.isdigit() else 1

    def edit(text: str) -> str:
        parts, at = [], 0
        for number, match in enumerate(compiled.finditer(text), 1):
            if flags == "g" or number == place:
                parts += [text[at : match.start()], _filled(replacement, match)]
                at = match.end()
            if flags != "g" and number >= place:
                break
        return "".join([*parts, text[at:]])

    return edit


def _filled(replacement: str, match: Any) -> str:
    def one(escaped: re.Match[str]) -> str:
        name = escaped.group(1)
        if name.isdigit():
            return match.group(int(name)) or ""
        return _ESCAPES.get(name, name)

    return _ESCAPED.sub(one, replacement)


def _malformed(script: str, text: str) -> RunnerError:
    return RunnerError(
        f"The sed script '{script}' is malformed at '{text[:20]}': write s/pattern/text/g or "
        "y/from/to/."
    )
