"""Messages as they come out of the app, one of them written by an attacker through a log."""

from __future__ import annotations

from typing import Any

from incident_management.incidents.model import Entry
from incident_management.notify.announcing.stakeholders import message_for
from incident_management.notify.channel import Delivery, Notification, Sender
from incident_management.notify.message import Message, build
from tests.fakes import ManualClock

CLOCK = ManualClock(1_770_000_000.0)

INCIDENT = {
    "id": "INC-20260202-0A1B2C",
    "title": "High Error Rate: checkout",
    "status": "new",
    "severity": "high",
    "team": "payments",
    "owner": "mia",
    "entities": ["checkout"],
    "rules": ["High Error Rate"],
    "signals": 1,
    "events": 1234,
    "first_time": 1_769_999_700.0,
    "last_time": 1_769_999_990.0,
    "opened_at": 1_770_000_000.0,
    "cause": "CHG-1042 set pool_size to 1 on checkout",
}

ANALYSIS = {
    "hypotheses": [
        {
            "rank": 2,
            "cause": "disk full",
            "citations": ["C3"],
        },
        {
            "rank": 1,
            "blamed": True,
            "cause": "CHG-1042 set pool_size to 1 on checkout",
            "change_id": "CHG-1042",
            "citations": ["C1", "C2"],
        },
    ],
    "citations": [
        {"id": "C1", "kind": "change", "quote": "pool_size: 20 -> 1", "status": "verified"},
        {
            "id": "C2",
            "kind": "event",
            "quote": "QueuePool limit of size 1 overflow 0 reached, connection timed out",
            "status": "verified",
        },
        {"id": "C3", "kind": "event", "quote": "invented", "status": "rejected"},
    ],
}

HOSTILE = (
    "<!channel> <https://evil.example|click> & @here *bold* _x_ ``` `` # [a](http://evil) "
    "password=hunter2hunter2 xoxb-" + "123456789012-abcdefghijkl \x00\x1b[31m"
)


def entry(kind: str, **data: Any) -> dict:
    return {"_key": "e" * 64, "kind": kind, "time": 1_770_000_000.0, "seq": 1, "data": data}


def message(kind: str = "opened", analysed: Any = False, **data: Any) -> Message:
    incident = dict(INCIDENT)
    if not analysed:
        incident.pop("cause")
    analysis = ANALYSIS if analysed else None
    return build(incident, entry(kind, **data), analysis, "https://splunk.example:8000")


def hostile(kind: str = "opened", length: int = 6000) -> Message:
    text = (HOSTILE + " ") * (length // len(HOSTILE) + 1)
    incident = {
        **INCIDENT,
        "title": text,
        "cause": text,
        "entities": [text] * 40,
        "rules": [text] * 40,
        "team": text,
        "owner": text,
    }
    citation = {"quote": text, "verified": True}
    analysis = {"hypotheses": [{"rank": 1, "blamed": True, "cause": text, "citations": [citation]}]}
    return build(incident, entry(kind, description=text, text=text), analysis, "https://s.example")


def update(text: str = "Card payments fail for some.", **more: Any) -> Message:
    """An update as stakeholders get it."""
    data = {"text": text, "state": "identified", "services": ["checkout", "Card payments"], **more}
    opened = Entry.create(str(INCIDENT["id"]), "opened", {"entities": ["checkout"]}, "x", 1.0)
    written = Entry.create(str(INCIDENT["id"]), "update", data, "dana", CLOCK.now())
    return message_for("support", INCIDENT, [opened, written], written)


def hostile_update() -> Message:
    text = (HOSTILE * 40)[:2000]
    return update(text, services=[text] * 40, state=text)


ALL = {
    "opened": message("opened", description="Errors above 20 in five minutes."),
    "opened, analysed": message("opened", analysed=True),
    "analysis": message("analysis", analysed=True, verdict="CHG-1042 did it"),
    "plan": message("plan", plan_id="PLAN-0123456789", summary="Roll checkout back to r1"),
    "recovered": message("verification", outcome="recovered"),
    "resolved": message("status", **{"from": "new", "to": "resolved", "reason": "recovered"}),
    "reopened": message("status", **{"from": "resolved", "to": "new", "reason": "again"}),
    "acknowledged": message("status", **{"from": "new", "to": "in_progress", "reason": ""}),
    "note": message("note", text="Looking at it."),
    "assigned": message("assigned", owner="mia", team="payments"),
    "severity": message("severity", **{"from": "high", "to": "low", "reason": "calm"}),
    "hostile": hostile(),
    "hostile note": hostile("note"),
    "summary": Message(
        event="summary",
        headline="Incident opened, 480 more",
        title="480 more incidents of team payments: incident opened",
        severity="critical",
        text="5 critical, 475 high. They are told together.",
        where=["checkout (470)", "cart (10)"],
        rules=["High Error Rate (480)"],
        team="payments",
        url="https://splunk.example:8000/app/x/workbench?sort=-opened_at&team=payments",
    ),
    "update": message(
        "update", text="It is the pool.", state="identified", next_by=1_770_001_800.0
    ),
    "update for stakeholders": update(next_by=1_770_001_800.0),
    "hostile update": hostile_update(),
    "overdue": message("update_due", event="missed", due=1.0, reason="None was written."),
    "bare": Message(event="alert", headline="Alert", title="Disk almost full"),
}


def notification(content: Message, key: str = "n" * 40, **more: Any) -> Notification:
    more.setdefault("thread", None)
    return Notification(
        id=key,
        incident_id=content.incident_id,
        channel="",
        target=more.pop("target", ""),
        event=content.event,
        message=content.to_document(),
        first_sent=CLOCK.now() - 30,
        **more,
    )


def told(sender: Sender, *names: str) -> Delivery:
    """Send these of ALL one after the other, as the outbox does. Returns the last delivery."""
    receipt = None
    for number, name in enumerate(names):
        thread = dict(receipt) if receipt else None
        delivery = sender.send(notification(ALL[name], f"{number:040d}", thread=thread))
        assert delivery.outcome == "sent", delivery.detail
        receipt = delivery.receipt
    return delivery
