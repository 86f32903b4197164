"""Parse the search commands' options, and explain in one sentence what is wrong with one.

Not splunklib's ``Option(validate=…)``, which drops the validator's text and says only "Illegal
value".
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, Union

from ..durations import seconds_of
from ..incidents.clocks.zones import zone_named

__all__ = [
    "Choice",
    "Duration",
    "FieldName",
    "FieldNames",
    "Kind",
    "Number",
    "TimeZone",
    "parse_options",
]

_NAME = re.compile(r"[^\s\"'|,=\\]{1,200}")


class Kind:
    """A kind of option value."""

    def parse(self, value: str) -> Any:
        """Return the parsed value. Raises ValueError with one sentence."""
        raise NotImplementedError


def parse_options(
    kinds: Mapping[str, Kind], values: Mapping[str, Any], extra: Iterable[str] = ()
) -> Dict[str, Any]:
    """Parse options by name; one that was not given (None) stays None.

    ``extra`` are arguments without a name, which no command here takes.

    Raises:
        ValueError: an option is malformed; the text names it and says what it should be.
    """
    for argument in extra:
        raise ValueError(
            f"'{argument[:60]}' is not an option; write options as name=value, and several names "
            'in quotes, as in by="service, host".'
        )
    parsed: Dict[str, Any] = {}
    for name, kind in kinds.items():
        value = values.get(name)
        try:
            parsed[name] = None if value is None else kind.parse(str(value).strip())
        except ValueError as error:
            raise ValueError(f"The option {name} is wrong: {error}") from error
    return parsed


class FieldName(Kind):
    """One field name."""

    def parse(self, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(f"'{value[:60]}' is not a field name; use one without blanks.")
        return value


class FieldNames(Kind):
    """Field names by comma or blank."""

    def parse(self, value: str) -> List[str]:
        names = [name for name in re.split(r"[,\s]+", value) if name]
        if not names:
            raise ValueError("no field is named; give one or more, separated by commas.")
        parse = FieldName().parse
        return [parse(name) for name in names]


class Choice(Kind):
    """One of some words."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)

    def parse(self, value: str) -> str:
        if value.lower() not in self.words:
            raise ValueError(f"'{value[:60]}' is not known; use one of {', '.join(self.words)}.")
        return value.lower()


class Number(Kind):
    """A number within bounds."""

    def __init__(self, low: float, high: float, whole: bool = False) -> None:
        self.low, self.high, self.whole = low, high, whole

    def parse(self, value: str) -> Union[int, float]:
        kind = "whole number" if self.whole else "number"
        try:
            number = int(value) if self.whole else float(value)
        except ValueError:
            number = float("nan")
        if not self.low <= number <= self.high:
            bounds = "" if self.low < 0 else f" from {self.low:.0f} to {self.high:.0f}"
            raise ValueError(f"'{value[:60]}' is not a {kind}{bounds}.")
        return number


class TimeZone(Kind):
    """The IANA name of a time zone that this machine knows."""

    def parse(self, value: str) -> str:
        zone_named(value)
        return value


class Duration(Kind):
    """A span of time such as ``5m``, in whole seconds."""

    def parse(self, value: str) -> float:
        try:
            seconds = seconds_of(value, 1.0)
        except ValueError as error:
            raise ValueError(f"it {error}.") from error
        if seconds % 1:
            raise ValueError(
                f"'{value}' is not a whole number of seconds; use one such as 5m or 90s."
            )
        return seconds
