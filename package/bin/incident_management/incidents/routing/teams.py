"""Teams and their people: working hours, capacity and skills."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Collection, Dict, FrozenSet, List, Mapping, Optional, Pattern, Sequence, Tuple

from ...channels import CHANNELS
from ...conf_values import listed
from ..clocks.calendar import ALWAYS, ALWAYS_WORD, Calendar, Days
from ..errors import RoutingError
from .values import CONF, choice, email_addresses, number, some_of, user_name, user_names

__all__ = [
    "Calendars",
    "Member",
    "Team",
    "calendar_named",
    "duplicate_members",
    "invalid_slack_channels",
    "member_in_slack",
    "reports_without_recipient",
    "shared_slack_ids",
    "takes_everything",
]

Calendars = Mapping[str, Calendar]

# Ways to reach one person: by name in the team's channel, at their own address.
PERSONAL = ("slack", "email")
_SLACK_ID = re.compile(r"(T[A-Z0-9]{2,20}/)?[UW][A-Z0-9]{2,20}")
# Letters of other scripts have no case. Besides a name, Slack accepts only an ID; that of a person
# (U, W) is their conversation with the app.
_SLACK_CHANNEL = re.compile(r"#?[^\s#@,:;/.A-Z]{1,80}|[CDGUW][A-Z0-9]{7,20}")
_JIRA_ID = re.compile(r"[A-Za-z0-9:_-]{1,128}")
_SYS_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Member:
    """One person.

    ``capacity`` is how much open work the person takes (None: as the team says), ``calendar`` when
    the person works (None: with the team), ``away`` the days off. ``slack_id`` is the person's
    Slack member ID: ``U…``, or ``T…/U…`` for a member of another workspace than the app's own;
    ``email`` the person's own address; ``jira_id`` and ``servicenow_id`` the person's accounts
    there.
    """

    name: str
    skills: FrozenSet[str] = frozenset()
    capacity: Optional[float] = None
    calendar: Optional[Calendar] = None
    away: Days = field(default_factory=Days, compare=False)
    slack_id: str = ""
    email: str = ""
    jira_id: str = ""
    servicenow_id: str = ""

    @classmethod
    def read(cls, name: str, values: Mapping[str, str], calendars: Calendars) -> Member:
        """Read a stanza. Raises RoutingError."""
        where = f"{CONF} [member:{name}]"
        name = user_name(name)
        hours = values.get("calendar", "").strip()
        return cls(
            name,
            frozenset(skill.lower() for skill in listed(values.get("skills", ""))),
            _capacity(where, values),
            calendar_named(f"{where} calendar", hours, calendars) if hours else None,
            Days.read(f"{where} away", values.get("away", "")),
            _slack_id(where, values),
            _email(where, values),
            _account(where, values, "jira_id", _JIRA_ID, "an account ID of Atlassian"),
            _account(where, values, "servicenow_id", _SYS_ID, "a user's sys_id, 32 hex digits"),
        )

    def known_as(self, channel: str) -> str:
        """Return how a channel addresses this person; blank means that it can't.

        A member of another Slack workspace is mentioned without the workspace.
        """
        known = {
            "slack": self.slack_id.rpartition("/")[2],
            "email": self.email,
            "jira": self.jira_id,
            "servicenow": self.servicenow_id,
        }
        return known.get(channel, "")


@dataclass(frozen=True)
class Team:
    """A team and its settings.

    ``channels``: the channels to notify; empty means as [announce] says. A channel named there, a
    ``slack_channel`` or an ``email`` is used even if the channel is not set up. ``capacity`` and
    ``calendar`` apply to members that have none of their own. ``fallback`` is the team that takes
    what nobody here can take now. ``assign``: ``auto`` or ``manual``, whether the app assigns
    incidents to members. ``rota`` determines who is on call and gets incidents first.
    ``handover_report``: the ways to send the shift report to the person who comes on call by it.
    """

    name: str
    members: Tuple[str, ...] = ()
    channels: Tuple[str, ...] = ()
    slack_channel: str = ""
    email: Tuple[str, ...] = ()
    capacity: Optional[float] = None
    calendar: Calendar = ALWAYS
    fallback: str = ""
    assign: str = "auto"
    rota: str = ""
    handover_report: Tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        name: str,
        values: Mapping[str, str],
        calendars: Calendars,
        teams: Mapping[str, object],
        rotas: Collection[str] = (),
        told: Sequence[str] = CHANNELS,
    ) -> Team:
        """Read a stanza. Raises RoutingError.

        ``teams``, ``rotas`` and ``told`` (channels) hold all known names.
        """
        where = f"{CONF} [team:{name}]"
        fallback = values.get("fallback", "").strip()
        if fallback and (fallback not in teams or fallback == name):
            raise RoutingError(f"{where} fallback is '{fallback}'; choose another existing team.")
        rota = values.get("rota", "").strip()
        if rota and rota not in rotas:
            raise RoutingError(f"{where} rota is '{rota}'; choose an existing rota.")
        return cls(
            name,
            tuple(dict.fromkeys(user_names(values.get("members", "")))),
            some_of(f"{where} channels", values.get("channels", ""), told, "channels"),
            values.get("slack_channel", "").strip(),
            email_addresses(f"{where} email", values.get("email", "")),
            _capacity(where, values),
            calendar_named(f"{where} calendar", values.get("calendar", ""), calendars),
            fallback,
            choice(where, values, "assign", ("auto", "manual")),
            rota,
            some_of(
                f"{where} handover_report",
                values.get("handover_report", ""),
                PERSONAL,
                "ways to reach a person",
            ),
        )

    def names(self, channel: str) -> bool:
        """Tell whether the team names a channel explicitly."""
        own = {"slack": self.slack_channel, "email": self.email}
        return channel in self.channels or bool(own.get(channel))

    def capacity_of(self, member: Member) -> Optional[float]:
        return self.capacity if member.capacity is None else member.capacity

    def hours_of(self, member: Member) -> Calendar:
        """Return when a member is on shift."""
        return (member.calendar or self.calendar).without(member.away)


def calendar_named(where: str, name: str, calendars: Calendars) -> Calendar:
    """Return a calendar by its name; empty means around the clock. Raises RoutingError."""
    name = name.strip()
    if not name or name.lower() == ALWAYS_WORD:
        return ALWAYS
    if name not in calendars:
        raise RoutingError(f"{where} is '{name}'; choose an existing calendar, or {ALWAYS_WORD}.")
    return calendars[name]


def takes_everything(members: Mapping[str, Member], team: Team) -> bool:
    """Tell whether the team has one member, who takes everything at any time."""
    if len(team.members) != 1 or team.rota or team.assign != "auto":
        return False
    member = members.get(team.members[0], Member(team.members[0]))
    return team.capacity_of(member) is None and team.hours_of(member).always


def member_in_slack(members: Mapping[str, Member], workspace: str, user: str) -> str:
    """Return the name of the only member with this Slack user ID; empty without exactly one.

    ``workspace`` is empty for the app's own. An ID that several members share identifies nobody.
    """
    wanted = f"{workspace}/{user}" if workspace else user
    found = [name for name, member in members.items() if user and member.slack_id == wanted]
    return found[0] if len(found) == 1 else ""


def duplicate_members(members: Mapping[str, Member]) -> List[str]:
    """Return a sentence for each person with several stanzas. ``members`` are by stanza name."""
    stanzas: Dict[str, List[str]] = {}
    for stanza, member in members.items():
        stanzas.setdefault(member.name, []).append(f"[member:{stanza}]")
    return [
        f"{CONF}: {' and '.join(names[:5])} are one person, because user names ignore case, and "
        "only the last one counts; keep one."
        for names in stanzas.values()
        if len(names) > 1
    ]


def shared_slack_ids(members: Mapping[str, Member]) -> List[str]:
    """Return a sentence for each Slack ID that several members have."""
    by_id: Dict[str, List[str]] = {}
    for name, member in members.items():
        by_id.setdefault(member.slack_id, []).append(name)
    return [
        f"{CONF}: {' and '.join(sorted(names)[:5])} have the same slack_id '{shared}', so nobody "
        "can use buttons with it; correct it."
        for shared, names in by_id.items()
        if shared and len(names) > 1
    ]


def invalid_slack_channels(named: Sequence[Tuple[str, str]]) -> List[str]:
    """Return a sentence for each place that names an impossible Slack channel.

    ``named``: places, such as ``[team:shop] slack_channel``, each with the channel it names.
    """
    return [
        f"{CONF} {where} is '{channel[:60]}', which is not a Slack channel; set a name such as "
        "#payments (lowercase letters, digits, - and _), or a channel ID."
        for where, channel in named
        if channel and not _SLACK_CHANNEL.fullmatch(channel)
    ]


def reports_without_recipient(teams: Mapping[str, Team]) -> List[str]:
    """Return a sentence for each team whose handover report has no recipient."""
    return [
        f"{CONF} [team:{team.name}] handover_report goes to the person on call, but the team has "
        "no rota; set a rota, or leave this empty."
        for team in teams.values()
        if team.handover_report and not team.rota
    ]


def _email(where: str, values: Mapping[str, str]) -> str:
    found = email_addresses(f"{where} email", values.get("email", ""))
    if len(found) > 1:
        raise RoutingError(f"{where} email has {len(found)} addresses; set only one.")
    return found[0] if found else ""


def _slack_id(where: str, values: Mapping[str, str]) -> str:
    text = values.get("slack_id", "").strip()
    if text and not _SLACK_ID.fullmatch(text):
        raise RoutingError(
            f"{where} slack_id is '{text[:60]}'; set a member ID such as U0123ABCD, as the "
            "person's profile in Slack shows it."
        )
    return text


def _account(
    where: str, values: Mapping[str, str], name: str, form: Pattern[str], what: str
) -> str:
    text = values.get(name, "").strip()
    if text and not form.fullmatch(text):
        raise RoutingError(f"{where} {name} is '{text[:60]}'; set {what}.")
    return text


def _capacity(where: str, values: Mapping[str, str]) -> Optional[float]:
    if not values.get("capacity", "").strip():
        return None
    return number(where, values, "capacity", 0.0)
