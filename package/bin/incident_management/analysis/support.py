"""What code can check of a model's claim: that its quote says something, and that it names nothing
that the evidence does not hold.

This is no proof that a claim is true: a model may quote one thing and claim another with the same
words. So a claim that passes is told as "quote found", never as verified.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Iterable, List, Mapping, Match, Sequence, Set, Tuple

from ..words import identifiers, terms
from .citations import Checked
from .evidence import Event, visible

__all__ = ["Evidence"]

FEWEST_WORDS = 2
"""Telling words of its own that a quote must have; one alone may stand in any event."""
PHRASE_WORDS = 4
"""So many words in a row say something, plain as each of them is."""
LEVELS = {"trace", "debug", "info", "warn", "warning", "error", "critical", "fatal"}
FEWEST_SHAPES = 4
"""Different events from which on a word that most of them hold counts as nobody's own."""

_MASKED = re.compile(r"<masked:[a-z-]{1,20}>")
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
)
_JSON_KEY = re.compile(r"\\{0,3}\"[\w.@-]{1,60}\\{0,3}\"\s{0,3}:")
_WORD = re.compile(r"\w+")
# A date, or a number with what is written next to it and makes it another one: -1, $5, 1%, 1k, 5th
_NUMBER = re.compile(
    r"\d{4}-\d\d-\d\d|(?<![\w.])(?:[-$€£](?=\d))?v?\d+(?:[.:]\d+)*(?:%|[A-Za-z]\w{0,20})?"
)
_HTTP_ERRORS = re.compile(r"([45]\d\d)s")
_HTTP_CLASS = re.compile(r"[45]xx")
_NAME = re.compile(
    r"[\w.+-]{1,64}@[\w.-]{1,100}"  # an address
    r"|\b[a-zA-Z][\w-]{0,60}(?:\.[\w-]{2,60}){1,8}"  # shop.example, com.shop.Cart
    r"|(?<![\w-])[a-zA-Z][\w.-]{0,60}[_\d][\w.-]{0,60}"  # chg-17, pool_size, v1.2, db-1
    r"|\b[a-z]+[A-Z]\w{0,60}|\b[A-Z][a-z0-9]+[A-Z]\w{0,60}"  # maxPoolSize, QueuePool
)
_PROPER = re.compile(r"(?<=[\w,;:)] )[A-Z][a-z]{2,60}\b(?![\w@])|\b[A-Z]{3,60}\b(?! ?\d)")
_FIRST_WORD = re.compile(r"(?:\A|[.!?:;] )\W{0,3}([A-Z][a-z]{2,60})\b(?![\w@])")
_FOREIGN = re.compile(r"(?<![\w-])[\w-]*[^\W\x00-\x7f][\w-]*")
"""A word with letters beyond ASCII: some look like other ones."""
_NO_NAMES = {"API", "HTTP", "ID", "PID", "URL", "UTC"}
_CODE = re.compile(r"`([^`\n]{1,200})`")
# Markup and addresses: they lead a reader, or a program that shows the text, somewhere else.
_LEADING = re.compile(
    r"\]\(\S{0,200}|<(?=[\w/!])[^>\s]{0,200}|\b\w{2,20}:/\S{0,200}|(?<!\S)//\S+|`"
)
_UNITS = {
    unit: kind
    for kind, names in {
        "ms": "ms msec millisecond milliseconds",
        "s": "s sec secs second seconds",
        "min": "m min mins minute minutes",
        "h": "h hr hrs hour hours",
        "d": "d day days",
        "%": "% pct percent",
        "B": "b byte bytes",
        "KB": "kb kib kilobyte kilobytes",
        "MB": "mb mib megabyte megabytes",
        "GB": "gb gib gigabyte gigabytes",
    }.items()
    for unit in names.split()
}
_MEASURED = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) ?(%|[a-zA-Z]{1,12}\b)")
# latency_ms=1250, "p99_ms": 5230
_KEYED = re.compile(
    r"[_.-]([a-z]{1,12})[\"']?\s{0,2}[=:]\s{0,2}[\"']?(\d+(?:\.\d+)?)(?![\w.])", re.I
)
_PERCENT = re.compile(r"(?<=\d) ?(?:percent\b|%)", re.I)
_SMALL = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_COUNTS = {word: str(number) for number, word in enumerate(_SMALL.split("|"), 2)}
_AMOUNT = re.compile(
    rf"\b(?:{_SMALL}|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|(?:dozen|hundred|thousand|million|billion)s?"
    r"|half|twice|double|triple|percent)\b",
    re.I,
)
# What a sentence may begin with although no event says it. Words of every log are no terms.
_BEGINNINGS = set(
    """
    about above according afterwards again all almost along already also although among another any
    around because become between both but consequently during each earlier either even every
    exactly few finally first following further hence how however immediately instead its just last
    later likely many may meanwhile might more moreover most much neither never next nobody none nor
    nothing now often once one only other others otherwise possibly probably rather right several
    shortly should similarly since some somebody something soon still such then there therefore
    these they those though through thus together too until what when where whether which while who
    why within without yet
    """.split()  # noqa: SIM905
)


class Evidence:
    """All that was found again and all that ranking said of it, to hold claims against."""

    def __init__(self, checked: Checked, hypotheses: Sequence[Mapping[str, Any]]) -> None:
        events = [e for key, e in checked.events.items() if checked.is_verified(key)]
        shapes = {_shape(event.raw): event for event in events}
        self._shapes = list(shapes)
        self._held = [_words_of(event) for event in shapes.values()]
        # A number's span is no time of anything that happened.
        ranked = [
            _TIMESTAMP.sub(" ", one.quote)
            for one in checked.citations
            if one.kind == "number" and one.status == "verified"
        ]
        # What a claim may name besides: ids of the evidence, and days as people write them.
        ranked += [one.id for one in checked.citations] + [str(one["id"]) for one in hypotheses]
        for hypothesis in hypotheses:
            ranked += [hypothesis["cause"], *hypothesis["for"], *hypothesis["against"]]
        days = sorted({f"{_moment(event):%A %B %b}" for event in events})
        self._ranked = "\n".join(ranked).lower()
        told = "\n".join([*map(_text_of, events), *days, self._ranked]).lower()
        self._text = _PERCENT.sub("%", told)
        self._terms = terms(self._text)

    def fault_of_quote(self, quote: str) -> str:
        """Return why a quote supports nothing, "" when it says something."""
        rest = _JSON_KEY.sub(" ", _TIMESTAMP.sub(" ", _MASKED.sub(" ", quote)))
        words = {word.lower() for word in _WORD.findall(rest)}
        telling = {word for word in words if terms(word) and not self._is_everywhere(word)}
        numbers = {word for word in words if word.isdigit()}
        if telling and len(telling | numbers) >= FEWEST_WORDS:
            return ""
        if len(words - LEVELS) >= PHRASE_WORDS and not self._is_in_most(quote):
            return ""
        return "Its quote is too short, or stands in most events: it proves nothing."

    def fault_of_text(self, text: str, cited: Event) -> str:
        """Return why a claim's text goes beyond the evidence, "" when nothing shows that it does.

        The names and times that it states must occur in the evidence, its numbers in the event that
        it cites or in what was counted, and at least one of its words in that event.
        """
        said = _PERCENT.sub("%", _MASKED.sub(" ", text))
        fault = self.fault_of_names(said)
        if fault:
            return fault
        told = f"{_text_of(cited).lower()}\n{self._ranked}"
        for number in _numbers(_NAME.sub(" ", said)):
            if number.isdigit() and not _stands(number, told):
                return f"It states {number}, which the event that it cites does not hold."
        for amount, unit in _MEASURED.findall(said):
            if _has_other_unit(amount, unit, told):
                return f"It states {amount} {unit}, and the event that it cites another unit."
        if not (terms(said) | identifiers(said)) & _words_of(cited):
            return "It shares no word with the event that it cites."
        return ""

    def fault_of_names(self, said: str) -> str:
        """Return what a text states that is nowhere in the evidence, "" when there is nothing."""
        if visible(said) != said:
            return "It holds characters that hide or reorder text."
        said = _CODE.sub(self._code, _PERCENT.sub("%", _MASKED.sub(" ", said)))
        missing = [name for name in _stated(said) if not self._holds(name)]
        missing += [word for word in _AMOUNT.findall(said) if not self._counts(word.lower())]
        missing += [word for word in _FIRST_WORD.findall(said) if self._is_strange(word)]
        if missing:
            return f"It names {missing[0]}, which is nowhere in the evidence."
        if any(found.lower() not in self._text for found in _LEADING.findall(said)):
            return "It holds markup or an address that no event holds."
        return ""

    def _is_everywhere(self, word: str) -> bool:
        if len(self._held) < FEWEST_SHAPES:
            return False
        holding = sum(1 for words in self._held if word in words or terms(word) & words)
        return holding > len(self._held) / 2

    def _is_in_most(self, quote: str) -> bool:
        holding = sum(1 for shape in self._shapes if _shape(quote) in shape)
        return len(self._shapes) >= FEWEST_SHAPES and holding > len(self._shapes) / 2

    def _counts(self, word: str) -> bool:
        return self._holds(word) or (word in _COUNTS and self._holds(_COUNTS[word]))

    def _is_strange(self, word: str) -> bool:
        """Whether a capital letter may be that of a name, though it begins a sentence."""
        own = terms(word)
        return bool(own) and word.lower() not in _BEGINNINGS and not own & self._terms

    def _code(self, found: Match[str]) -> str:
        """Return what stands between backticks without them, if an event holds it, too."""
        return found[1] if found[1].lower() in self._text else found[0]

    def _holds(self, name: str) -> bool:
        if _HTTP_CLASS.fullmatch(name):
            return re.search(rf"(?<![\d.]){name[0]}\d\d(?!\d)", self._text) is not None
        if name.endswith("%") and (name[:-1], "%") in _keyed(self._text):
            return True
        return _stands(name.lower(), self._text)


def _stands(name: str, text: str) -> bool:
    return re.search(rf"(?<![\d.]){re.escape(name)}(?!\d)", text) is not None


def _has_other_unit(amount: str, unit: str, text: str) -> bool:
    """Whether a text gives that amount with a unit, and never with this one."""
    meant = _UNITS.get(unit.lower())
    known = [(a, _UNITS.get(u.lower())) for a, u in _MEASURED.findall(text)] + _keyed(text)
    found = [kind for a, kind in known if kind and a == amount]
    return meant is not None and bool(found) and meant not in found


def _keyed(text: str) -> List[Tuple[str, str]]:
    """Return the amounts of a text whose keys tell the unit, each with what that is."""
    found = ((amount, _UNITS.get(unit.lower(), "")) for unit, amount in _KEYED.findall(text))
    return [(amount, unit) for amount, unit in found if unit]


def _shape(text: str) -> str:
    """Return a text without what its numbers, ids and blanks are."""
    return " ".join(re.sub(r"\w*\d\w*", "0", text).split())


def _stated(text: str) -> Iterable[str]:
    """Return the names, numbers and times that a text states."""
    names = [name.rstrip(".-") for name in _NAME.findall(text)]
    names += [*_PROPER.findall(text), *_FOREIGN.findall(text)]
    names = [name for name in names if name not in _NO_NAMES and name.lower() not in _UNITS]
    return [*names, *_numbers(_NAME.sub(" ", text))]


def _numbers(text: str) -> List[str]:
    """Return the numbers of a text as they are in logs: 12,000 is 12000 there, v1.2 is 1.2.

    A unit is left out, see :func:`_has_other_unit`: 30s may be 30 seconds there, or timeout=30.
    """
    found = _NUMBER.findall(re.sub(r"(?<=\d),(?=\d{3}\b)", "", text))
    return [_without_unit(_HTTP_ERRORS.sub(r"\1", number.lstrip("v"))) for number in found]


def _without_unit(number: str) -> str:
    amount = number.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return amount if number[len(amount) :].lower() in _UNITS else number


def _moment(event: Event) -> datetime:
    return datetime.fromtimestamp(event.time, timezone.utc)


def _text_of(event: Event) -> str:
    return f"{event.raw}\n{event.entity}\n{_moment(event).isoformat(' ')}"


def _words_of(event: Event) -> Set[str]:
    text = _text_of(event)
    return terms(text) | identifiers(text)
