"""Read single values of incident_routing.conf; each error names the stanza and the key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional, Sequence, Tuple

from ...channels import CHANNELS
from ...conf_values import listed
from ...durations import seconds_of
from ...mailboxes import addresses
from ..errors import RoutingError
from ..patterns import matches

__all__ = [
    "CONF",
    "AnnounceChannel",
    "ForIncidents",
    "announce_channels",
    "choice",
    "duration",
    "email_addresses",
    "matching",
    "number",
    "optional_duration",
    "some_of",
    "user_name",
    "user_names",
]

CONF = "incident_routing.conf"
# Follows a channel of [announce] that is used only if it is configured.
IF_SET_UP = "?"


class ForIncidents:
    """Applies to incidents whose severity and team match its patterns."""

    severity: str
    team: str

    def fits(self, severity: str, team: str) -> bool:
        """Tell whether the stanza applies to incidents of a severity and a team."""
        return bool(matching(self.severity, [severity])[1] and matching(self.team, [team])[1])


@dataclass(frozen=True)
class AnnounceChannel:
    """A channel that gets an event; ``if_set_up``: only if the channel is configured."""

    channel: str
    if_set_up: bool = False


def duration(text: str, where: str = "The duration") -> float:
    """Return the seconds of a time span. Raises RoutingError naming ``where``."""
    try:
        return seconds_of(text)
    except ValueError as error:
        raise RoutingError(f"{where} {error}.") from error


def optional_duration(where: str, values: Mapping[str, str], key: str) -> Optional[float]:
    """Return the seconds of a setting, None if it is empty. Raises RoutingError, also for zero."""
    text = values.get(key, "").strip()
    if not text:
        return None
    seconds = duration(text, f"{where} {key}")
    if seconds <= 0:
        raise RoutingError(f"{where} {key} is '{text}'; set a time above zero, or leave it empty.")
    return seconds


def number(where: str, values: Mapping[str, str], key: str, default: float) -> float:
    """Return a number that is not negative. Raises RoutingError."""
    text = values.get(key, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise RoutingError(f"{where} {key} is '{text}'; set a number.")
    return value


def choice(where: str, values: Mapping[str, str], key: str, known: Sequence[str]) -> str:
    """Return one of the known words; the first is the default. Raises RoutingError."""
    text = values.get(key, "").strip().lower() or known[0]
    if text not in known:
        raise RoutingError(f"{where} {key} is '{text}'; use {' or '.join(known)}.")
    return text


def user_names(text: str) -> Tuple[str, ...]:
    """Return a list of user names in the spelling of :func:`user_name`."""
    return listed(user_name(text))


def user_name(name: str) -> str:
    """Return a user name in lowercase, in which names are compared.

    "Usernames are case insensitive in the Splunk platform" (``userNameAttribute`` in
    authentication.conf.spec).
    """
    return name.lower()


def email_addresses(where: str, text: str) -> Tuple[str, ...]:
    """Return a list of e-mail addresses. Raises RoutingError."""
    try:
        return addresses(text)
    except ValueError as error:
        raise RoutingError(f"{where} {error}.") from None


def announce_channels(
    where: str, text: str, channels: Sequence[str] = CHANNELS
) -> Tuple[AnnounceChannel, ...]:
    """Return a list of channels, each optionally followed by ``?``. Raises RoutingError."""
    return tuple(
        AnnounceChannel(
            _one_of(where, word.removesuffix(IF_SET_UP).rstrip(), channels, "channels"),
            word.endswith(IF_SET_UP),
        )
        for word in listed(text)
    )


def some_of(where: str, text: str, known: Sequence[str], noun: str) -> Tuple[str, ...]:
    """Return a list of known words. Raises RoutingError, in which ``noun`` says what they are."""
    return tuple(_one_of(where, word, known, noun) for word in listed(text))


def _one_of(where: str, word: str, known: Sequence[str], noun: str) -> str:
    if word not in known:
        raise RoutingError(f"{where} names '{word}'; the {noun} are {', '.join(known)}.")
    return word


def matching(patterns: str, values: Sequence[str]) -> Tuple[str, str]:
    """Return the first value that matches one of the patterns, and the pattern; blank for none.

    Patterns are separated by commas; ``*`` and ``?`` are wildcards, in any case.
    """
    for pattern in listed(patterns):
        for value in values:
            if matches(value, pattern):
                return value, pattern
    return "", ""
