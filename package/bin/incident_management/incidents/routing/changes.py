"""Check the changes of incident_routing.conf that the configuration page may make.

The page edits stanzas of the kinds below. A change is checked against the whole file: it is refused
if :class:`.conf.Routing` would then find a problem that it has not found before.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, List, Mapping, Optional

from ...conf_values import is_true, listed
from ..clocks.calendar import ALWAYS_WORD
from ..errors import Invalid
from ..model import SEVERITIES
from ..patterns import matches
from .conf import Routing
from .references import TEAM_HOURS, references_to
from .rotas import Rota
from .values import CONF

__all__ = [
    "KINDS",
    "NAME",
    "NAME_RULE",
    "SHIPPED",
    "check_change",
    "check_settings",
    "is_off",
    "stanza_of",
]

KINDS = {
    "team": "team",
    "member": "person",
    "rule": "rule",
    "sla": "service level",
    "escalation": "escalation",
    "calendar": "calendar",
    "rota": "on-call rota",
    "stakeholders": "group of stakeholders",
    "channel": "channel",
    "field": "field",
    "checklist": "checklist",
}
"""The kinds of stanzas, with the page's name for each."""

# Characters that a stanza's header, a list, a pattern or an address can't contain. splunkd reserves
# addresses that end in _reload and the like, and browsers resolve . and .. themselves.
_INNER = r"""\[\]*?:,/\\()#=;"\x00-\x1f\x7f"""
NAME = re.compile(rf"^[^\s{_INNER}_.]([^{_INNER}]{{0,98}}[^\s{_INNER}])?$")
NAME_RULE = (
    "Enter a name of 1 to 100 characters. It must not start or end with a space, start with _ or "
    '., or contain any of [ ] * ? : , / \\ ( ) # = ; ".'
)
SHIPPED = frozenset(
    (
        *("team:operations", "rule:default", "escalation:critical"),
        *("sla:critical", "sla:high", "sla:medium"),
    )
)
"""Stanzas of the app's default folder, which can't be deleted."""

# The advice at the end of a sentence; quoted values come before it.
_ADVICE = re.compile(r"; [^']*$")
# How many references to something are listed.
NAMED = 5

Stanzas = Mapping[str, Mapping[str, str]]
# Ids of open incidents of a team: some, or none.
OpenOf = Callable[[str], List[str]]


def stanza_of(kind: str, name: str) -> str:
    """Return the header of a stanza."""
    return f"{kind}:{name}"


def is_off(values: Mapping[str, str]) -> bool:
    """Tell whether a stanza is switched off."""
    return is_true(values.get("disabled"))


def check_change(
    now: Stanzas,
    kind: str,
    name: str,
    values: Optional[Mapping[str, str]],
    open_of: OpenOf,
    moment: float,
) -> None:
    """Raise Invalid, with one sentence, for a change that must not be made.

    Args:
        now: the file's stanzas, each with all its settings.
        values: the settings that are changed or added; None deletes the stanza.
        open_of: returns open incidents of a team; called only if a team would be removed.
        moment: when it is changed, epoch seconds.
    """
    stanza = stanza_of(kind, name)
    if values is None and stanza in SHIPPED - {"rule:default"}:
        raise Invalid(
            f"The {KINDS[kind]} '{name}' comes with the app and can't be deleted. "
            "Switch it off instead."
        )
    if kind == "calendar" and stanza not in now and name.lower() in (ALWAYS_WORD, TEAM_HOURS):
        raise Invalid(f"'{name}' is a reserved word for hours. Choose another name.")
    after = _after(now, stanza, values)
    if stanza == "rule:default" and is_off(after.get(stanza, {"disabled": "1"})):
        raise Invalid(
            "The rule 'default' is for incidents that no other rule matches, and must stay. Change "
            "its team instead."
        )
    before, then = Routing.from_stanzas(now), Routing.from_stanzas(after)
    if kind == "rule" and before.rules and not then.rules:
        raise Invalid(
            "This is the last rule. Keep it, because without a rule no incident gets a team."
        )
    if _is_removed(kind, now.get(stanza), after.get(stanza)):
        _check_not_referenced(now, kind, name)
        if kind == "team":
            _check_no_open_incidents(name, open_of)
    elif kind == "rota" and name in before.rotas and name in then.rotas:
        counted = after[stanza].get("handover", "").strip().lower().startswith("every")
        form = "%Y-%m-%d %H:%M" if counted else "%Y-%m-%d"
        _check_current_turn(before.rotas[name], then.rotas[name], moment, form)
    _check_names(then, kind, after.get(stanza, {}))
    _check_patterns(stanza, values or {})
    _check_problems(before, then)
    if values is not None and is_off(after[stanza]):
        # The stanza must be valid when it is switched on later.
        _check_problems(before, Routing.from_stanzas({**after, stanza: _on(after[stanza])}))


def check_settings(now: Stanzas, stanza: str, values: Mapping[str, str]) -> None:
    """Raise Invalid for settings of [general], [capacity] or [announce] that mean nothing."""
    _check_problems(Routing.from_stanzas(now), Routing.from_stanzas(_after(now, stanza, values)))


def _after(
    now: Stanzas, stanza: str, values: Optional[Mapping[str, str]]
) -> Dict[str, Dict[str, str]]:
    after = {header: dict(settings) for header, settings in now.items()}
    if values is None:
        after.pop(stanza, None)
    else:
        after[stanza] = {**after.get(stanza, {}), **values}
    return after


def _on(values: Mapping[str, str]) -> Dict[str, str]:
    return {**values, "disabled": "0"}


def _is_removed(
    kind: str, before: Optional[Mapping[str, str]], after: Optional[Mapping[str, str]]
) -> bool:
    """Tell whether a change removes a name that other stanzas could refer to.

    Removing a person's stanza does not: :func:`.references.unknown_people` checks whether a team
    still names the person. A channel that is switched off can still be named.
    """
    if before is None or kind == "member":
        return False
    if kind == "channel":
        return after is None
    return not is_off(before) and (after is None or is_off(after))


def _check_not_referenced(now: Stanzas, kind: str, name: str) -> None:
    """Raise Invalid if other stanzas still refer to a name, and list them."""
    found = [_shown(*one) for one in references_to(now, kind, name)]
    if found:
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise Invalid(
            f"The {KINDS[kind]} '{name}' is still used by {', '.join(found[:NAMED])}{more}. "
            "Change that first."
        )


def _shown(header: str, setting: str) -> str:
    kind, _, name = header.partition(":")
    what = f"the {KINDS[kind]} '{name}'" if kind in KINDS else "Announcements"
    return f"{what} ({setting.replace('.', ' ')})"


def _check_no_open_incidents(team: str, open_of: OpenOf) -> None:
    """Raise Invalid for a team that still has open incidents."""
    found = open_of(team)
    if found:
        raise Invalid(
            f"The team '{team}' still has open incidents, such as {found[0]}. Assign them to "
            "another team first."
        )


def _check_current_turn(before: Rota, then: Rota, moment: float, form: str) -> None:
    """Raise Invalid if a list of another length moves the current turn to another person.

    A change of the start, or a replaced person, is intended and allowed. ``form``: the format of
    the stanza's start.
    """
    if not (before.members and then.members) or before.handovers != then.handovers:
        return
    number = before.handovers.number_at(moment)
    had, has = before.whose_turn(number), then.whose_turn(number)
    if had == has or had not in then.members or len(before.members) == len(then.members):
        return
    begins = before.handovers.first + number * before.handovers.step
    raise Invalid(
        f"The current turn is '{had}'; with this list it would be '{has}'. To keep it, list {had} "
        f"first and set the start to {begins:{form}}, when this turn began."
    )


def _check_names(routing: Routing, kind: str, values: Mapping[str, str]) -> None:
    """Raise Invalid for an unknown team, and list the known ones."""
    wanted = values.get({"rule": "team", "team": "fallback"}.get(kind, ""), "").strip()
    if wanted and not is_off(values):
        routing.check_team(wanted)


def _check_patterns(stanza: str, values: Mapping[str, str]) -> None:
    """Raise Invalid for a changed pattern that no incident can match."""
    for pattern in listed(values.get("severity", "")):
        if not any(matches(severity, pattern) for severity in SEVERITIES):
            raise Invalid(
                f"{CONF} [{stanza}] severity has the unknown value '{pattern}'; the severities are "
                f"{', '.join(SEVERITIES)}."
            )
    for pattern in listed(values.get("field", "")):
        if "=" not in pattern and "*" not in pattern:
            raise Invalid(
                f"{CONF} [{stanza}] field is '{pattern}'; write a field and its value, such as "
                "region=eu*."
            )


def _check_problems(before: Routing, then: Routing) -> None:
    # A problem that was part of a longer sentence is not new.
    known = [_without_advice(text) for text in before.problems]
    new = [text for text in then.problems if not any(_without_advice(text) in old for old in known)]
    if new:
        raise Invalid(new[0])


def _without_advice(problem: str) -> str:
    """Return a problem without its advice, which may list teams and channels."""
    return _ADVICE.sub("", problem)
