"""``GET /stats`` and ``GET /metrics``: figures of the current state."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ..incidents.clocks.sla_state import SLA_STATUSES_OF_OPEN
from ..incidents.intake import conditions
from ..incidents.model import SEVERITIES
from ..incidents.signal import SIMULATED as TEST
from ..incidents.stores import IS_OPEN
from ..incidents.upkeep import retention
from ..incidents.upkeep.signal_counts import count_suppressed
from ..ports import Document, Stores
from .router import Request, Response, route
from .schema import Schema, any_whole, flag, nullable, number, obj, record, whole
from .shapes import TIME

DAY_SECONDS = 86400.0
LONGEST_SECONDS = 400 * DAY_SECONDS
# Beyond this many incidents the figures are of the newest, and say so.
MAX_COUNTED = 50_000
# What is read of an incident: whole documents are many times as long.
_TIMES_OF = ("opened_at", "acknowledged_at", "resolved_at", "rules")
OPEN_BY = ("status", "severity", "team", "sla_status")
OUTBOX_STATES = ("pending", "sending", "gathered", "dead", "unconfirmed")
# Labels, and the value that they have.
Sample = Tuple[Mapping[str, str], float]
_COUNTS: Schema = {"type": "object", "additionalProperties": any_whole()}
_TIMES = nullable(record({"count": any_whole(), "mean": number(), "median": number()}))


@route(
    "GET",
    "/stats",
    capability="incident_read",
    query={
        "since": number(0, 1e11, "Epoch seconds; default: a week ago, at most 400 days."),
        "until": number(0, 1e11, "Epoch seconds; default: now."),
    },
    answers={
        200: obj(
            {
                "since": TIME,
                "until": TIME,
                "opened": any_whole(),
                "resolved": any_whole(),
                "truncated": flag("There were more; the figures cover the newest 50,000."),
                "open": record({f"by_{name}": _COUNTS for name in OPEN_BY}),
                "signals": record(
                    {
                        "pending": whole(
                            0,
                            conditions.MAX_COUNTED,
                            "Signals waiting for their detection's condition, up to this.",
                        ),
                        "suppressed": any_whole("Suppressed in the span."),
                    }
                ),
                "seconds_to_acknowledge": _TIMES,
                "seconds_to_resolve": _TIMES,
            },
            ("since", "until", "opened", "resolved", "truncated", "open"),
        )
    },
)
def get_stats(request: Request) -> Response:
    """Count open incidents, and report how fast those opened in a span were handled.

    Times to acknowledge and to resolve (MTTA, MTTR) count from ``opened_at``, without tests.
    """
    now = request.clock.now()
    until = min(float(request.args.get("until", now)), now)
    since = max(float(request.args.get("since", until - 7 * DAY_SECONDS)), until - LONGEST_SECONDS)
    query = {"$and": [{"opened_at": {"$gte": since}}, {"opened_at": {"$lt": until}}]}
    opened = request.stores.incidents.find(query, "opened_at:-1", MAX_COUNTED + 1, fields=_TIMES_OF)
    standing, cut = _open(request.stores)
    truncated = cut or len(opened) > MAX_COUNTED
    opened = opened[:MAX_COUNTED]
    return Response(
        {
            "since": since,
            "until": until,
            "opened": len(opened),
            "resolved": sum(1 for one in opened if one.get("resolved_at") is not None),
            "truncated": truncated,
            "open": {f"by_{name}": _counted(standing, name) for name in OPEN_BY},
            "signals": {
                "pending": conditions.pending_count(request.stores),
                "suppressed": count_suppressed(request.stores, since, until),
            },
            "seconds_to_acknowledge": _times(opened, "acknowledged_at"),
            "seconds_to_resolve": _times(opened, "resolved_at"),
        }
    )


@route("GET", "/metrics", capability="incident_read", answers={200: "text/plain"})
def get_metrics(request: Request) -> Response:
    """Return metrics for Prometheus, in its text format 0.0.4."""
    now = request.clock.now()
    lines = [
        *_metrics_of_now(request.stores),
        *_metrics_of_the_day(request.stores, now),
        *_family(
            "deleted_by_age_total",
            "Documents that retention deleted from the KV store.",
            _labelled("what", dict(sorted(retention.totals(request.stores).items()))),
        ),
        *_plain("uptime_seconds", "Age of this handler process.", now - request.backend.started_at),
    ]
    return Response(
        "\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8"
    )


def _metrics_of_now(stores: Stores) -> List[str]:
    standing, _cut = _open(stores)
    kinds = ("status", "severity", "team")
    by_kind = Counter(tuple(str(one.get(name) or "") for name in kinds) for one in standing)
    by_sla = _counted(standing, "sla_status")
    return [
        *_family(
            "open_incidents",
            "Incidents that are open now.",
            [(dict(zip(kinds, kind)), count) for kind, count in sorted(by_kind.items())],
        ),
        *_family(
            "open_incidents_sla",
            "Incidents that are open now, by SLA status.",
            _labelled("sla_status", {name: by_sla.get(name, 0) for name in SLA_STATUSES_OF_OPEN}),
        ),
        *_plain(
            "flapping_incidents",
            "Open incidents that are held open because they flap.",
            sum(1 for one in standing if one.get("flapping")),
        ),
        *_family(
            "notifications",
            "Notifications that were not delivered, by state.",
            _labelled(
                "state", {name: len(stores.outbox.keys({"state": name})) for name in OUTBOX_STATES}
            ),
        ),
        *_plain(
            "waiting_signals",
            "Signals that wait for the condition of their detection, counted up to "
            f"{conditions.MAX_COUNTED}.",
            conditions.pending_count(stores),
        ),
    ]


def _metrics_of_the_day(stores: Stores, now: float) -> List[str]:
    since = now - DAY_SECONDS
    fields = ("severity", "feedback", *_TIMES_OF)
    recent = stores.incidents.find(
        {"opened_at": {"$gte": since}}, "opened_at:-1", MAX_COUNTED, fields=fields
    )
    by_severity = _counted(recent, "severity")
    by_detection = Counter(
        ((one.get("rules") or ["none"])[0], str(one.get("feedback") or "none")) for one in recent
    )
    lines = [
        *_family(
            "opened_incidents_day",
            "Incidents opened in the last 24 hours.",
            _labelled("severity", {name: by_severity.get(name, 0) for name in SEVERITIES}),
        ),
        *_family(
            "detection_incidents_day",
            "Incidents opened in the last 24 hours, by detection and feedback.",
            [
                ({"detection": detection, "feedback": feedback}, count)
                for (detection, feedback), count in sorted(by_detection.items())
            ],
        ),
        *_plain(
            "suppressed_signals_day",
            "Signals that were suppressed in the last 24 hours.",
            count_suppressed(stores, since, now),
        ),
    ]
    for name, stored in (("acknowledge", "acknowledged_at"), ("resolve", "resolved_at")):
        times = _times(recent, stored)
        lines += _family(
            f"mean_seconds_to_{name}_day",
            f"Mean time to {name} of the incidents opened in the last 24 hours.",
            [({}, times["mean"])] if times else [],
        )
    return lines


def _open(stores: Stores) -> Tuple[List[Document], bool]:
    """Return the open incidents, and whether there were more than are counted."""
    found = stores.incidents.find(
        IS_OPEN, "opened_at:-1", MAX_COUNTED + 1, fields=(*OPEN_BY, "flapping")
    )
    return found[:MAX_COUNTED], len(found) > MAX_COUNTED


def _counted(documents: Iterable[Mapping[str, Any]], name: str) -> Dict[str, int]:
    return dict(sorted(Counter(str(one.get(name) or "") for one in documents).items()))


def _times(documents: Sequence[Mapping[str, Any]], name: str) -> Optional[Dict[str, Any]]:
    """How long it took from ``opened_at`` to a time. Tests aside: nobody hurries to end one."""
    times = [
        max(0.0, float(one[name]) - float(one["opened_at"]))
        for one in documents
        if one.get(name) is not None
        and one.get("opened_at") is not None
        and TEST not in (one.get("rules") or ())
    ]
    if not times:
        return None
    mean = round(sum(times) / len(times), 3)
    return {"count": len(times), "mean": mean, "median": round(median(times), 3)}


def _labelled(label: str, counts: Mapping[str, int]) -> List[Sample]:
    return [({label: value}, count) for value, count in counts.items()]


def _plain(name: str, about: str, value: float) -> List[str]:
    """A metric without labels."""
    return _family(name, about, [({}, value)])


def _family(name: str, about: str, samples: Sequence[Sample]) -> List[str]:
    """One metric in the text exposition format: "Exposition formats" in Prometheus's manual."""
    full = f"incident_management_{name}"
    kind = "counter" if name.endswith("_total") else "gauge"
    lines = [f"# HELP {full} {about}", f"# TYPE {full} {kind}"]
    for labels, value in samples:
        inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{full}{{{inner}}} {value:.15g}" if inner else f"{full} {value:.15g}")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
