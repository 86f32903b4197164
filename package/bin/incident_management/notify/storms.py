"""A storm is told in summaries: what is more than a team can read, as one message.

People hear of each event of an incident by itself, up to a limit: so many of one event, of one
team, on one channel, in one window. What is more is *gathered*: its notification is put on the
outbox under the same key as ever, so that it can't be told twice, but waits for a summary instead
of its turn. The summary is a notification of its own, which holds the keys of those it tells of;
when it was sent, they are, and each incident's timeline says so. As Alertmanager does
(``group_wait``, ``group_interval``), the first waits a moment, and the next ones longer.

After a kill between any two steps the next worker goes on: a summary's key is made of the first
notification that it tells of, and those that it names are marked again.

Services that sort for themselves (PagerDuty, tickets, webhooks) get everything.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable, Dict, Iterable, List, Mapping, Sequence, Tuple

from ..channels import PEOPLE
from ..incidents.model import SEVERITIES
from ..incidents.routing import Routing
from ..incidents.stores import between, chunks, find_by
from ..ports import Clock, Document, Stores
from .message import HEADLINES, LISTED, SUMMARY, Message, list_url, span
from .outbox import Outbox, notification_id
from .slack_buttons import IN_CHANNEL_TOO
from .turns import urgency

__all__ = ["EVERY_SECONDS", "GATHERED", "Storms"]

EVERY_SECONDS = 5.0
# The state of a notification that a summary tells of, until the summary was sent.
GATHERED = "gathered"
# How long the first summary waits for more, and those after it for the end of the storm. These are
# Alertmanager's defaults ("group_wait", "group_interval").
FIRST_AFTER_SECONDS = 30.0
NEXT_AFTER_SECONDS = 300.0
# The most notifications of one summary; the next one, a moment later, has the rest. Their keys are
# 210 kB of its document.
MOST = 5000
READ = 50_000
SAVED_AT_ONCE = 500
# The most people that a summary calls by name.
CALLED = 20
_OVER = ("resolved", "closed")
_PLACED = ("flow", "target", "created_at", "order")


class Storms:
    """Decides what is gathered, and tells it. One lives as long as its process."""

    def __init__(self, stores: Stores, clock: Clock, outbox: Outbox) -> None:
        self._stores = stores
        self._clock = clock
        self._outbox = outbox
        self._counts: Dict[Tuple[str, bool], int] = {}

    # --- what is gathered ---------------------------------------------------------------------

    def begin(self) -> None:
        """Count anew: others put notifications on the outbox, too."""
        self._counts.clear()

    def enqueue(self, routing: Routing, team: str, **notification: Any) -> bool:
        """Put a notification on the outbox as :meth:`.Outbox.enqueue` does, gathered in a storm."""
        channel, message = notification["channel"], notification["message"]
        if channel not in PEOPLE:
            return self._outbox.enqueue(**notification, extra={"team": team})
        flow = _flow(channel, team, message)
        extra: Document = {"team": team, "flow": flow}
        if self._is_full(routing, flow, message) and not self._is_quiet(notification):
            extra.update(state=GATHERED, summary="")
        if not self._outbox.enqueue(**notification, extra=extra):
            return False
        for counted in {(flow, False), (flow, _is_gravest(message))} & self._counts.keys():
            self._counts[counted] += 1
        return True

    def told_together(self, incident_id: str) -> List[str]:
        """Return the channels where an incident was told of in summaries alone."""
        found = self._stores.outbox.find(
            {"incident_id": incident_id}, fields=("channel", "summary")
        )
        singly = {str(one["channel"]) for one in found if "summary" not in one}
        return sorted({str(one["channel"]) for one in found} - singly)

    def _is_quiet(self, notification: Mapping[str, Any]) -> bool:
        """Whether it goes to a thread in Slack alone, which calls nobody who does not follow it."""
        if notification["channel"] != "slack" or notification["event"] in IN_CHANNEL_TOO:
            return False
        mine = {"incident_id": notification["incident_id"], "channel": "slack"}
        earlier = self._stores.outbox.find(mine, fields=("summary",))
        return any("summary" not in one for one in earlier)

    def _is_full(self, routing: Routing, flow: str, message: Mapping[str, Any]) -> bool:
        if not routing.tell_singly or self._count(routing, flow, False) < routing.tell_singly:
            return False
        gravest = _is_gravest(message)
        return not gravest or self._count(routing, flow, True) >= routing.tell_critical_singly

    def _count(self, routing: Routing, flow: str, gravest: bool) -> int:
        """How many of a flow the window has, those of the gravest severity or all of them."""
        if (flow, gravest) not in self._counts:
            now, window = self._clock.now(), routing.tell_window
            # What a clock that is ahead wrote counts for no longer than the window either.
            times = {"$gt": now - window, "$lt": now + window}
            query: Document = {"flow": flow, "created_at": times}
            if gravest:
                query["urgency"] = 0
            most = routing.tell_critical_singly if gravest else routing.tell_singly
            found = self._stores.outbox.find(query, limit=max(most, 1), fields=("flow",))
            self._counts[flow, gravest] = len(found)
        return self._counts[flow, gravest]

    # --- the summaries ------------------------------------------------------------------------

    def run(self, routing: Routing, web_url: str) -> Mapping[str, int]:
        """Make the summaries that are due, and end those notifications whose summary was sent."""
        told = self._settle()
        query = {"state": GATHERED, "summary": ""}
        waiting = self._stores.outbox.find(query, limit=READ, fields=_PLACED)
        made = 0
        for placed in _by_place(waiting):
            if self._is_due(placed[0]):
                some, more = self._whole(placed[:MOST]), len(placed) > MOST
                made += bool(some) and self._summarize(some, more, routing, web_url)
        return {"summaries_queued": made, "told_in_summaries": told}

    def _whole(self, placed: Sequence[Document]) -> List[Document]:
        found = find_by(self._stores.outbox, "_key", [str(one["_key"]) for one in placed])
        return sorted(found, key=_age)

    def _is_due(self, first: Document) -> bool:
        now = self._clock.now()
        query = {"flow": _summaries(first["flow"])}
        last = self._stores.outbox.find(query, "created_at:-1", 1, fields=("created_at", "more"))
        # One that a clock wrote that is ahead keeps nobody waiting.
        if last and not last[0]["more"] and 0 <= now - last[0]["created_at"] < NEXT_AFTER_SECONDS:
            return False
        return not 0 <= now - first["created_at"] < FIRST_AFTER_SECONDS

    def _summarize(
        self, gathered: Sequence[Document], more: bool, routing: Routing, web_url: str
    ) -> bool:
        first = gathered[0]
        own_mail = first["message"]["event"] == "assigned" and first["channel"] == "email"
        called = _called(gathered)
        message = _summary(gathered, routing, web_url, self._clock.now())
        source = f"summary:{first['_key']}"
        is_new = self._outbox.enqueue(
            source,
            first["channel"],
            SUMMARY,
            {**message.to_document(), "mention": "" if own_mail else ",".join(called)},
            # Who was given an incident is told by themselves, as without a storm.
            target=called[0] if own_mail and called else first["target"],
            extra={
                "flow": _summaries(first["flow"]),
                "members": [one["_key"] for one in gathered],
                "more": more,
                "settled": False,
            },
        )
        key = notification_id(source, first["channel"], "")
        kept = None if is_new else self._stores.outbox.get(key)
        members = kept["members"] if kept else [one["_key"] for one in gathered]
        self._change(members, lambda one: one["summary"] == "", {"summary": key})
        return is_new

    def _settle(self) -> int:
        """End what the summaries tell of that were sent; returns how many notifications."""
        ended = 0
        mine = between("flow", "summary:")["$and"]
        for one in self._stores.outbox.find({"$and": [*mine, {"settled": False, "state": "sent"}]}):
            count = len(one["members"])
            note = f"in a summary of {count:,}" if count > 1 else ""
            outcome = {"state": "sent", "sent_at": one["sent_at"], "receipt": {"note": note}}
            ended += self._change(one["members"], lambda it: it["state"] == GATHERED, outcome)
            latest = self._stores.outbox.get(one["_key"])
            if latest is not None:
                self._stores.outbox.save([{**latest, "settled": True}])
        return ended

    def _change(
        self, keys: Iterable[str], wanted: Callable[[Document], bool], fields: Mapping[str, Any]
    ) -> int:
        found = [one for one in find_by(self._stores.outbox, "_key", keys) if wanted(one)]
        for some in chunks(found, SAVED_AT_ONCE):
            self._stores.outbox.save([{**one, **fields} for one in some])
        return len(found)


def _flow(channel: str, team: str, message: Mapping[str, Any]) -> str:
    """Name what is counted together; what is one person's own mail is counted for them."""
    own = channel == "email" and message["event"] == "assigned"
    return "/".join((channel, message["event"], *([message["mention"]] if own else []), team))


def _summaries(flow: str) -> str:
    return f"summary:{flow}"


def _is_gravest(message: Mapping[str, Any]) -> bool:
    return urgency(message.get("severity")) == 0


def _age(gathered: Document) -> Tuple[float, str, str]:
    return float(gathered["created_at"]), str(gathered["order"]), str(gathered["_key"])


def _by_place(waiting: Iterable[Document]) -> List[List[Document]]:
    """Group by what is counted together, and where it is told: a team may have moved."""
    places: Dict[Tuple[str, str], List[Document]] = {}
    for one in sorted(waiting, key=_age):
        places.setdefault((one["flow"], one["target"]), []).append(one)
    return list(places.values())


def _called(gathered: Iterable[Document]) -> List[str]:
    people = Counter(str(one["message"].get("mention") or "") for one in gathered)
    return [name for name, _ in people.most_common(CALLED + 1) if name][:CALLED]


def _summary(gathered: Sequence[Document], routing: Routing, web_url: str, now: float) -> Message:
    messages = [one["message"] for one in gathered]
    if len(messages) == 1:
        # Its own words say more.
        return Message.from_document(messages[0])
    first, many = messages[0], f"{len(messages):,}"
    by_severity = Counter(str(one["severity"]) for one in messages)
    severities = [name for name in SEVERITIES if by_severity[name]]
    of = f" of team {first['team']}" if first["team"] else ""
    happened = HEADLINES.get(first["event"], first["event"])
    return Message(
        event=SUMMARY,
        headline=f"{happened}, {many} more",
        title=f"{many} more incidents{of}: {happened[0].lower()}{happened[1:]}",
        severity=severities[0] if severities else "info",
        text=(
            f"{', '.join(f'{by_severity[name]:,} {name}' for name in severities)}. They are told "
            f"together because there were more than {routing.tell_singly} in "
            f"{span(routing.tell_window)}."
        ),
        where=_leading(messages, "where"),
        rules=_leading(messages, "rules"),
        since=min((one["since"] for one in messages if one["since"]), default=0.0),
        events=sum(one["events"] for one in messages),
        team=first["team"],
        url=list_url(web_url, gathered[0]["team"], first["event"] in _OVER),
        time=now,
    )


def _leading(messages: Iterable[Mapping[str, Any]], name: str) -> List[str]:
    """The names that most of the messages have, each with how many do."""
    counted = Counter(str(one) for message in messages for one in message[name])
    named = [f"{one} ({count:,})" if count > 1 else one for one, count in counted.most_common()]
    if len(named) <= LISTED:
        return named
    return [*named[: LISTED - 1], f"and {len(named) - LISTED + 1:,} more"]
