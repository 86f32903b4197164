"""Teams and their people: who works when, how much each takes, what each can do."""

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

# Where the app can reach one person: by name in the team's channel, at their own address.
PERSONAL = ("slack", "email")
_SLACK_ID = re.compile(r"(T[A-Z0-9]{2,20}/)?[UW][A-Z0-9]{2,20}")
# Letters of other scripts have no case. An ID is all that Slack takes besides a name; that of a
# person (U, W) is their conversation with the app.
_SLACK_CHANNEL = re.compile(r"#?[^\s#@,:;/.A-Z]{1,80}|[CDGUW][A-Z0-9]{7,20}")
_JIRA_ID = re.compile(r"[A-Za-z0-9:_-]{1,128}")
_SYS_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Member:
    """One person.

    ``capacity`` is how much open work the person takes (None: as the team says), ``calendar``
    when the person works (None: with the team), ``away`` the days off. ``slack_id`` is who this is
    in Slack: ``U…``, or ``T…/U…`` for a member of another workspace than the app's own; ``email``
    the person's own address; ``jira_id`` and ``servicenow_id`` the person's account there.
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

        One of another workspace of Slack is mentioned without the workspace.
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
    """``channels``: where the team wants to be told; empty means wherever [announce] says.
    Whoever names a channel there, a ``slack_channel`` or an ``email`` wants it also when it is not
    set up.

    ``capacity`` and ``calendar`` hold for members that have none of their own. ``fallback`` is
    the team that takes what nobody here can take now. ``assign``: ``auto`` or ``manual``, whether
    the app gives incidents to members. ``rota`` says who of them is on call and gets them first.
    ``handover_report``: how whoever comes on call by it gets the report of the shift before.
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
        """Read a stanza; ``teams``, ``rotas`` and ``told`` (channels) hold the names of all.

        Raises RoutingError.
        """
        where = f"{CONF} [team:{name}]"
        fallback = values.get("fallback", "").strip()
        if fallback and (fallback not in teams or fallback == name):
            raise RoutingError(
                f"{where} fallback is '{fallback}'; name another team that there is."
            )
        rota = values.get("rota", "").strip()
        if rota and rota not in rotas:
            raise RoutingError(f"{where} rota is '{rota}'; name one that there is.")
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
        """Whether the team asks for a channel by name."""
        own = {"slack": self.slack_channel, "email": self.email}
        return channel in self.channels or bool(own.get(channel))

    def capacity_of(self, member: Member) -> Optional[float]:
        return self.capacity if member.capacity is None else member.capacity

    def hours_of(self, member: Member) -> Calendar:
        """When a member is on shift."""
        return (member.calendar or self.calendar).without(member.away)


def calendar_named(where: str, name: str, calendars: Calendars) -> Calendar:
    """Return a calendar by its name; empty is around the clock. Raises RoutingError."""
    name = name.strip()
    if not name or name.lower() == ALWAYS_WORD:
        return ALWAYS
    if name not in calendars:
        raise RoutingError(f"{where} is '{name}'; name a calendar that there is, or {ALWAYS_WORD}.")
    return calendars[name]


def takes_everything(members: Mapping[str, Member], team: Team) -> bool:
    """Whether the team has one member, who takes everything at any time."""
    if len(team.members) != 1 or team.rota or team.assign != "auto":
        return False
    member = members.get(team.members[0], Member(team.members[0]))
    return team.capacity_of(member) is None and team.hours_of(member).always


def member_in_slack(members: Mapping[str, Member], workspace: str, user: str) -> str:
    """Return the name of the one member who is a user of a Slack workspace; empty: nobody is.

    ``workspace`` is empty for the app's own. Who shares an id with another member is nobody.
    """
    wanted = f"{workspace}/{user}" if workspace else user
    found = [name for name, member in members.items() if user and member.slack_id == wanted]
    return found[0] if len(found) == 1 else ""


def duplicate_members(members: Mapping[str, Member]) -> List[str]:
    """Return a sentence for each person who has several stanzas (given by their names)."""
    stanzas: Dict[str, List[str]] = {}
    for stanza, member in members.items():
        stanzas.setdefault(member.name, []).append(f"[member:{stanza}]")
    return [
        f"{CONF}: {' and '.join(names[:5])} are one person, as user names have no case, and only "
        "the last of them counts; keep one."
        for names in stanzas.values()
        if len(names) > 1
    ]


def shared_slack_ids(members: Mapping[str, Member]) -> List[str]:
    """Return a sentence for each id that several members have."""
    by_id: Dict[str, List[str]] = {}
    for name, member in members.items():
        by_id.setdefault(member.slack_id, []).append(name)
    return [
        f"{CONF}: {' and '.join(sorted(names)[:5])} have the same slack_id '{shared}', so nobody "
        "can press buttons under it; correct it."
        for shared, names in by_id.items()
        if shared and len(names) > 1
    ]


def invalid_slack_channels(named: Sequence[Tuple[str, str]]) -> List[str]:
    """Return a sentence for each place that names what can be no channel of Slack.

    ``named``: places, such as ``[team:shop] slack_channel``, each with what it names.
    """
    return [
        f"{CONF} {where} is '{channel[:60]}', which is no channel of Slack; set a name such as "
        "#payments (small letters, digits, - and _), or a channel's ID."
        for where, channel in named
        if channel and not _SLACK_CHANNEL.fullmatch(channel)
    ]


def reports_without_recipient(teams: Mapping[str, Team]) -> List[str]:
    """Return a sentence for each team whose handover report nobody gets."""
    return [
        f"{CONF} [team:{team.name}] handover_report goes to who is on call, and the team has no "
        "rota; set one, or leave this empty."
        for team in teams.values()
        if team.handover_report and not team.rota
    ]


def _email(where: str, values: Mapping[str, str]) -> str:
    found = email_addresses(f"{where} email", values.get("email", ""))
    if len(found) > 1:
        raise RoutingError(f"{where} email holds {len(found)} addresses; set one.")
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
