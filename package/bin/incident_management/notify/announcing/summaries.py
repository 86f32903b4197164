"""Sends summaries in a storm: one message for more notifications than a team can read.

A summary is a notification of its own that holds the keys of its members (gathered by
:mod:`.storms`). When it is sent, its members count as sent, and each incident's timeline says so. A
gathered notification that stays alone is sent singly after all. As in Alertmanager (``group_wait``,
``group_interval``), the first summary waits a moment, and the next ones wait longer.

After a kill between any two steps the next worker continues: a summary's key is made of its first
member, and that member is marked after all others.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable, Dict, Iterable, List, Mapping, Sequence, Tuple

from ...incidents.model import ENDED, SEVERITIES
from ...incidents.stores import chunks, find_by, with_prefix
from ...ports import Clock, Document, Stores
from ..delivery.notification import NewNotification, notification_id
from ..delivery.outbox import Outbox
from ..events import HEADLINES
from ..message import LISTED, SUMMARY, Message, list_url
from .storms import GATHERED, is_own_mail

__all__ = ["EVERY_SECONDS", "Summaries"]

EVERY_SECONDS = 5.0
# How long the first summary waits for more, and later ones for the end of the storm. These are
# Alertmanager's defaults ("group_wait", "group_interval"). A critical notification never waits for
# longer than the first summary does.
FIRST_AFTER_SECONDS = 30.0
NEXT_AFTER_SECONDS = 300.0
# The most notifications of one summary; the next one, a moment later, has the rest. Their keys take
# 210 kB of its document.
MOST = 5000
READ = 50_000
SAVED_AT_ONCE = 500
# The most people that a summary mentions.
CALLED = 20
_TO_APPROVE = " Approve each on its incident's page, or with | remediate."
_PLACED = ("flow", "target", "urgency", "created_at", "order")


class Summaries:
    """Makes summaries, and completes their members."""

    def __init__(self, stores: Stores, clock: Clock, outbox: Outbox) -> None:
        self._stores = stores
        self._clock = clock
        self._outbox = outbox

    def run(self, web_url: str) -> Mapping[str, int]:
        """Make the summaries that are due, and complete the members of those that were sent."""
        of_summaries = with_prefix("flow", "summary:")["$and"]
        sent: Document = {"$and": [*of_summaries, {"settled": False, "state": "sent"}]}
        waiting: Document = {"state": GATHERED, "summary": ""}
        # Most often there is nothing of either kind, and one call shows that.
        either, wanted = {"$or": [waiting, sent]}, (*_PLACED, "state")
        found = self._stores.outbox.find(either, limit=READ, fields=wanted)
        told = self._settle([str(one["_key"]) for one in found if one["state"] == "sent"])
        made = 0
        for placed in _by_place(one for one in found if one["state"] == GATHERED):
            if self._is_due(placed):
                some, more = self._whole(placed[:MOST]), len(placed) > MOST
                made += bool(some) and self._enqueue(some, more, web_url)
        return {"summaries_queued": made, "told_in_summaries": told}

    def _whole(self, placed: Sequence[Document]) -> List[Document]:
        """Read those that still wait: some may be deleted, or summarized by another worker."""
        found = find_by(self._stores.outbox, "_key", [str(one["_key"]) for one in placed])
        return sorted((one for one in found if _waits(one)), key=_age)

    def _is_due(self, placed: Sequence[Document]) -> bool:
        now, first = self._clock.now(), placed[0]
        has_gravest = any(one["urgency"] == 0 for one in placed)
        between_two = FIRST_AFTER_SECONDS if has_gravest else NEXT_AFTER_SECONDS
        query = {"flow": _summaries(first["flow"])}
        last = self._stores.outbox.find(query, "created_at:-1", 1, fields=("created_at", "more"))
        # A summary with a time in the future, from a clock that ran ahead, delays nothing.
        if last and not last[0].get("more") and 0 <= now - last[0]["created_at"] < between_two:
            return False
        return not 0 <= now - first["created_at"] < FIRST_AFTER_SECONDS

    def _enqueue(self, gathered: Sequence[Document], more: bool, web_url: str) -> bool:
        """Enqueue a summary, or the only notification itself; return whether that was new."""
        summary = notification_id(_source_of(gathered), gathered[0]["channel"], "")
        if len(gathered) > 1 or self._stores.outbox.get(summary):
            # A single one may be the last member that a killed worker still had to mark.
            return self._summarize(gathered, more, web_url)
        # It counts as a summary, so that the next ones keep their interval.
        released = {**gathered[0], "flow": _summaries(gathered[0]["flow"]), "state": "pending"}
        del released["summary"]
        self._stores.outbox.save([{**released, "created_at": self._clock.now()}])
        return True

    def _summarize(self, gathered: Sequence[Document], more: bool, web_url: str) -> bool:
        summary = _summary_of(gathered, more, web_url)
        is_new = self._outbox.enqueue(summary)
        self._mark(summary.key)
        return is_new

    def _mark(self, key: str) -> None:
        """Write the summary's key on all of its members."""
        kept = self._stores.outbox.get(key)
        if kept is None:
            return
        # The first member, of which the key is made, comes last: if a kill leaves some unmarked,
        # the next worker finds that one, and through it this summary.
        for some in (kept["members"][1:], kept["members"][:1]):
            self._change(some, _waits, {"summary": key})
        latest = self._stores.outbox.get(key)
        if latest is not None and latest["settled"]:
            # Another worker was faster, and the save above may have reset some of the members.
            self._stores.outbox.save([{**latest, "settled": False}])

    def _settle(self, summaries: Sequence[str]) -> int:
        """Complete the members of these sent summaries; return how many notifications."""
        ended = 0
        for one in find_by(self._stores.outbox, "_key", summaries):
            ended += self._end_members(one)
            latest = self._stores.outbox.get(one["_key"])
            if latest is not None:
                self._stores.outbox.save([{**latest, "settled": True}])
            # A slower worker may have reset members in :meth:`_mark` before it could see this.
            self._end_members(one)
        return ended

    def _end_members(self, summary: Mapping[str, Any]) -> int:
        receipt = {"note": f"in a summary of {len(summary['members']):,} messages"}
        outcome = {"state": "sent", "sent_at": summary["sent_at"], "receipt": receipt}
        ended = self._change(summary["members"], lambda one: one["state"] == GATHERED, outcome)
        self._outbox.ended()
        return ended

    def _change(
        self, keys: Iterable[str], wanted: Callable[[Document], bool], fields: Mapping[str, Any]
    ) -> int:
        found = [one for one in find_by(self._stores.outbox, "_key", keys) if wanted(one)]
        for some in chunks(found, SAVED_AT_ONCE):
            self._stores.outbox.save([{**one, **fields} for one in some])
        return len(found)


def _source_of(gathered: Sequence[Document]) -> str:
    return f"summary:{gathered[0]['_key']}"


def _summary_of(gathered: Sequence[Document], more: bool, web_url: str) -> NewNotification:
    """Return the notification of a summary; ``more``: another summary has the rest."""
    first, called = gathered[0], _called(gathered)
    message, target = _summary(gathered, web_url).to_document(), first["target"]
    extra: Document = {
        "flow": _summaries(first["flow"]),
        "members": [one["_key"] for one in gathered],
        "more": more,
        "settled": False,
    }
    if is_own_mail(first["channel"], first["message"]):
        # A person who was assigned an incident is mailed personally, as without a storm.
        target = called[0] if called else target
    else:
        extra["team"] = first["team"]
        if first.get("stakeholders"):
            extra["stakeholders"] = first["stakeholders"]
        message["mention"] = ",".join(called)
    source, channel = _source_of(gathered), first["channel"]
    return NewNotification(source, channel, SUMMARY, message, target=target, extra=extra)


def _summaries(flow: str) -> str:
    return f"summary:{flow}"


def _waits(gathered: Mapping[str, Any]) -> bool:
    """Return whether no summary contains it yet."""
    return bool(gathered["state"] == GATHERED and gathered["summary"] == "")


def _age(gathered: Document) -> Tuple[float, str, str]:
    return float(gathered["created_at"]), str(gathered["order"]), str(gathered["_key"])


def _by_place(waiting: Iterable[Document]) -> List[List[Document]]:
    """Group by flow and target: a team's target may have changed."""
    places: Dict[Tuple[str, str], List[Document]] = {}
    for one in sorted(waiting, key=_age):
        places.setdefault((one["flow"], one["target"]), []).append(one)
    return list(places.values())


def _called(gathered: Iterable[Document]) -> List[str]:
    people = Counter(str(one["message"].get("mention") or "") for one in gathered)
    return [name for name, _ in people.most_common(CALLED + 1) if name][:CALLED]


def _summary(gathered: Sequence[Document], web_url: str) -> Message:
    """Build the summary's message, from the last message of each incident."""
    last = {str(one["incident_id"]): one["message"] for one in gathered}
    messages = list(last.values())
    first, many = messages[0], f"{len(messages):,}"
    by_severity = Counter(str(one["severity"]) for one in messages)
    severities = [name for name in SEVERITIES if by_severity[name]]
    counted = ", ".join(f"{by_severity[name]:,} {name}" for name in severities)
    outside = str(first.get("stakeholders") or "")
    of = f" of team {first['team']}" if first["team"] and not outside else ""
    happened = HEADLINES.get(first["event"], first["event"])
    return Message(
        event=SUMMARY,
        headline=f"{happened}, {many} more",
        title=f"{many} more incident{'s' * (len(messages) != 1)}{of}: {happened.lower()}",
        severity=severities[0] if severities else "info",
        text=f"{counted}. They are summarized because there were too many to send one by one."
        f"{_TO_APPROVE if first['event'] == 'plan' else ''}",
        where=_leading(messages, "where"),
        rules=_leading(messages, "rules"),
        since=min((one["since"] for one in messages if one["since"]), default=0.0),
        events=sum(one["events"] for one in messages),
        team=first["team"],
        url="" if outside else list_url(web_url, gathered[0]["team"], first["event"] in ENDED),
        time=max(one["time"] for one in messages),
        stakeholders=outside,
    )


def _leading(messages: Iterable[Mapping[str, Any]], name: str) -> List[str]:
    """Return the most frequent names, each with the number of messages that have it."""
    counted = Counter(str(one) for message in messages for one in message[name])
    named = [f"{one} ({count:,})" if count > 1 else one for one, count in counted.most_common()]
    if len(named) <= LISTED:
        return named
    return [*named[: LISTED - 1], f"and {len(named) - LISTED + 1:,} more"]
