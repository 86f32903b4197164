"""Check the messages that Slack, Teams and PagerDuty received: each valid, each once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tools.demo.waiting import wait_until
from tools.demo.world import ADMIN, World

CHANNELS = ("slack", "teams", "pagerduty")
SECONDS = 45.0


def opened(world: World) -> None:
    """Wait until all three channels are notified. Slack rate-limits the first request."""
    report = world.report
    report.step("Notifications")
    wait_until(
        "Slack, Teams and PagerDuty are notified",
        lambda: all(accepted(world, channel) for channel in CHANNELS),
        SECONDS,
    )
    for channel in CHANNELS:
        report.say(f"{channel}: {_headline(accepted(world, channel)[0])}")
    limited = [entry for entry in world.received("slack") if entry["status"] == 429]
    report.check(
        "The message was resent as requested after Slack's 429",
        len(limited) == 1 and _waited(world, limited[0]),
        f"rate-limited {len(limited)} time(s)",
    )


def everything(world: World) -> None:
    """Check everything that arrived against the outbox, at the end of the run."""
    report = world.report
    taken = [entry for entry in world.received() if entry["status"] != 429]
    problems = [f"{entry['service']}: {one}" for entry in taken for one in entry["problems"]]
    # After a kill -9 the answer to a trigger may be lost. The trigger is resent, and PagerDuty
    # merges it by its dedup key into the same alert. Without a kill a resend is a fault.
    got = [entry for entry in taken if not (entry["message"] or {}).get("merged")]
    if len(got) < len(taken) and not world.options.kill:
        problems.append("pagerduty: a trigger was sent again though nothing was killed")
    # An update of a posted message is not a new message.
    sent = (entry for entry in got if not entry["path"].endswith("/chat.update"))
    per_channel = Counter(entry["service"] for entry in sent)
    report.check(
        "Every message was valid, and none was delivered twice",
        all(per_channel[channel] for channel in CHANNELS) and not problems,
        "; ".join(problems)[:300]
        or ", ".join(f"{n} × {c}" for c, n in sorted(per_channel.items())),
    )
    _check_outbox(world, per_channel)
    alerts = [entry["message"]["state"] for entry in accepted(world, "pagerduty")]
    report.check(
        "PagerDuty's alert was triggered and then resolved",
        bool(alerts) and alerts[0] == "triggered" and alerts[-1] == "resolved",
        " → ".join(alerts),
    )


def _check_outbox(world: World, arrived: Counter[str]) -> None:
    """Compare the outbox with what arrived.

    A webhook can't be asked what it received: a card whose answer was lost by ``kill -9`` stays
    ``unconfirmed``, visibly, whether or not it arrived. Nothing else may be anything but sent.
    """
    outbox = world.as_user(ADMIN).incidents("/outbox")["notifications"]
    mine = [one for one in outbox if one["incident_id"] == world.incident_id]
    states = Counter(one["state"] for one in mine)
    sent = Counter(one["channel"] for one in mine if one["state"] == "sent")
    open_ones = [one["channel"] for one in mine if one["state"] != "sent"]
    settled = not open_ones or (
        world.options.kill and states["unconfirmed"] == len(open_ones) == open_ones.count("teams")
    )
    world.report.check(
        "Every outbox message was delivered; none is lost",
        bool(mine)
        and settled
        and all(0 <= arrived[c] - sent[c] <= open_ones.count(c) for c in CHANNELS),
        ", ".join(f"{count} {state}" for state, count in sorted(states.items())),
    )


def accepted(world: World, channel: str) -> list[dict[str, Any]]:
    """Return the messages that a service took."""
    return [entry for entry in world.received(channel) if entry["message"]]


def _waited(world: World, limited: dict[str, Any]) -> bool:
    """Tell whether nothing was sent to Slack within the second that it asked for."""
    after = [e["time"] for e in world.received("slack") if e["time"] > limited["time"]]
    return bool(after) and after[0] - limited["time"] >= 1.0


def _headline(entry: dict[str, Any]) -> str:
    message = entry["message"]
    if entry["service"] == "slack":
        return str(message["text"])
    if entry["service"] == "teams":
        return str(message["attachments"][0]["content"].get("fallbackText", "a card"))
    return f"{message['event_action']} {message['payload']['summary']}"
