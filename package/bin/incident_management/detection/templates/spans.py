"""Values of several words, each replaced by one wildcard, so that lines have equal lengths.

One value may take several words: a date, a list, a number and its unit, a quoted text. Here each
becomes one ``<*>``, whatever its length, so that lines can be compared word by word.
"""

from __future__ import annotations

import re
from typing import List, Sequence

from .words import NAME, PLAIN, WILDCARD, kind_of

__all__ = ["IN_BRACKETS", "NOTHING", "compared", "name_as_value"]

IN_BRACKETS = "(<*>)"
NOTHING = "()"
_UNITS = (
    "[kKMGT]|[kKMGT]?i?[bB]|bytes?|[num]?s|[muµ]secs?|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|days?"
    "|milliseconds?|microseconds?|nanoseconds?|[kKMG]?[hH]z|rpm|percent"
)
_AFTER_NUMBER = re.compile(rf"<\*> (?:{_UNITS})(?=[\s,.;:)\]]|\Z)")
# Bytes in hexadecimal digits, of which some look like words: 0a be 17 ff
_BYTE = r"(?:<\*>|[0-9a-f]{2}|[0-9A-F]{2})"
_BYTES = re.compile(rf"(?<!\S)(?:{_BYTE} ){{3,}}{_BYTE}(?!\S)")
# <My Device 3.0>, <My Device, class 0/0, rev 2.0>
_ANGLED = re.compile(r"(?<!\S)<(?!\*>)(?:<\*>|[\w.,/-])+(?: (?:<\*>|[\w.,/-])+)+>(?=[\s,.;:)]|\Z)")
# Values separated by blanks or commas are one list.
_RUN = re.compile(r"<\*>(?:,? (?:<\*>|\*{2,}))+(?![=:(\[\w])|<\*>(?:,<\*>)+(?![=:(\[\w])")
# A pattern begins with a character and looks back from behind it, because that finds places fast.
# A quote after a backslash is part of the text.
_QUOTED = re.compile(
    r""""(?<![\w"\\]")[^"\n\\]*(?:\\.[^"\n\\]*)*(?<![\s\\,:={(\[])"(?![\w"]|\s?:)
    |'(?<![\w']')[^'\n]*[^'\s,:={(\[]'(?![\w']|\s?:)""",
    re.X,
)
# A quoted text at the start of a line, with nothing or fields after it, is the message.
_MESSAGE = re.compile(r'"([^"\n\\]*(?:\\.[^"\n\\]*)*)"(?=\Z| [\w.-]+=)')
# Signs that a quoted text is more than a name.
_SPLIT_BY = re.compile(r"[\s=,;:(){}\[\]|<>]")
# The method of a request says what is done, unless the request is the value of a field.
_METHOD = re.compile(r"[\"'](?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) ")
# [Reason: any text]
_LABELLED = re.compile(r"\[(\w+): [^\[\]\n]+(?=\])")
# key=Type{some words}
_GIVEN = re.compile(r"=(?:<\*>)?(?:\{[^{}\n]*\}|<\*>\([^()\n]*\)|<\*>\[[^\[\]\n]*\])")
# The value of one of several fields with commas between them, name=Map 0 (any note), id=0, or of
# one that follows a semicolon, as sudo's ; COMMAND=/bin/x any arguments
_FIELD = re.compile(
    r"((?:^|[:,\]] )[\w.-]+=)<\*> [^=,;\n]*(?=(?:, )[\w.-]+=)"
    r"|( ; [\w.-]+=)<\*> [^\s=;][^=;\n]*?(?= ;|$)",
    re.M,
)
# Three fields or more of a word each: current: Staged, start: Absent, limit: Staged
_WORDS_OF_FIELDS = re.compile(r":(?<=[\w.-]:) [\w<*>.-]+(?:, [\w.-]+: [\w<*>.-]+){2,}")
_WORD_OF_FIELD = re.compile(r"(?<=: )[\w<*>.-]+")
# Type{<*> some words}, as one object is printed
_OBJECT_OF_WORDS = re.compile(r"\{(?<=[\w.$]\{)<\*>[^{}\n]*\}")
# &Type{Name:x,Count:0,}, {"key":"any text"}
_MEMBERS = re.compile(r"\{[^{}\n]*[:,=][^{}\n]*\}(?=[\s,;.:\"]|\Z)")
_TYPE = re.compile(r"(?:&?[A-Za-z][\w.$]*)?\Z")
# Type[name=x, count=0], with brackets in it, as a record is printed
_IN_ONE = r"[^\[\]\n]*(?:\[[^\[\]\n]*\][^\[\]\n]*)*"
_RECORD = re.compile(rf"\[(?<=[a-z]\[)(?= ?\w+(?:=|: )){_IN_ONE}\](?=[\s,;.:\"]|\Z)")
_RECORD_TYPE = re.compile(r"[A-Z][A-Za-z]+\Z")
_CODE = re.compile(r"\(<\*>: [^()\n]+\)")
_ITEM = r"[^\s,()\[\]{}]+"
_LIST = re.compile(rf"([\[({{]){_ITEM}(?:, ?{_ITEM})+(?=[\])}}])")
# <function f at 0x7f>, <bound method A.f of <a.A object at 0x7f>>
_OBJECT = re.compile(r"<(?:bound method (?:[^<>\n]|<\*>)* of <)?[^<>\n]* at <\*>>+")
_TAIL = re.compile(rf": {_ITEM}(?:, ?{_ITEM})+\Z")
# 17(root), 10.0.0.1:443(curl): a value, and its name in brackets.
_CALLED = re.compile(r"(?<!\S)<\*>\([a-zA-Z][\w.-]*\)(?=[\s,;:]|\Z)")
# host:port, as after "connect to"; uid:0 is no address.
_PORT = re.compile(r":(?<=[\w.>-]:)<\*>(?![\w:])")
_BEFORE_HOST = re.compile(
    r"(?:(?<!\w)(?:to|from|at|via|by|on|server|host|proxy|node|address|old|new):? [(\[/]?"
    r"|\w: \[?|\[)\Z",
    re.I,
)
_LONGEST_BEFORE_HOST = 11
_OF_HOSTS = "".join(filter(re.compile(r"[\w.-]").match, map(chr, range(128))))
_EMPTY = re.compile(r"=(?<=\w=)(?=[\s,;)\]}]|\Z)")
_NOTHING = re.compile(r"(?<=[\s=:,])(?:\[\]|\{\}|''|\"\")(?=[\s,;.:)\]}]|\Z)")


def compared(text: str) -> str:
    """Return the form of a line that is compared; the line is given as masked words joined by
    blanks.
    """
    message = _MESSAGE.match(text) if text[:1] == '"' else None
    if message and " " in message.group() and not _METHOD.match(text):
        said = _compared(message.group(1).replace('\\"', '"')).replace('"', '\\"')
        return f'"{said}"{_compared(text[message.end() :])}'
    return _compared(text)


def name_as_value(keys: Sequence[str]) -> str:
    """Return a line in which a name with a value in brackets, as in ``cron (17)``, is one value."""
    words = list(keys)
    for place in range(len(keys) - 1, 0, -1):
        if keys[place].startswith(IN_BRACKETS) and _may_be_name(keys[place - 1]):
            words[place - 1 : place + 1] = [WILDCARD + keys[place][len(IN_BRACKETS) :]]
    return " ".join(words)


def _may_be_name(word: str) -> bool:
    return word[-1].isalnum() and kind_of(word) in (NAME, PLAIN)


def _compared(text: str) -> str:
    if "=" in text:
        text = _EMPTY.sub("=" + WILDCARD, text)
        text = _GIVEN.sub("=" + WILDCARD, text)
        if "=<*> " in text:
            text = _FIELD.sub(r"\1\2" + WILDCARD, text)
    if "{" in text:
        text = _MEMBERS.sub(_members, text)
        if "{<*>" in text:
            text = _OBJECT_OF_WORDS.sub("{<*>}", text)
    if "[" in text and "]" in text:
        text = _RECORD.sub(_record, text)
    if "''" in text or '""' in text or "[]" in text or "{}" in text:
        text = _NOTHING.sub(_enclosed, text)
    if "[" in text and ": " in text:
        text = _LABELLED.sub(r"[\1: <*>", text)
    if '"' in text or "'" in text:
        text = _QUOTED.sub(_quoted, text)
    if ">" in text and "<" in text.replace(WILDCARD, ""):
        text = _ANGLED.sub("<<*>>", text)
    if WILDCARD in text:
        if " at <*>>" in text:
            text = _OBJECT.sub("<<*>>", text)
        if ":<*>" in text:
            text = _without_hosts(text)
        if "(<*>: " in text:
            text = _CODE.sub("(<*>)", text)
        if "<*> " in text:
            text = _AFTER_NUMBER.sub(WILDCARD, text)
        if "<*>(" in text:
            text = _CALLED.sub(WILDCARD, text)
        if text.count("<*> ") > 1:
            text = _BYTES.sub(_bytes, text)
        if "> <" in text or ">, <" in text or ">,<" in text or "> *" in text:
            text = _RUN.sub(WILDCARD, text)
    if "," in text:
        if text.count(": ") > 2:
            text = _WORDS_OF_FIELDS.sub(_fields, text)
        text = _LIST.sub(_list, text)
        text = _without_tail(text)
    return text


def _without_tail(text: str) -> str:
    """Return a text with one wildcard for a list behind its last colon."""
    place = text.rfind(": ")
    if place < 0 or "=" in text[place:] or not _TAIL.match(text, place):
        return text
    return f"{text[:place]}: {WILDCARD}"


def _members(found: re.Match[str]) -> str:
    """Return a printed object without its members, if its type stands before it."""
    text = found.string
    word = text.rfind(" ", 0, found.start()) + 1
    return "{<*>}" if _TYPE.match(text[word : found.start()]) else found.group()


def _record(found: re.Match[str]) -> str:
    """Return a printed record without its members, if its type stands before it."""
    text = found.string
    word = max(text.rfind(" ", 0, found.start()), text.rfind("=", 0, found.start())) + 1
    return "[<*>]" if _RECORD_TYPE.match(text[word : found.start()]) else found.group()


def _without_hosts(text: str) -> str:
    """Return a text with one wildcard for a host and its port."""
    done = 0
    parts: List[str] = []
    for port in _PORT.finditer(text):
        end = port.start()
        if text.endswith("/<*>", done, end):
            end -= len("/<*>")
        start = done + len(text[done:end].rstrip(_OF_HOSTS))
        before = text[max(0, start - _LONGEST_BEFORE_HOST) : start]
        if text[start:end][:1].isalpha() and _BEFORE_HOST.search(before):
            parts += text[done:start], WILDCARD
            done = port.end()
    return "".join(parts) + text[done:] if done else text


def _quoted(found: re.Match[str]) -> str:
    text = found.group()
    if not _SPLIT_BY.search(text[1:-1]):
        return text
    method = _METHOD.match(text)
    if method and found.string[max(0, found.start() - 2) : found.start()] != ": ":
        return method.group() + WILDCARD + text[-1]
    return text[0] + WILDCARD + text[-1]


def _bytes(found: re.Match[str]) -> str:
    return WILDCARD if WILDCARD in found.group() else found.group()


def _enclosed(found: re.Match[str]) -> str:
    text = found.group()
    return text[0] + WILDCARD + text[-1]


def _fields(found: re.Match[str]) -> str:
    return _WORD_OF_FIELD.sub(WILDCARD, found.group())


def _list(found: re.Match[str]) -> str:
    return found.group() if "=" in found.group() else found.group(1) + WILDCARD
