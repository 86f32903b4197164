"""Answers of the slash command: one message that only its user sees.

A message has at most 50 blocks ("Blocks"), so lists are cut and say so.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from ...incidents import timeline
from ...incidents.errors import NotFound
from ...incidents.identity import INCIDENT_ID
from ...notify.current_state import current_message, newest_analysis
from ...notify.message import Message, build, incident_url, one_line
from ...notify.services.slack_layout import EMOJI, blocks, date, escape, fallback, section
from ..people import Api, Declined
from ..presses import Press
from .parsing import HANDOVER, HELP, LIST, MY_TASKS, ON_CALL, SHOW, TASKS
from .tasks import LISTED as TASKS_LISTED
from .tasks import MINE, OF_ITS, finished_block, laid

__all__ = ["ANSWERED", "Answers", "Said"]

Said = Dict[str, Any]
# Actions that only show something.
ANSWERED = (HELP, LIST, SHOW, ON_CALL, HANDOVER, TASKS, MY_TASKS)
LISTED = 10
COUNTED = 1000
ROTAS = 40
# The most lines of each of the six sections of a handover report.
PER_SECTION = 4
# A span of two seconds, in seconds: only who is on call now, not in the coming weeks.
_A_MOMENT = 2.0
_HELP = (
    ("list", "the open incidents, most severe first"),
    ("INC-…", "one incident with its current state and buttons"),
    ("open [title]", "open an incident"),
    ("tasks [INC-…]", "your tasks, or an incident's: complete, hand over, rename"),
    ("ack INC-…", "acknowledge an incident: you work on it"),
    ("take INC-…", "assign an incident to yourself"),
    ("assign INC-… name", "assign an incident to somebody"),
    ("severity INC-… high", "change the severity"),
    ("note INC-… text", "add a note to its timeline"),
    ("task INC-… text", "add a task"),
    ("update INC-…", "send stakeholders an update"),
    ("resolve INC-…", "resolve an incident and say how"),
    ("reopen INC-… [why]", "reopen an incident"),
    ("oncall [team]", "who is on call now, and until when"),
    ("handover [team]", "the handover report for the next person on call"),
)
_HINT = (
    "The first of an id's last six characters are enough if they match one incident only. In "
    "an incident channel show, ack, take, update, resolve and reopen "
    "need no id. "
    "*Add to incident* in a message's menu adds the message to a timeline."
)


class Answers:
    """Answers with what the user may see. All methods raise SplunkError, and Declined.

    Args:
        web_url: base URL of Splunk Web, for links; may be empty.
    """

    def __init__(self, api: Api, web_url: str) -> None:
        self._api = api
        self._web_url = web_url
        self._tell: Mapping[str, Callable[[Press, str], Said]] = {
            HELP: self._help,
            LIST: self._list,
            SHOW: self._show,
            ON_CALL: self._on_call,
            HANDOVER: self._handover,
            TASKS: self.tasks,
            MY_TASKS: self.tasks,
        }

    def render(self, press: Press, user: str) -> Said:
        """Return the answer's ``text`` and ``blocks``."""
        return self._tell[press.action](press, user)

    def incident_state(self, incident_id: str) -> Said:
        """Return an incident's current state, with its buttons."""
        stores = self._api.stores()
        try:
            entries = timeline.read_existing(stores, incident_id)
        except NotFound as error:
            raise Declined(str(error)) from None
        incident = timeline.fold(entries).to_document()
        analysis = newest_analysis(stores, entries) if incident.get("cause") else None
        opened = next((one for one in entries if one.kind == "opened"), entries[0])
        first = build(incident, opened.to_document(), analysis, self._web_url).to_document()
        message: Message = current_message(incident, entries, first, analysis, self._web_url)
        return {"text": fallback(message), "blocks": blocks(message, answers=True)}

    def link(self, incident_id: str, title: str = "") -> str:
        """Return an incident's id, linked if there is an address; a plan's id is never linked."""
        is_one = INCIDENT_ID.fullmatch(incident_id)
        url = incident_url(self._web_url, incident_id) if is_one else ""
        linked = f"<{escape(url)}|{incident_id}>" if url else incident_id
        return f"{linked} *{escape(one_line(title, 200), 1000)}*" if title else linked

    def _help(self, press: Press, _user: str) -> Said:
        lines = [f"`{escape(press.command)} {typed}` {does}" for typed, does in _HELP]
        first = [f"{escape(press.typed, 500)}"] if press.typed else []
        return _sections("\n".join([*first, *lines]), _HINT)

    def _list(self, press: Press, user: str) -> Said:
        asked = {"status": "open", "sort": "-severity", "limit": COUNTED}
        fields = "title,severity,status,owner,team"
        found = self._api.read("/incidents", press, user, fields=fields, **asked)
        known = found["incidents"]
        if not known:
            return _sections("No incident is open.")
        lines = [self._line(one) for one in known[:LISTED]]
        more = len(known) - LISTED
        if more > 0:
            lines.append(f"{more:,}{' or more' if found['more'] else ''} more are open.")
        return _sections(*lines)

    def _line(self, one: Mapping[str, Any]) -> str:
        key, status = str(one["id"]), str(one["status"]).replace("_", " ")
        who = one_line(one.get("owner") or one.get("team") or "nobody", 80)
        mark = EMOJI.get(str(one["severity"]), "⚪")
        facts = f"{one['severity']} · {status} · {escape(who, 400)}"
        return f"{mark} {self.link(key, str(one['title']))}\n{facts}"

    def _show(self, press: Press, user: str) -> Said:
        # The API checks who may see it, and says what became of a deleted one.
        self._api.read(f"/incidents/{press.target}", press, user)
        return self.incident_state(press.target)

    def tasks(self, press: Press, user: str) -> Said:
        """Return the requested list of tasks, or the one that contains the pressed button."""
        if press.action == MY_TASKS or press.listed == MINE:
            return self._my_tasks(press, user)
        known = self._api.read(f"/incidents/{press.target}/tasks", press, user)
        is_open = [one for one in known["tasks"] if one["state"] == "open" and known["open"]]
        ended = [one for one in known["tasks"] if one["state"] != "open"]
        shown = [{**one, "incident_id": press.target} for one in is_open[:TASKS_LISTED]]
        more = len(is_open) - TASKS_LISTED
        count = f"{len(is_open):,} open tasks" if is_open else "No open tasks"
        said = _sections(f"{count} in {self.link(press.target)}.")
        said["blocks"] += [block for one in shown for block in laid(one, OF_ITS)]
        if more > 0:
            said["blocks"].append(section(f"{more:,} more tasks are in the workbench."))
        said["blocks"] += finished_block(ended)
        return said

    def _my_tasks(self, press: Press, user: str) -> Said:
        asked = {"owner": user, "state": "open", "limit": TASKS_LISTED}
        found = self._api.read("/tasks", press, user, **asked)
        if not found["tasks"]:
            return _sections("You have no open tasks in open incidents.")
        said = _sections("Your tasks, most severe incident first:")
        for one in found["tasks"]:
            mark = EMOJI.get(str(one["severity"]), "⚪")
            about = f"{mark} {self.link(one['incident_id'], one['incident_title'])}"
            said["blocks"] += laid(one, MINE, about)
        if found["more"] or found["left_out"]:
            said["blocks"].append(section("There are more tasks. See My tasks in the workbench."))
        return said

    def _on_call(self, press: Press, user: str) -> Said:
        self._api.must(user, "incident_read", "Looking who is on call")
        now = self._api.clock.now()
        asked: Dict[str, Any] = {"from": now, "to": now + _A_MOMENT}
        if press.typed:
            asked["rota"] = self._rota(press.typed)
        rotas = self._api.read("/on-call", press, user, **asked)["rotas"]
        if not rotas:
            return _sections("There is no on-call rotation.")
        lines = [_duty(one) for one in rotas[:ROTAS]]
        if len(rotas) > ROTAS:
            lines.append(f"{len(rotas) - ROTAS} more. Name a team to see one.")
        return _sections(*lines)

    def _handover(self, press: Press, user: str) -> Said:
        """Return the first lines of each section of the report; the workbench has the rest."""
        from ...shifts.notifying import page_url  # with all that makes one

        teams = {name.casefold(): name for name in self._api.routing().teams}
        asked = {"team": teams.get(press.typed.casefold(), press.typed)} if press.typed else {}
        report = self._api.read("/handover", press, user, **asked)
        url = page_url(self._web_url, report["team"])
        counts, name = report["counts"], f"Handover of {escape(report['team'], 200)}"
        happened = f"{counts['opened']:,} opened, {counts['solved']:,} solved"
        lines = [
            f"*{f'<{escape(url)}|{name}>' if url else name}*: {counts['open']:,} open; {happened} "
            f"since {date(report['since'])}.",
            escape(report["reason"], 500),
        ]
        for part in report["sections"]:
            if part["lines"]:
                lines.append(f"*{escape(part['title'])}* ({part['total']:,})")
                lines += map(self._reported, part["lines"][:PER_SECTION])
        return _sections(*lines)

    def _reported(self, line: Mapping[str, Any]) -> str:
        says = "; ".join(
            escape(one["text"], 300) + (f" {date(one['at'])}" if one.get("at") else "")
            for one in line["says"][:2]
        )
        known = line["incident_id"]
        title = self.link(known, line["title"][:80]) if known else escape(line["title"][:80])
        return f"{EMOJI.get(line['severity'], '•')} {title}\n{says}"

    def _rota(self, name: str) -> str:
        """Return the rotation that a team's name, or its own, refers to."""
        routing = self._api.routing()
        wanted = name.casefold()
        rotas = {rota.casefold(): rota for rota in routing.rotas}
        rotas.update((key.casefold(), one.rota) for key, one in routing.teams.items() if one.rota)
        if wanted in rotas:
            return rotas[wanted]
        team = next((one for one in routing.teams if one.casefold() == wanted), "")
        if team:
            raise Declined(f"Team {team} has no on-call rotation.")
        there = ", ".join(sorted(set(rotas))[:LISTED]) or "none"
        raise Declined(f"No team or rotation named '{name[:60]}' is on call. Available: {there}.")


def _duty(rota: Mapping[str, Any]) -> str:
    now, following = rota["now"], rota["next"]
    who = f"*{escape(now['person'], 200)}*" if now["person"] else "nobody"
    line = f"{escape(rota['name'], 200)}: {who}"
    if now["instead_of"]:
        line += f", instead of {escape(now['instead_of'], 200)}"
    if not now["person"]:
        line += f" ({escape(now['reason'], 500)})"
    if not following:
        return line
    then = escape(following["person"] or "nobody", 200)
    return f"{line}, until {date(following['start'])}, then {then}"


def _sections(*lines: str) -> Said:
    """Return one section for each text, which is already escaped."""
    return {"text": "\n".join(lines)[:3000], "blocks": [section(line) for line in lines]}
