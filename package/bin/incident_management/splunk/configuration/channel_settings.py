"""The settings of the notification channels; see :mod:`.settings`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, Mapping, Tuple, Union

from ...mailboxes import ADDRESS
from .stanza import Stanza

__all__ = [
    "ACKNOWLEDGE",
    "BASIC",
    "CHANNEL_READERS",
    "CHANNEL_SETTINGS",
    "CLIENT",
    "NOTE_ONLY",
    "NO_TLS",
    "PASSWORD",
    "RESOLVE",
    "TLS",
    "Email",
    "Jira",
    "PagerDuty",
    "ServiceNow",
    "Slack",
    "Teams",
]

# As ServiceNow and Jira allow them; they become part of addresses and queries.
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,79}")
_PROJECT = re.compile(r"[A-Z][A-Z0-9_]{0,254}")
_STATE = re.compile(r"-?\d{1,6}")

# What a ticket that is resolved there does to its incident, besides standing on its timeline.
NOTE_ONLY, RESOLVE = "note", "resolve"
# What an acknowledgement in PagerDuty does besides.
ACKNOWLEDGE = "acknowledge"
# How the app signs in to ServiceNow or a mail server: with a password, or by OAuth.
BASIC, CLIENT, PASSWORD = "basic", "client_credentials", "password"
LEAST_LOOK_SECONDS = 5.0
# How a mail server is spoken to: TLS that is asked for, TLS from the beginning, or without.
STARTTLS, TLS, NO_TLS = "starttls", "tls", "plain"
# As a file could say it, until it was seen that UCC's page keeps no such word.
_NO_TLS_BEFORE = "none"
_ROOM = re.compile(r"(?=.*\{id\})([a-z0-9_-]|\{(date|id|title)\}){4,40}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")


def _more_fields() -> Mapping[str, Any]:
    """Return the setting for additional fields of new tickets, by the service's field names."""
    more: Mapping[str, Any] = field(default_factory=dict, metadata={"shipped": ""})
    return more


def _follow_up_tickets() -> bool:
    """Return the setting for whether each follow-up gets a ticket automatically."""
    for_each: bool = field(default=False, metadata={"shipped": "0"})
    return for_each


def _polling_interval() -> float:
    """Return the setting for how often tickets are polled, in seconds; 0: never."""
    every: float = field(default=120.0, metadata={"shipped": "2m"})
    return every


@dataclass(frozen=True)
class Slack:
    """``room_…`` are for incident channels: which severities get one automatically, how many an
    hour at most, and how long after the close they are archived, in seconds (0: never).
    """

    bot_token: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    channel: str = ""
    api_url: str = "https://slack.com/api/"
    room_severities: Tuple[str, ...] = field(default=(), metadata={"shipped": ""})
    room_name: str = "inc-{date}-{id}-{title}"
    room_private: bool = field(default=False, metadata={"shipped": "0"})
    room_per_hour: int = field(default=10, metadata={"shipped": "10"})
    room_archive_after: float = field(default=86400.0, metadata={"shipped": "1d"})


@dataclass(frozen=True)
class Teams:
    webhook_url: str = field(default="", repr=False)


@dataclass(frozen=True)
class PagerDuty:
    """``api_token`` and the settings after it are for polling PagerDuty; without it, nothing is
    polled.
    """

    routing_key: str = field(default="", repr=False)
    api_url: str = "https://events.pagerduty.com"
    api_token: str = field(default="", repr=False)
    rest_url: str = "https://api.pagerduty.com"
    look_every: float = field(default=0.0, metadata={"shipped": "1m"})
    when_acknowledged: str = ACKNOWLEDGE
    when_resolved: str = NOTE_ONLY


@dataclass(frozen=True)
class ServiceNow:
    """``assignment_group`` and ``close_code`` are the instance's own values.

    ``username`` is the app's user there, whichever way it signs in: changes by that user are the
    app's own. ``when_resolved``, here and in Jira, is :data:`NOTE_ONLY` or :data:`RESOLVE`.
    ``follow_up_…`` are for tickets of follow-ups: empty ones are the same as for incidents.
    """

    instance_url: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    table: str = "incident"
    assignment_group: str = ""
    close_code: str = "Solution provided"
    look_every: float = _polling_interval()
    when_resolved: str = NOTE_ONLY
    more_fields: Mapping[str, Any] = _more_fields()
    sign_in: str = BASIC
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    follow_up_tickets: bool = _follow_up_tickets()
    follow_up_table: str = ""
    follow_up_assignment_group: str = ""
    follow_up_open_state: str = ""
    follow_up_done_state: str = ""
    follow_up_fields: Mapping[str, Any] = _more_fields()

    def of_follow_ups(self) -> ServiceNow:
        """Return the settings for tickets of follow-ups.

        The additional fields of incidents' tickets apply only if the table is the same.
        """
        table = self.follow_up_table or self.table
        return replace(
            self,
            table=table,
            assignment_group=self.follow_up_assignment_group or self.assignment_group,
            more_fields=_besides(self, table == self.table),
        )


@dataclass(frozen=True)
class Jira:
    """``project`` is the key of a project of Jira Cloud."""

    site_url: str = ""
    email: str = ""
    api_token: str = field(default="", repr=False)
    project: str = ""
    issue_type: str = "Task"
    look_every: float = _polling_interval()
    when_resolved: str = NOTE_ONLY
    more_fields: Mapping[str, Any] = _more_fields()
    follow_up_tickets: bool = _follow_up_tickets()
    follow_up_project: str = ""
    follow_up_issue_type: str = ""
    follow_up_fields: Mapping[str, Any] = _more_fields()

    def of_follow_ups(self) -> Jira:
        """As :meth:`ServiceNow.of_follow_ups`; compares the project and issue type."""
        project = self.follow_up_project or self.project
        issue_type = self.follow_up_issue_type or self.issue_type
        is_same = (project, issue_type) == (self.project, self.issue_type)
        fields = _besides(self, is_same)
        return replace(self, project=project, issue_type=issue_type, more_fields=fields)


def _besides(settings: Union[Jira, ServiceNow], is_same_place: bool) -> Mapping[str, Any]:
    shared = settings.more_fields if is_same_place else {}
    return {**shared, **settings.follow_up_fields}


@dataclass(frozen=True)
class Email:
    """``recipients`` get the mails of incidents whose team has no recipients of its own."""

    server: str = ""
    port: int = field(default=587, metadata={"shipped": "587"})
    encryption: str = STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    recipients: Tuple[str, ...] = field(default=(), metadata={"shipped": ""})
    sign_in: str = BASIC
    token_url: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    scope: str = "https://outlook.office365.com/.default"


# Their names and defaults are those of the configuration page.
CHANNEL_SETTINGS = {
    "slack": Slack,
    "teams": Teams,
    "pagerduty": PagerDuty,
    "servicenow": ServiceNow,
    "jira": Jira,
    "email": Email,
}


def _slack(stanza: Stanza) -> Slack:
    tokens = stanza.secret("bot_token"), stanza.token("app_token", "xapp-")
    form = "letters a-z, digits, - and _ with {date}, {title} and, in any case, {id}"
    return Slack(
        *tokens,
        stanza.text("channel"),
        stanza.url("api_url", Slack.api_url),
        stanza.severities("room_severities"),
        stanza.matching("room_name", _ROOM, form, Slack.room_name),
        stanza.flag("room_private"),
        int(stanza.number("room_per_hour", 10, 1, 100)),
        stanza.period("room_archive_after", "1d", 300.0),
    )


def _teams(stanza: Stanza) -> Teams:
    return Teams(stanza.url("webhook_url", secret=True))


def _pagerduty(stanza: Stanza) -> PagerDuty:
    token, every = stanza.secret("api_token"), stanza.period("look_every", "1m", LEAST_LOOK_SECONDS)
    return PagerDuty(
        stanza.secret("routing_key"),
        stanza.url("api_url", PagerDuty.api_url),
        token,
        stanza.url("rest_url", PagerDuty.rest_url),
        every if token else 0.0,
        stanza.choice("when_acknowledged", (ACKNOWLEDGE, NOTE_ONLY)),
        stanza.choice("when_resolved", (NOTE_ONLY, RESOLVE)),
    )


def _servicenow(stanza: Stanza) -> ServiceNow:
    return ServiceNow(
        stanza.url("instance_url"),
        stanza.text("username"),
        stanza.secret("password"),
        stanza.matching("table", _TABLE, "the name of a table, such as incident", ServiceNow.table),
        stanza.text("assignment_group"),
        stanza.text("close_code", ServiceNow.close_code),
        stanza.period("look_every", "2m", LEAST_LOOK_SECONDS),
        stanza.choice("when_resolved", (NOTE_ONLY, RESOLVE)),
        stanza.json_object("more_fields"),
        stanza.choice("sign_in", (BASIC, CLIENT, PASSWORD)),
        stanza.text("client_id"),
        stanza.secret("client_secret"),
        stanza.flag("follow_up_tickets"),
        stanza.matching("follow_up_table", _TABLE, "the name of a table, such as task"),
        stanza.text("follow_up_assignment_group"),
        stanza.matching("follow_up_open_state", _STATE, "the number of a state, such as 2"),
        stanza.matching("follow_up_done_state", _STATE, "the number of a state, such as 3"),
        stanza.json_object("follow_up_fields"),
    )


def _jira(stanza: Stanza) -> Jira:
    return Jira(
        stanza.url("site_url"),
        stanza.text("email"),
        stanza.secret("api_token"),
        stanza.matching("project", _PROJECT, "the key of a project, such as OPS"),
        stanza.text("issue_type", Jira.issue_type),
        stanza.period("look_every", "2m", LEAST_LOOK_SECONDS),
        stanza.choice("when_resolved", (NOTE_ONLY, RESOLVE)),
        stanza.json_object("more_fields"),
        stanza.flag("follow_up_tickets"),
        stanza.matching("follow_up_project", _PROJECT, "the key of a project, such as OPS"),
        stanza.text("follow_up_issue_type"),
        stanza.json_object("follow_up_fields"),
    )


def _email(stanza: Stanza) -> Email:
    encryption = stanza.choice("encryption", (STARTTLS, TLS, NO_TLS, _NO_TLS_BEFORE))
    return Email(
        stanza.matching("server", _HOST, "the name of a mail server, such as smtp.example.com"),
        int(stanza.number("port", 587, 1, 65535)),
        NO_TLS if encryption == _NO_TLS_BEFORE else encryption,
        stanza.text("username"),
        stanza.secret("password"),
        stanza.matching("sender", ADDRESS, "an e-mail address, such as splunk@example.com"),
        stanza.addresses("recipients"),
        stanza.choice("sign_in", (BASIC, CLIENT)),
        stanza.url("token_url"),
        stanza.text("client_id"),
        stanza.secret("client_secret"),
        stanza.text("scope", Email.scope),
    )


CHANNEL_READERS: Dict[str, Callable[[Stanza], Any]] = {
    "slack": _slack,
    "teams": _teams,
    "pagerduty": _pagerduty,
    "servicenow": _servicenow,
    "jira": _jira,
    "email": _email,
}
