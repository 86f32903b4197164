"""Custom fields of incidents, from the stanzas [field:…].

Customer impact, region, change number: an administrator defines the fields, their kinds, and where
they are shown. A value is stored as text in one normalized spelling, so that it can be compared and
found.
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
# The places where a value is shown besides the incident itself.
PLACES = ("list", "messages", "stakeholders")
LABEL_CHARACTERS = 60
HELP_CHARACTERS = 300
MAX_OPTIONS = 50
# The most fields shown in one message or row.
MOST_TOLD = 10
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Unfit(Invalid):
    """A value does not fit its field; ``takes`` describes the values that do."""

    def __init__(self, label: str, given: str, takes: str) -> None:
        super().__init__(f"'{given}' does not fit {label}: it takes {takes}.")
        self.takes = takes


@dataclass(frozen=True)
class CustomField(ForIncidents):
    """A field of incidents whose severity and team match its patterns.

    ``required``: a person must set it before resolving such an incident. ``shown``: some of PLACES.
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
            raise RoutingError(f"{where} has an invalid name. {NAME_RULE}")
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
        """Return a value in its normalized spelling; empty for no value.

        Raises:
            Unfit: the value does not fit; the text names what the field accepts.
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
        """The accepted values; empty: the field is not limited to a list."""
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
            # Adding 0 turns -0 into 0.
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
        """Create it from fields in any order."""
        return cls(tuple(sorted(found, key=lambda one: (one.order, one.name))))

    def checked(self, values: Mapping[str, Any]) -> Dict[str, str]:
        """Return the values that people set, in their stored form.

        A field that is no longer defined can be emptied.

        Raises:
            Invalid: any other unknown field, or values that do not fit, with a sentence for each.
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
                raise Invalid(f"There is no custom field '{name[:40]}'; the fields are {names}.")
        if wrong:
            raise Invalid(" ".join(wrong.values()), wrong)
        return found

    def fitting(self, values: Mapping[str, Any]) -> Tuple[Dict[str, str], List[str]]:
        """Return a finding's values that fit, and a sentence for each that does not.

        The sentence goes to everyone who is notified of the signal, so it leaves out the value.
        Columns of the search that no field is defined for are ignored.
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
        """Return the required fields of an incident that have no value."""
        return [
            one
            for one in self.all
            if one.required and not values.get(one.name) and one.fits(severity, team)
        ]

    def check_resolvable(self, severity: str, team: str, values: Mapping[str, str]) -> None:
        """Raise Invalid if an incident has no value in a required field."""
        lacking = [f"{one.label} ({one.name})" for one in self.lacking(severity, team, values)]
        if lacking:
            raise Invalid(f"Set {', '.join(lacking)} before you resolve the incident.")

    def shown_in(self, place: str) -> List[Tuple[str, str]]:
        """Return name and label of the fields that one of PLACES shows."""
        return [(one.name, one.label) for one in self.all if place in one.shown][:MOST_TOLD]


def _options(where: str, kind: str, text: str) -> Tuple[str, ...]:
    options = tuple(dict.fromkeys(show_hidden_characters(one) for one in listed(text)))
    if kind != "choice":
        if options:
            raise RoutingError(
                f"{where} options are only for the kind choice, not for {kind}; remove them."
            )
        return ()
    if not 0 < len(options) <= MAX_OPTIONS or max(map(len, options)) > VALUE_CHARACTERS:
        raise RoutingError(
            f"{where} options needs 1 to {MAX_OPTIONS} values, separated by commas, each of at "
            f"most {VALUE_CHARACTERS} characters."
        )
    if len({one.lower() for one in options}) < len(options):
        raise RoutingError(f"{where} options has two values that differ only in case; remove one.")
    return options
