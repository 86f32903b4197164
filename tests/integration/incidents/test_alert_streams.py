"""A stream of alerts becomes incidents by the search that docs/DETECTIONS.md gives for it."""

from __future__ import annotations

import re

from tests.integration.incidents.conftest import PERIOD, ROOT, App

GUIDE = (ROOT / "docs/DETECTIONS.md").read_text()
(SEARCH,) = re.findall(r"^```\n(index=alerts.*?)^```", GUIDE, re.M | re.S)
SPL = " ".join(SEARCH.split("\n")).replace("index=alerts", "index=main sourcetype=ids").strip()


def write(app: App, alerts: list[tuple[float, str, str]]) -> None:
    """Index alerts of (time, signature, dest)."""
    rows = []
    for moment, signature, dest in alerts:
        raw = f'{{"signature": "{signature}", "dest": "{dest}"}}'
        rows.append({"_time": moment, "_raw": raw, "host": "sensor", "source": "ids"})
    app.standin.index("main", [{**row, "sourcetype": "ids"} for row in rows])


def scan(app: App, signatures: str, hosts: str) -> None:
    """Sixty alerts within the period that the next run looks at."""
    end = (app.clock.now() // PERIOD + 1) * PERIOD
    kinds, names = signatures.split(), hosts.split()
    write(
        app,
        [(end - 120 + n, kinds[n % len(kinds)], names[n % len(names)]) for n in range(60)],
    )


def test_a_burst_over_hosts_is_one_incident_that_grows_and_the_next_one_another(app: App) -> None:
    start = app.clock.now()
    day = range(-80_000, -1200, 600)
    write(app, [(start + at, "definitions updated", f"mail-{at % 3}") for at in day])
    app.service.saved_searches.create(
        "Intrusion", SPL, is_scheduled=1, cron_schedule="*/5 * * * *", actions="open_incident",
        **{
            "dispatch.earliest_time": "-24h@m",
            "dispatch.latest_time": "@m",
            "alert_type": "number of events",
            "alert_comparator": "greater than",
            "alert_threshold": "0",
            "action.open_incident.param.dedup_fields": "group_id",
            "action.open_incident.param.group": "0",
            "action.open_incident.param.title": "Alerts: {signatures}",
        },
    )  # fmt: skip
    scan(app, "port-scan host-sweep", "web-1 web-2 db-1")
    app.run_detections()

    first = app.only_incident()
    assert first["title"] == "Alerts: host-sweep, port-scan"
    assert (first["signals"], first["events"]) == (1, 60)

    app.run_detections()
    assert app.only_incident()["signals"] == 1, "nothing new came to the group"

    app.run_detections()
    app.run_detections()
    scan(app, "password-guess", "vpn")
    app.run_detections()
    titles = sorted(one["title"] for one in app.incidents())
    assert titles == ["Alerts: host-sweep, port-scan", "Alerts: password-guess"]
