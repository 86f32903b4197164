"""Jira Cloud: one issue for one incident, or for one follow-up, through REST API v3.

The incident's (or follow-up's) id is a label of the issue. Each comment carries the id of its
message in a property, so a message whose answer was lost is recognised when it is repeated. Texts
are Atlassian Document Format, whose text nodes have no markup. Jira's search lags behind new
issues, so a creation whose answer was lost is not repeated within the first minute.

In a service project (Jira Service Management) a comment is visible to customers unless it says
otherwise (``jsdPublic`` of "Add comment": "Defaults to true"). Ours hold log lines and causes, so
they are internal, as ServiceNow's work notes are. Elsewhere that property has no effect.

Sources: "Issues", "Issue search", "Issue comments" of "The Jira Cloud platform REST API" (v3). The
property that makes a comment internal is the one that Service Management itself uses.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import quote

from ...outside.transport import Network
from ...ports import Clock
from ...splunk.configuration.settings import Jira
from ..channel import Delivery, Inquiry, Notification, sent
from ..message import Message
from .tickets import (
    FAILURES,
    Refused,
    Service,
    attempt,
    basic,
    configured,
    facts,
    is_over,
    known_ticket,
    more,
    opens,
    reference,
    subject,
)

__all__ = ["PROPERTY", "JiraSender", "document", "service_of"]

LABEL = "splunk-incident"
PROPERTY = "incident-management"
_INTERNAL = {"key": "sd.public.comment", "value": {"internal": True}}
SEARCH_LAG_SECONDS = 60.0
# An incident's messages are sent one by one, so a repeated one is among the newest comments.
COMMENTS_READ = 20


class JiraSender:
    """Sends to one project. Raises NotConfigured when a setting is missing or unusable."""

    def __init__(self, settings: Jira, network: Network, clock: Clock) -> None:
        self._service = service_of(settings, network, clock)
        self._settings = settings
        self._of_follow_ups = settings.of_follow_ups()
        self._clock = clock

    def send(self, notification: Notification) -> Delivery:
        """Open the incident's issue, or comment on it and move it along."""
        return attempt(lambda: self._send(notification))

    def ask(self, notification: Notification) -> Inquiry:
        """Return whether a repeat is safe: it checks Jira first, whose search lags a creation."""
        age = self._clock.now() - (notification.begun or notification.first_sent)
        try:
            if age < SEARCH_LAG_SECONDS and self._known(notification) is None:
                return Inquiry("later", "Jira's search may not know the issue yet.")
        except FAILURES as error:
            return Inquiry("later", f"Jira can't be asked just now: {error}")
        return Inquiry("harmless", "A repeat looks first whether it arrived.")

    def _send(self, notification: Notification) -> Delivery:
        message = Message.from_document(notification.message)
        issue = self._found(notification)
        if issue is None:
            if not opens(message):
                # Jira has no issue of this incident, so there is nothing to change.
                return sent({})
            return sent(self._receipt(self._open(notification, message), message))
        if issue["properties"].get(PROPERTY, {}).get("message") == notification.id:
            return sent(self._receipt(issue, message))
        path = f"/issue/{quote(issue['id'], safe='')}"
        status = issue["fields"]["status"]
        if not self._has_comment(path, notification.id):
            status, remark = self._move(path, status, message)
            refused = self._edit(path, message)
            self._comment(path, notification, message, f"{remark} {refused}".strip())
            issue["fields"].update({} if refused else _assigned(_planned(message)))
        return sent({**self._receipt(issue, message), **_left_in(status, message)})

    def _found(self, notification: Notification) -> Optional[Dict[str, Any]]:
        """Return the incident's newest issue, with its status' category; None if there is none.

        If the known one was deleted, a newer one may exist whose creation had its answer lost.
        """
        return self._known(notification) or self._issue(self._searched(notification))

    def _known(self, notification: Notification) -> Optional[Dict[str, Any]]:
        return self._issue(known_ticket(notification))

    def _issue(self, issue_id: str) -> Optional[Dict[str, Any]]:
        if not issue_id:
            return None
        path = f"/issue/{quote(issue_id, safe='')}?fields=status,assignee&properties={PROPERTY}"
        found = self._service.find(path)
        return {"properties": {}, **found, "id": str(found["id"])} if found else None

    def _searched(self, notification: Notification) -> str:
        # JQL takes the characters of both literally inside quotes: see Jira in settings.
        jql = (
            f'project = "{self._place(notification).project}" AND '
            f'labels = "{reference(notification)}" '
            "ORDER BY created DESC"
        )
        body = {"jql": jql, "maxResults": 1, "fields": ["status"]}
        issues = self._service.call("POST", "/search/jql", body).get("issues") or []
        return str(issues[0]["id"]) if issues else ""

    def _place(self, notification: Notification) -> Jira:
        """Return the settings of the place where a message's issue is."""
        return self._of_follow_ups if notification.message.get("follow_up") else self._settings

    def _open(self, notification: Notification, message: Message) -> Mapping[str, Any]:
        place, wished = self._place(notification), _planned(message)
        fields = {
            **more(place.more_fields, message),
            "project": {"key": place.project},
            "issuetype": {"name": place.issue_type},
            "summary": subject(message),
            "description": document(message, True),
            "labels": [LABEL, reference(notification)],
        }
        properties = [{"key": PROPERTY, "value": {"message": notification.id}}]

        def make() -> Mapping[str, Any]:
            body = {"fields": {**fields, **wished}, "properties": properties}
            return {**self._service.call("POST", "/issue", body), "fields": _assigned(wished)}

        try:
            return make()
        except Refused as error:
            refused = [name for name in wished if f"{name}: " in str(error)]
            if error.status != 400 or not refused:
                raise
        # The screen lacks the field, or nobody may be assigned: the text has both values.
        for name in refused:
            del wished[name]
        return make()

    def _edit(self, path: str, message: Message) -> str:
        """Set a follow-up's changed fields; return a remark for people if Jira rejects them."""
        fields = _planned(message)
        if not fields:
            return ""
        try:
            self._service.call("PUT", path, {"fields": fields})
        except Refused as error:
            if error.delivery.outcome != "dead":
                raise
            return f"Splunk could not change this issue's {' and '.join(fields)}. {error}"
        return ""

    def _receipt(self, issue: Mapping[str, Any], message: Message) -> Dict[str, str]:
        receipt = {"ticket": str(issue.get("id", "")), "number": str(issue.get("key", ""))}
        if message.follow_up:
            site = self._settings.site_url.rstrip("/")
            receipt["url"] = f"{site}/browse/{quote(receipt['number'], safe='')}"
            if message.mention and _assignee(issue) == message.mention:
                receipt["assignee"] = message.mention
        return receipt

    def _has_comment(self, path: str, message_id: str) -> bool:
        query = f"orderBy=-created&maxResults={COMMENTS_READ}&expand=properties"
        comments = self._service.call("GET", f"{path}/comment?{query}").get("comments") or []
        return any(
            one.get("key") == PROPERTY and (one.get("value") or {}).get("message") == message_id
            for comment in comments
            for one in comment.get("properties") or []
        )

    def _comment(
        self, path: str, notification: Notification, message: Message, remark: str
    ) -> None:
        body = {
            "body": document(message, False, remark),
            "properties": [{"key": PROPERTY, "value": {"message": notification.id}}, _INTERNAL],
        }
        self._service.call("POST", f"{path}/comment", body)

    def _move(
        self, path: str, status: Mapping[str, Any], message: Message
    ) -> Tuple[Mapping[str, Any], str]:
        """Move the issue to match the incident's state.

        Returns the issue's resulting status, and a remark for people if it can't be moved.
        """
        over = is_over(message)
        if not _moves(message) or _is_done(status) == over:
            return status, ""
        offered = self._service.call("GET", f"{path}/transitions?expand=transitions.fields")
        step = _transition(offered.get("transitions") or [], over)
        goal = "a status that is done" if over else "a status that is not done"
        if not step:
            return status, (
                f"Splunk could not move this issue on: from '{status['name']}' its workflow has no "
                f"transition to {goal} that needs no more fields. Please move it by hand."
            )
        try:
            self._service.call("POST", f"{path}/transitions", {"transition": {"id": step["id"]}})
        except Refused as error:
            if error.delivery.outcome != "dead":
                raise
            return status, f"Splunk could not move this issue to {goal}. {error}"
        return step["to"], ""


def service_of(settings: Jira, network: Network, clock: Clock) -> Service:
    """Return the site's API. Raises NotConfigured when a setting is missing or unusable."""
    base = configured(
        "Jira",
        settings.site_url,
        user=settings.email,
        API_token=settings.api_token,
        project=settings.project,
    )
    login = basic(settings.email, settings.api_token)
    return Service("Jira", f"{base}/rest/api/3", login, network, _reason, clock.now)


def _planned(message: Message) -> Dict[str, Any]:
    """Return a follow-up's assignee and due day, as far as the message has them."""
    if not message.follow_up:
        return {}
    assignee = {"id": message.mention} if message.mention else None
    planned = {"duedate": message.due_day, "assignee": assignee}
    return {name: value for name, value in planned.items() if value}


def _assigned(planned: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the fields that an issue has after it was given these."""
    given = planned.get("assignee")
    return {"assignee": {"accountId": given["id"]}} if given else {}


def _assignee(issue: Mapping[str, Any]) -> str:
    return str((issue["fields"].get("assignee") or {}).get("accountId") or "")


def _moves(message: Message) -> bool:
    return is_over(message) or message.event == "reopened"


def _is_done(status: Mapping[str, Any]) -> bool:
    return bool(status["statusCategory"]["key"] == "done")


def _left_in(status: Mapping[str, Any], message: Message) -> Dict[str, Any]:
    """Return the status that a message left the issue in, if it was to change that.

    So the echo of this change is not taken for somebody else's.
    """
    if not _moves(message) or _is_done(status) != is_over(message):
        return {}
    return {"state": str(status.get("id", "")), "over": _is_done(status)}


def _transition(offered: List[Mapping[str, Any]], over: bool) -> Optional[Mapping[str, Any]]:
    """Return the first transition to the wanted side that requires no field, if there is one."""
    for one in offered:
        done = _is_done(one["to"])
        asks = any(
            field.get("required") and not field.get("hasDefaultValue")
            for field in (one.get("fields") or {}).values()
        )
        if done == over and not asks:
            return one
    return None


def document(message: Message, first: bool, remark: str = "") -> Dict[str, Any]:
    """Lay a message out in Atlassian Document Format."""
    said = [*facts(message, first), *([("", remark)] if remark else [])]
    return {
        "type": "doc",
        "version": 1,
        "content": [_paragraph(label, value) for label, value in said],
    }


def _paragraph(label: str, value: str) -> Dict[str, Any]:
    content: List[Dict[str, Any]] = []
    if label:
        strong = [{"type": "strong"}]
        content.append({"type": "text", "text": f"{label}: ", "marks": strong})
    for number, line in enumerate(value.split("\n")):
        if number:
            content.append({"type": "hardBreak"})
        if line:
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}


def _reason(answer: Mapping[str, Any]) -> str:
    texts = [str(text) for text in answer.get("errorMessages") or []]
    errors = answer.get("errors")
    if isinstance(errors, dict):
        texts += [f"{name}: {text}" for name, text in errors.items()]
    return "; ".join(texts)
