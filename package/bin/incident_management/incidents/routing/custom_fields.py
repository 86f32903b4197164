"""What a company wants to know of its incidents besides: the stanzas [field:…].

Customer impact, region, change number: an administrator says which there are, of which kind, and
who is shown them. A value is kept as text, in one spelling, so that it can be compared and found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Dict, Iterable, List, Mapping, Tuple

from ...conf_values import listed
from ..errors import Invalid, RoutingError
from ..field_values import NAME, NAME_RULE, VALUE_CHARACTERS
from ..signal import show_hidden_characters
from .values import CONF, ForIncidents, choice, number, some_of, user_name

__all__ = ["KINDS", "PLACES", "CustomField", "CustomFields"]

KINDS = ("text", "choice", "yes_no", "number", "date", "person")
# Where a value is shown besides the incident itself.
PLACES = ("list", "messages", "stakeholders")
LABEL_CHARACTERS = 60
HELP_CHARACTERS = 300
MAX_OPTIONS = 50
# Of one message or row.
MOST_TOLD = 10
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Unfit(Invalid):
    """A value does not fit its field, which ``takes`` others."""

    def __init__(self, label: str, given: str, takes: str) -> None:
        super().__init__(f"'{given}' does not fit {label}: it takes {takes}.")
        self.takes = takes


@dataclass(frozen=True)
class CustomField(ForIncidents):
    """A field, asked for on incidents whose severity and team its patterns match.

    ``required``: people set it before they resolve such an incident. ``shown``: some of PLACES.
    """

    name: str
    label: str
    kind: str = "text"
    options: Tuple[str, ...] = ()
    help: str = ""
    severity: str = "*"
    team: str = "*"
    required: bool = False
    shown: Tuple[str, ...] = ()
    order: float = 100.0

    @classmethod
    def read(cls, name: str, values: Mapping[str, str]) -> CustomField:
        """Read a stanza. Raises RoutingError."""
        where = f"{CONF} [field:{name}]"
        if not NAME.fullmatch(name):
            raise RoutingError(f"{where} has a name that can't be: {NAME_RULE}")
        label = values.get("label", "").strip() or name.replace("_", " ").capitalize()
        about = values.get("help", "").strip()
        for key, text, most in (
            ("label", label, LABEL_CHARACTERS),
            ("help", about, HELP_CHARACTERS),
        ):
            if len(text) > most:
                raise RoutingError(f"{where} {key} has {len(text)} characters; use at most {most}.")
        kind = choice(where, values, "kind", KINDS)
        return cls(
            name,
            show_hidden_characters(label),
            kind,
            _options(where, kind, values.get("options", "")),
            show_hidden_characters(about),
            values.get("severity", "").strip() or "*",
            values.get("team", "").strip() or "*",
            choice(where, values, "required", ("never", "resolve")) == "resolve",
            some_of(f"{where} shown", values.get("shown", ""), PLACES, "places"),
            number(where, values, "order", 100.0),
        )

    def value_of(self, given: Any) -> str:
        """Return what is given in the one spelling that is kept; empty for nothing.

        Raises Invalid, with what the field takes.
        """
        if given is None:
            return ""
        if isinstance(given, bool):
            given = "yes" if given else "no"
        if not isinstance(given, (str, int, float)):
            raise self._unfit(given, "one value")
        text = " ".join(str(given).split())
        if len(text) > VALUE_CHARACTERS:
            raise self._unfit(text, f"at most {VALUE_CHARACTERS} characters")
        return self._spelled(text) if text else ""

    @property
    def taken(self) -> Tuple[str, ...]:
        """The values that it takes; none: it takes others than can be listed."""
        return ("yes", "no") if self.kind == "yes_no" else self.options

    def _spelled(self, text: str) -> str:
        if self.taken:
            found = [one for one in self.taken if one.lower() == text.lower()]
            if not found:
                raise self._unfit(text, f"one of {', '.join(self.taken)}")
            return found[0]
        if self.kind == "number":
            if not _NUMBER.fullmatch(text):
                raise self._unfit(text, "a number, such as 42 or 0.5")
            # Added to 0, as -0 is no other number.
            return format(Decimal(text).normalize() + 0, "f")
        if self.kind == "date":
            return self._day(text)
        return (
            user_name(show_hidden_characters(text))
            if self.kind == "person"
            else show_hidden_characters(text)
        )

    def _day(self, text: str) -> str:
        try:
            if not _DATE.fullmatch(text):
                raise ValueError
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise self._unfit(text, "a day, such as 2026-12-01") from None

    def _unfit(self, given: Any, takes: str) -> Unfit:
        return Unfit(self.label, show_hidden_characters(str(given)[:40]), takes)


@dataclass(frozen=True)
class CustomFields:
    """All fields, in the order in which they are shown."""

    all: Tuple[CustomField, ...] = ()

    @classmethod
    def of(cls, found: Iterable[CustomField]) -> CustomFields:
        """Put them in order."""
        return cls(tuple(sorted(found, key=lambda one: (one.order, one.name))))

    def checked(self, values: Mapping[str, Any]) -> Dict[str, str]:
        """Return values that people set, as they are kept.

        A field that is not defined any more can be emptied. Raises Invalid for any other that there
        is not, and for values that do not fit, with a sentence for each.
        """
        known = {one.name: one for one in self.all}
        found: Dict[str, str] = {}
        wrong: Dict[str, str] = {}
        for name, value in values.items():
            if name in known:
                try:
                    found[name] = known[name].value_of(value)
                except Unfit as error:
                    wrong[name] = str(error)
            elif NAME.fullmatch(name) and value in (None, ""):
                found[name] = ""
            else:
                names = ", ".join(known) or "none"
                raise Invalid(f"There is no field '{name[:40]}' to set; the fields are {names}.")
        if wrong:
            raise Invalid(" ".join(wrong.values()), wrong)
        return found

    def fitting(self, values: Mapping[str, Any]) -> Tuple[Dict[str, str], List[str]]:
        """Return what of a finding's values is kept, and a sentence for each that does not fit.

        The sentence goes to all who are told of the signal, so it does without the value. What no
        field is defined for is left alone: it is a column of the search like others.
        """
        found: Dict[str, str] = {}
        wrong: List[str] = []
        for one in self.all:
            try:
                value = one.value_of(values.get(one.name))
            except Unfit as error:
                wrong.append(f"{one.label} is not set: it takes {error.takes}.")
            else:
                found.update({one.name: value} if value else {})
        return found, wrong

    def lacking(self, severity: str, team: str, values: Mapping[str, str]) -> List[CustomField]:
        """Return the fields that an incident lacks, of those that are set before it is resolved."""
        return [
            one
            for one in self.all
            if one.required and not values.get(one.name) and one.fits(severity, team)
        ]

    def check_resolvable(self, severity: str, team: str, values: Mapping[str, str]) -> None:
        """Raise Invalid where an incident lacks a field that is set before it is resolved."""
        lacking = [f"{one.label} ({one.name})" for one in self.lacking(severity, team, values)]
        if lacking:
            raise Invalid(f"Before it is resolved it needs {', '.join(lacking)}: set it first.")

    def shown_in(self, place: str) -> List[Tuple[str, str]]:
        """Return name and label of the fields that a place of PLACES shows."""
        return [(one.name, one.label) for one in self.all if place in one.shown][:MOST_TOLD]


def _options(where: str, kind: str, text: str) -> Tuple[str, ...]:
    options = tuple(dict.fromkeys(show_hidden_characters(one) for one in listed(text)))
    if kind != "choice":
        if options:
            raise RoutingError(f"{where} options are for the kind choice; its kind is {kind}.")
        return ()
    if not 0 < len(options) <= MAX_OPTIONS or max(map(len, options)) > VALUE_CHARACTERS:
        raise RoutingError(
            f"{where} options needs 1 to {MAX_OPTIONS} values by comma, each of at most "
            f"{VALUE_CHARACTERS} characters."
        )
    if len({one.lower() for one in options}) < len(options):
        raise RoutingError(f"{where} options names one twice, in another case.")
    return options
