"""Check what code can check of a model's claim.

A claim's quote must say something, the claim must name nothing that the evidence does not hold, and
it must stay within what the cited event can show. This is no proof that a claim is true: a model
may quote one thing and claim another in the same words. So a claim that passes is shown as "quote
found", never as verified. A claim with a fault is rejected. One that says what no quote can show
(see :mod:`.doubts`) is shown as not checked.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Iterable, List, Mapping, Match, Sequence, Set

from ...terms import identifiers, terms
from ..citations import Checked
from ..evidence import Event, masked_line, visible
from .doubts import doubt, is_turned_round
from .quantities import (
    COUNTS,
    UNITS,
    has_percent,
    is_other_unit,
    measured,
    numbers,
    occurs,
    unit_not_in_event,
    without_known_amounts,
)

__all__ = ["Evidence"]

FEWEST_WORDS = 2
"""Words that a quote must have, one of them telling; one alone may stand in any event, unless it is
a name such as NoSuchKey."""
PHRASE_WORDS = 4
"""So many words in a row say something, plain as each of them is."""
LEVELS = {"trace", "debug", "info", "warn", "warning", "error", "critical", "fatal"}
FEWEST_SHAPES = 4
"""Different events from which on a word that most of them hold counts as nobody's own."""

LEADS = "It holds markup or an address that no event holds."
NOT_SHOWN = "(Not shown: it holds markup, an address that no event holds, or hidden characters.)"

_MASKED = re.compile(r"<masked:[a-z-]{1,20}>")
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
)
_JSON_KEY = re.compile(r"\\{0,3}\"[\w.@-]{1,60}\\{0,3}\"\s{0,3}:")
_WORD = re.compile(r"\w+")
_WITH_DIGIT = re.compile(r"\b(?=[^\W\d]*\d)\w+")
# Names in fields: "userName": "uploader", host=web
_VALUE = re.compile(
    r"\"\s{0,2}:\s{0,2}\"([a-z][\w.-]{2,60})\"|\w=([a-z][\w.-]{2,60})(?=[\s,;]|\Z)", re.I
)
_HYPHENATED = re.compile(r"(?<![\w-])[a-z][a-z\d]*(?:-[a-z\d]+)+(?![\w-])", re.I)
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
_NO_NAMES = {"API", "HTTP", "ID", "PID", "URL", "UTC", "NOT", "NEVER", "ALL", "ONLY"}
# Words of people for what programs log differently: no event need hold them, and they are no names.
_OF_THE_TRADE = set(
    """
    acme aws azure bgp cdn cname coredns cpu dns docker ecs eks etl gc gcp http https iam innodb io
    java jdbc jvm kafka kerberos kms kubernetes ldap linux mongodb mysql nat nginx null oom oracle
    panic php posix postgres postgresql python ram rds redis ruby s3 sdk sla smtp sns splunk sql sqs
    ssd ssh ssl sso tcp tls ttl udp vpc vpn wal windows xml yaml json csv html oidc saml jwt nfs
    """.split()  # noqa: SIM905
)
_ORDINARY = re.compile(r"(?:ing|ed|ly|ions?|ments?|ers|ors|ies|ness|ity|ances?|als|ives?)$")
"""Endings of words that begin a sentence and are hardly anybody's name."""
_CODE = re.compile(r"`([^`\n]{1,200})`")
# Markup and addresses, which may lead a reader or a program that shows the text somewhere else.
_LEADING = re.compile(
    r"\]\(\S{0,200}|\b(?:javascript|data|mailto|tel):\S{1,200}|<(?=[\w/!])[^>\s]{0,200}|\b\w{2,20}:/\S{0,200}|(?<!\S)//\S+|`"
)
# www.shop.example, a@shop.example: chats show these as links even without a scheme.
_HOST = re.compile(
    r"(?<![\w.@-])(?:[\w.+-]{1,64}@)?(?:[a-z\d][a-z\d-]{0,62}\.){1,8}(?:com|net|org|io|dev|app|info|example"
    r"|co|me|xyz|top|site|online|ru|cn|de|uk|eu|link|click|zip)(?![\w-])",
    re.I,
)
_PERCENT = re.compile(r"(?<=\d) ?(?:percent\b|%)", re.I)
_AMOUNT = re.compile(
    rf"\b(?:{'|'.join(COUNTS)}|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|(?:dozen|hundred|thousand|million|billion)s?"
    r"|half|twice|double|triple|percent)\b",
    re.I,
)
# Words that may begin a sentence although no event has them. Words of every log are no terms.
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
    """The verified evidence and the sentences of the ranking, to compare claims with."""

    def __init__(self, checked: Checked, hypotheses: Sequence[Mapping[str, Any]]) -> None:
        events = [e for key, e in checked.events.items() if checked.is_verified(key)]
        shapes = {_shape(event.raw): event for event in events}
        self._shapes = list(shapes)
        self._held = [_words_of(event) for event in shapes.values()]
        # The span of a number is not the time of an event.
        ranked = [
            _TIMESTAMP.sub(" ", one.quote)
            for one in checked.citations
            if one.kind == "number" and one.status == "verified"
        ]
        # A claim may also name ids of the evidence, and days as people write them.
        ranked += [one.id for one in checked.citations] + [str(one["id"]) for one in hypotheses]
        for hypothesis in hypotheses:
            ranked += [hypothesis["cause"], *hypothesis["for"], *hypothesis["against"]]
        self._ids = {one.id.lower() for one in checked.citations}
        self._ids |= {str(one["id"]).lower() for one in hypotheses}
        self._services = {event.entity.lower() for event in events if event.entity}
        values = {
            value.lower()
            for event in events
            for pair in _VALUE.findall(event.begins)
            for value in pair
        }
        self._services |= {value for value in values if terms(value) and value not in LEVELS}
        self._ranked = "\n".join(ranked).lower()
        told = "\n".join([*map(_text_of, events), _days_of(events), self._ranked]).lower()
        self._text = _PERCENT.sub("%", told)
        self._terms = terms(self._text)

    def fault_of_quote(self, quote: str) -> str:
        """Return why a quote supports nothing, or "" if it says something."""
        rest = _JSON_KEY.sub(" ", _TIMESTAMP.sub(" ", _MASKED.sub(" ", quote)))
        words = {word.lower() for word in _WORD.findall(rest)} - LEVELS
        if words:
            words |= {
                word.lower() for key in _JSON_KEY.findall(quote) for word in _WORD.findall(key)
            }
        telling = {word for word in words if terms(word) and not self._is_everywhere(word)}
        if not self._is_in_most(quote):
            if telling and len(words) >= FEWEST_WORDS:
                return ""
            if len(words) >= PHRASE_WORDS or any(map(self._is_rare, identifiers(rest))):
                return ""
        return "Its quote is too short, or stands in most events: it proves nothing."

    def fault_of_text(self, text: str, cited: Event) -> str:
        """Return why a claim's text goes beyond the evidence, or "" if nothing shows that it does.

        The names and times that it states must occur in the evidence. Its numbers must occur in the
        cited event or among the counted numbers. At least one of its words must occur in that
        event.
        """
        told = f"{_text_of(cited).lower()}\n{self._ranked}"
        said = without_known_amounts(_PERCENT.sub("%", _MASKED.sub(" ", text)), told)
        fault = self.fault_of_names(said)
        if fault:
            return fault
        for number in numbers(_NAME.sub(" ", said)):
            if number.isdigit() and not occurs(number, told):
                return f"It states {number}, which the event that it cites does not hold."
        for amount, unit in measured(said):
            if is_other_unit(amount, unit, told):
                return f"It states {amount} {unit}, and the event that it cites another unit."
        if is_turned_round(said, cited.raw):
            return "It turns round what the event that it cites says."
        if not self._shares_a_word(text, cited):
            return "It shares no word with the event that it cites."
        return ""

    def doubt_of_text(self, text: str, quote: str, cited: Event) -> str:
        """Return what the quote can't show of a claim, or "" if nothing points to such a thing.

        Its names must occur in the cited event; see :mod:`.doubts` for the rest.
        """
        own = f"{_text_of(cited)}\n{_days_of([cited])}".lower()
        said = without_known_amounts(_PERCENT.sub("%", _MASKED.sub(" ", text)), own)
        for name in self._names_of(said):
            if name.lower() not in self._ids and not self._occurs_in(name, own):
                return f"It names {name}, which the event that it cites does not hold."
        unit = unit_not_in_event(said, own)
        if unit:
            return f"It states {unit}, and the event that it cites no unit."
        return doubt(text, quote, cited.raw)

    def fault_of_names(self, said: str) -> str:
        """Return what a text names that is nowhere in the evidence, or "" if there is nothing."""
        if visible(said) != said:
            return "It holds characters that hide or reorder text."
        if self._leads(said):
            return LEADS
        said = _CODE.sub(self._code, _PERCENT.sub("%", _MASKED.sub(" ", said)))
        missing = [
            name
            for name in _stated(said)
            if name.lower() not in _OF_THE_TRADE and not self._holds(name)
        ]
        missing += [word for word in _AMOUNT.findall(said) if not self._counts(word.lower())]
        missing += [word for word in _FIRST_WORD.findall(said) if self._is_strange(word)]
        if missing:
            return f"It names {missing[0]}, which is nowhere in the evidence."
        return ""

    def shown(self, said: str) -> str:
        """Return a model's text as people see it: one line, secrets masked.

        A text with links or markup, or with hidden or reordering characters, is not shown.
        """
        if visible(said) != said or self._leads(said):
            return NOT_SHOWN
        return masked_line(said)

    def _leads(self, said: str) -> bool:
        """Return whether a text holds markup, or what a program may show as a link."""
        plain = _CODE.sub(self._code, said)
        found = [*_LEADING.findall(plain), *_HOST.findall(plain)]
        return any(one.lower() not in self._text for one in found)

    def _names_of(self, said: str) -> List[str]:
        """Return the names, numbers and times of a text, and the services that it mentions."""
        said = _CODE.sub(self._code, said)
        words = {word.lower().rstrip(".-") for word in re.findall(r"[\w.-]+", said)}
        services = sorted(words & self._services)
        services += [name for name in _HYPHENATED.findall(said) if _is_in(name, self._text)]
        return [*services, *(name for name in _stated(said) if name.lower() not in _OF_THE_TRADE)]

    def _occurs_in(self, name: str, own: str) -> bool:
        if name in self._services:
            return re.search(rf"(?<![a-z\d]){re.escape(name.lower())}(?![a-z\d])", own) is not None
        return _is_in(name, own)

    def _shares_a_word(self, text: str, cited: Event) -> bool:
        if (terms(text) | identifiers(text)) & _words_of(cited):
            return True
        own = _text_of(cited).lower()
        return any(len(name) > 3 and occurs(name.lower(), own) for name in _stated(text))

    def _is_rare(self, name: str) -> bool:
        """Return whether at most one event holds an identifier: then it is significant alone."""
        return sum(1 for words in self._held if name in words) <= 1

    def _is_everywhere(self, word: str) -> bool:
        if len(self._held) < FEWEST_SHAPES:
            return False
        holding = sum(1 for words in self._held if word in words or terms(word) & words)
        return holding > len(self._held) / 2

    def _is_in_most(self, quote: str) -> bool:
        own = _shape(quote)
        holding = sum(1 for shape in self._shapes if own in shape)
        return len(self._shapes) >= FEWEST_SHAPES and holding > len(self._shapes) / 2

    def _counts(self, word: str) -> bool:
        return self._holds(word) or (word in COUNTS and self._holds(COUNTS[word]))

    def _is_strange(self, word: str) -> bool:
        """Return whether a word with a capital may be a name, though it begins a sentence."""
        own = terms(word)
        small = word.lower()
        if small in _BEGINNINGS or small in _OF_THE_TRADE or _ORDINARY.search(small):
            return False
        return bool(own) and not own & self._terms

    def _code(self, found: Match[str]) -> str:
        """Return the text between backticks without them, if an event holds it too."""
        return found[1] if found[1].lower() in self._text else found[0]

    def _holds(self, name: str) -> bool:
        return _is_in(name, self._text)


def _is_in(name: str, text: str) -> bool:
    if _HTTP_CLASS.fullmatch(name):
        return re.search(rf"(?<![\d.]){name[0]}\d\d(?!\d)", text) is not None
    if name.endswith("%") and has_percent(name[:-1], text):
        return True
    return occurs(name.lower(), text)


def _days_of(events: Sequence[Event]) -> str:
    """Return the days of events as people write them."""
    return " ".join(sorted({f"{_moment(event):%A %B %b}" for event in events}))


def _shape(text: str) -> str:
    """Return a text without its numbers, ids and blanks."""
    return " ".join(_WITH_DIGIT.sub("0", text).split())


def _stated(text: str) -> Iterable[str]:
    """Return the names, numbers and times that a text states."""
    names = [name.rstrip(".-") for name in _NAME.findall(text)]
    names += [*_PROPER.findall(text), *_FOREIGN.findall(text)]
    names = [name for name in names if name not in _NO_NAMES and name.lower() not in UNITS]
    return [*names, *numbers(_NAME.sub(" ", text))]


def _moment(event: Event) -> datetime:
    return datetime.fromtimestamp(event.time, timezone.utc)


def _text_of(event: Event) -> str:
    return f"{event.raw}\n{event.entity}\n{_moment(event).isoformat(' ')}"


def _words_of(event: Event) -> Set[str]:
    text = _text_of(event)
    return terms(text) | identifiers(text)
