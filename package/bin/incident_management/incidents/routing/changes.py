"""Which changes of incident_routing.conf the configuration page makes, and which it refuses.

The page is for stanzas of the kinds below. It judges a change by what the whole file would mean
afterwards: what :class:`.conf.Routing` would then find wrong, and has not found before, is refused.
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
"""The kinds, and what people call one of each."""

# What a stanza's header, a list, a pattern or an address can't hold is in no name. Addresses that
# end in _reload and the like are splunkd's own, and browsers resolve . and .. themselves.
_INNER = r"""\[\]*?:,/\\()#=;"\x00-\x1f\x7f"""
NAME = re.compile(rf"^[^\s{_INNER}_.]([^{_INNER}]{{0,98}}[^\s{_INNER}])?$")
NAME_RULE = (
    "A name has 1 to 100 characters, no blank at its ends, no _ or . at its beginning, and none of "
    '[ ] * ? : , / \\ ( ) # = ; ".'
)
SHIPPED = frozenset(
    (
        *("team:operations", "rule:default", "escalation:critical"),
        *("sla:critical", "sla:high", "sla:medium"),
    )
)
"""Stanzas of the app's default folder, which nobody can delete."""

# What a sentence says of how to mend it. What somebody wrote stands in quotes, and before it.
_ADVICE = re.compile(r"; [^']*$")
# Who names something: so many are listed.
NAMED = 5

Stanzas = Mapping[str, Mapping[str, str]]
# Ids of open incidents of a team: some, or none.
OpenOf = Callable[[str], List[str]]


def stanza_of(kind: str, name: str) -> str:
    """Return the header of a stanza."""
    return f"{kind}:{name}"


def is_off(values: Mapping[str, str]) -> bool:
    """Whether a stanza counts for nothing."""
    return is_true(values.get("disabled"))


def check_change(
    now: Stanzas,
    kind: str,
    name: str,
    values: Optional[Mapping[str, str]],
    open_of: OpenOf,
    moment: float,
) -> None:
    """Raise Invalid, with one sentence, for a change that is not to be made.

    Args:
        now: the file's stanzas, each with all its settings.
        values: the settings that are changed or added; None deletes the stanza.
        open_of: asked only when a team would be gone.
        moment: when it is changed, epoch seconds.
    """
    stanza = stanza_of(kind, name)
    if values is None and stanza in SHIPPED - {"rule:default"}:
        raise Invalid(
            f"The {KINDS[kind]} '{name}' comes with the app and can't be deleted: switch it off."
        )
    if kind == "calendar" and stanza not in now and name.lower() in (ALWAYS_WORD, TEAM_HOURS):
        raise Invalid(f"Among hours '{name}' has a meaning already: choose another name.")
    after = _after(now, stanza, values)
    if stanza == "rule:default" and is_off(after.get(stanza, {"disabled": "1"})):
        raise Invalid("The rule 'default' takes what no other rule took: give it another team.")
    before, then = Routing.from_stanzas(now), Routing.from_stanzas(after)
    if kind == "rule" and before.rules and not then.rules:
        raise Invalid("This is the last rule, and without one no incident gets a team: keep it.")
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
        # What is switched on later has to be right as well.
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
    """Raise Invalid for what something still names, saying who does."""
    found = [_shown(*one) for one in references_to(now, kind, name)]
    if found:
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise Invalid(
            f"The {KINDS[kind]} '{name}' is still named by {', '.join(found[:NAMED])}{more}: "
            "change that first."
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
            f"Open incidents are with the team '{team}', such as {found[0]}: assign them to "
            "another team first."
        )


def _check_current_turn(before: Rota, then: Rota, moment: float, form: str) -> None:
    """Raise Invalid where a list of another length moves the present turn to somebody else.

    Who changes the start as well, or puts somebody in another's place, means it. ``form`` is how
    the stanza writes a start.
    """
    if not (before.members and then.members) or before.handovers != then.handovers:
        return
    number = before.handovers.number_at(moment)
    had, has = before.whose_turn(number), then.whose_turn(number)
    if had == has or had not in then.members or len(before.members) == len(then.members):
        return
    begins = before.handovers.first + number * before.handovers.step
    raise Invalid(
        f"It is the turn of '{had}', and by this list it would be that of '{has}': name {had} "
        f"first and set the start to {begins:{form}}, when this turn began."
    )


def _check_names(routing: Routing, kind: str, values: Mapping[str, str]) -> None:
    """Raise Invalid for a team that there is not, naming those that there are."""
    wanted = values.get({"rule": "team", "team": "fallback"}.get(kind, ""), "").strip()
    if wanted and not is_off(values):
        routing.check_team(wanted)


def _check_patterns(stanza: str, values: Mapping[str, str]) -> None:
    """Raise Invalid for a pattern that no incident can fit, among the settings that change."""
    for pattern in listed(values.get("severity", "")):
        if not any(matches(severity, pattern) for severity in SEVERITIES):
            raise Invalid(
                f"{CONF} [{stanza}] severity names '{pattern}'; the severities are "
                f"{', '.join(SEVERITIES)}."
            )
    for pattern in listed(values.get("field", "")):
        if "=" not in pattern and "*" not in pattern:
            raise Invalid(
                f"{CONF} [{stanza}] field is '{pattern}'; write a field and its value, such as "
                "region=eu*."
            )


def _check_problems(before: Routing, then: Routing) -> None:
    # What was a part of a longer sentence is not new.
    known = [_without_advice(text) for text in before.problems]
    new = [text for text in then.problems if not any(_without_advice(text) in old for old in known)]
    if new:
        raise Invalid(new[0])


def _without_advice(problem: str) -> str:
    """Return what is wrong, without what could be written: that lists teams and channels."""
    return _ADVICE.sub("", problem)
