"""Each shipped detection raises what it should, and nothing for healthy or scarce events."""

from __future__ import annotations

import pytest

from incident_management.splunk.searching.detections import quiet_after
from tests.integration.detection.conftest import APP_NAME, Detections
from tests.integration.detection.shipped_events import (
    Write,
    all_of,
    answered,
    back_off,
    balanced,
    certificate,
    certificates,
    change,
    cloudtrail,
    disk,
    errors,
    heartbeat,
    hourly,
    measured,
    old_error,
    perfmon,
    pods,
    probes,
    queue,
    refused,
    restarts,
    says,
    served,
    sqs,
    starts,
    table,
    units,
)

IIS = {"sourcetype": "iis"}
RAISES = [
    ("High Error Rate", errors(6), ["shop"]),
    ("AWS CloudTrail Errors", cloudtrail(4), ["s3.amazonaws.com"]),
    ("Resource Pressure", measured(10, cpu_load_percent=97), ["web-1"]),
    ("Resource Pressure", measured(2, mem_used_percent=95, storage_used_percent=99), ["web-1"] * 2),
    ("Resource Pressure", measured(1, UsePct="96%", sourcetype="df"), []),
    # A hundred idle processes do not hide it.
    (
        "Resource Pressure",
        all_of(perfmon(9, "Processor", "_Total", 99), perfmon(100, "Process", "idler", 0)),
        ["web-1"],
    ),
    ("Resource Pressure", disk("96%", "xfs", "/data"), ["web-1"]),
    # The *nix and Windows add-ons index a table as one event.
    (
        "Resource Pressure",
        table("df", MountedOn=["/", "/data"], Type=["ext4", "xfs"], UsePct=["41%", "97%"]),
        ["web-1"],
    ),
    (
        "Resource Pressure",
        table("cpu", CPU=["0", "1", "all"], pctIdle=["90.0", "1.0", "2.0"]),
        ["web-1"],
    ),
    (
        "Resource Pressure",
        table("PerfmonMk:LogicalDisk", instance=["C:", "_Total"], **{"%_Free_Space": ["3", "40"]}),
        ["web-1"],
    ),
    (
        "Resource Pressure",
        table(
            "PerfmonMk:CPU",
            object=["Processor"],
            instance=["0", "_Total"],
            **{"%_Processor_Time": ["2", "99"]},
        ),
        ["web-1"],
    ),
    ("Authentication Failures", refused(11), ["bastion"]),
    ("HTTP 5xx Ratio", answered(30, 4), ["shop"]),
    ("HTTP 5xx Ratio", answered(1, 40), ["shop"]),
    # A status that is extracted twice, and one that is a word.
    ("HTTP 5xx Ratio", says("GET", of={"sourcetype": "iis", "status": ["503"] * 2}), ["web-1"]),
    ("HTTP 5xx Ratio", says('{"status": "bad", "sc_status": 502}', of=IIS), ["web-1"]),
    (
        "HTTP 5xx Ratio",
        says('{"elb": "app/shop", "elb_status_code": 504}', of={"sourcetype": "aws:elb"}),
        ["app/shop"],
    ),
    ("High Error Rate", says('{"error": null, "message": "payment failed"}'), ["web-1"]),
    ("High Error Rate", says("ERROR: null pointer, error=0x80004005"), ["web-1"]),
    ("High Error Rate", says("error=-110 while reading, service=shop"), ["shop"]),
    # What names an event: a service that is one, OpenTelemetry's, else the host; a field that is
    # extracted twice counts once.
    ("High Error Rate", says('{"service": "", "level": "error"}'), ["web-1"]),
    ("High Error Rate", says('{"service": null, "level": "error"}'), ["web-1"]),
    ("High Error Rate", says("service=- error"), ["web-1"]),
    ("High Error Rate", says("error: no upstream", of={"service.name": "api"}), ["api"]),
    ("High Error Rate", says('{"service": {"name": "mail"}, "level": "error"}'), ["mail"]),
    ("High Error Rate", says("error", count=6, of={"service": ["shop", "shop"]}), ["shop"]),
    ("High Error Rate", says('{"error_count": 12, "last_error": null}'), ["web-1"]),
    ("High Error Rate", says("ERROR: 0 workers left"), ["web-1"]),
    ("High Error Rate", says("FATAL:  sorry, too many clients already"), ["web-1"]),
    ("High Error Rate", says("ERROR:\n  at Order.pay"), ["web-1"]),
    (
        "High Error Rate",
        says("Traceback (most recent call last):\n  File 'a.py'\nKeyError: 1"),
        ["web-1"],
    ),
    ("High Error Rate", says("panic: assignment to entry in nil map"), ["web-1"]),
    ("High Error Rate", says("10:00:00 SEVERE [main] Unable to open port"), ["web-1"]),
    ("High Error Rate", says('{"level": "error", "log_level": "debug"}'), ["web-1"]),
    ("High Error Rate", says('{"level":"debug","cause":{"level":"error"}}'), ["web-1"]),
    ("High Error Rate", says("10:00:01 ERROR no TRACE of it"), ["web-1"]),
    ("High Error Rate", says('{"error_rate": 0.02, "msg": "the job failed"}'), ["web-1"]),
    (
        "High Error Rate",
        says("open() failed (13: Permission denied)", of={"sourcetype": "nginx:plus:error"}),
        ["web-1"],
    ),
    ("Latency Shift", balanced(0.05, 2.5), ["app/shop"]),
    (
        "Certificate or Credential Expiry",
        lambda d: d.log("java.security.cert.CertificateExpiredException: NotAfter", 600),
        ["web-1"],
    ),
    ("AWS CloudTrail Errors", cloudtrail(4, "ResourceNotFoundException"), ["s3.amazonaws.com"]),
    ("Latency Shift", served(60, 100, 40, 450), ["shop"]),
    ("Service Went Silent", heartbeat(9000, 1300, 60), ["db-1"]),
    # A second outage, two hours after one of 40 minutes.
    (
        "Service Went Silent",
        all_of(heartbeat(14000, 10800, 60), heartbeat(8400, 1300, 60)),
        ["db-1"],
    ),
    ("Error from a New Template", old_error(40, "ERROR pool of 5 is exhausted", 3), ["web-1"]),
    ("Restart Loop", starts(4), ["web-1"]),
    ("Restart Loop", all_of(restarts(1, 4), restarts(6, 1)), ["shop"]),
    ("Restart Loop", restarts(10, 3), ["shop"]),
    ("Restart Loop", back_off("cart-6d5f7c9b8-x2x4z"), ["cart"]),
    ("Restart Loop", back_off("db-0"), ["db"]),
    ("Restart Loop", units(1, 4, 1), ["web-1"]),
    ("Restart Loop", pods(*["cart-6d5f7c9b8-x2x4z"] * 4, "mail-6d5f7c9b8-bbb22"), ["cart"]),
    ("Restart Loop", back_off("mailer"), ["mailer"]),
    ("Certificate or Credential Expiry", certificate(14), ["shop"]),
    ("Certificate or Credential Expiry", certificate(-1), ["shop"]),
    ("Certificate or Credential Expiry", certificates(2, 300), ["web-1"]),
    (
        "Certificate or Credential Expiry",
        lambda d: d.log("TLS: certificate has expired service=pay", 600),
        ["pay"],
    ),
    ("Queue Backlog", queue(900, 1400, 2000), ["orders"]),
    # Of one of two brokers, and of one partition, where the other's depth came last.
    ("Queue Backlog", all_of(queue(9000, 9500, host="mq-0"), queue(3, 3, host="mq-1")), ["orders"]),
    ("Queue Backlog", all_of(queue(9000, 9500, partition=0), queue(3, 3, partition=1)), ["orders"]),
    ("Queue Backlog", sqs(1400, 2000), ["orders"]),
    ("Change Followed by Errors", change(0, 6), ["shop"]),
    ("Change Followed by Errors", change(3, 10), ["shop"]),
]

STAYS_QUIET = [
    ("High Error Rate", errors(5), "exactly the threshold"),
    ("High Error Rate", errors(1), "one event"),
    ("High Error Rate", says('{"status": 200, "error": null, "failed": 0}'), "no error, in JSON"),
    ("High Error Rate", says("job done failed=0 error=none"), "no error, in fields"),
    ("High Error Rate", says('{"error_count": 0, "last_error": null}'), "no error, in counts"),
    ("High Error Rate", says('{"failed": {}, "error_message": "", "error": "none"}'), "empty"),
    (
        "High Error Rate",
        says('{"log": "{\\"level\\": \\"info\\", \\"error\\": null}"}'),
        "in a text",
    ),
    ("High Error Rate", says("EventCode=4776\nError Code:\t0x0"), "a login on Windows"),
    ("High Error Rate", says("pages dumped: 3, error: 0"), "a backup of SQL Server"),
    ("High Error Rate", says("5 passed, 0 failed in 3s"), "none failed"),
    ("High Error Rate", says('{"fatal": false, "note": "non-fatal"}'), "nothing fatal"),
    (
        "High Error Rate",
        says('10.1.1.1 - - [x] "GET /error.css" 200', of={"sourcetype": "access_combined"}),
        "a path",
    ),
    ("High Error Rate", says("error", count=5, of={"service": ["shop", "shop"]}), "a field twice"),
    ("High Error Rate", probes(40), "a rollout of pods"),
    (
        "High Error Rate",
        says("open() failed (2: No such file or directory)", of={"sourcetype": "nginx:plus:error"}),
        "a scanner of web servers",
    ),
    ("High Error Rate", says("GET /error 200", of=IIS), "a path in IIS"),
    ("High Error Rate", says("GET /error", of={"sourcetype": "aws:elb:accesslogs"}), "in AWS"),
    (
        "High Error Rate",
        says("sshd[1]: Failed password for root", of={"sourcetype": "linux_secure"}),
        "refused logins, which have a detection of their own",
    ),
    (
        "High Error Rate",
        says("An account failed to log on.", of={"sourcetype": "WinEventLog", "EventCode": "4625"}),
        "refused logins on Windows",
    ),
    ("High Error Rate", says("2026-11-28 10:00:00 DEBUG c.e.Cart - no failed job"), "DEBUG"),
    ("High Error Rate", says('{"level": "debug", "msg": "looking for failed jobs"}'), "debug"),
    ("High Error Rate", says('{"error_rate": 0.002, "failed_ratio": 0.1}'), "rates"),
    ("AWS CloudTrail Errors", cloudtrail(3), "exactly the threshold"),
    (
        "AWS CloudTrail Errors",
        cloudtrail(50, "NoSuchLifecycleConfiguration"),
        "a scanner asks how buckets are set",
    ),
    (
        "AWS CloudTrail Errors",
        cloudtrail(50, "InvalidInstanceID.NotFound", "DescribeInstances"),
        "a deployment tool asks whether it is there",
    ),
    ("AWS CloudTrail Errors", cloudtrail(50, "success"), "calls that succeed"),
    ("Resource Pressure", measured(10, cpu_load_percent=90), "exactly the threshold"),
    ("Resource Pressure", measured(10, cpu_load_percent=20, storage_used_percent=60), "healthy"),
    ("Resource Pressure", perfmon(50, "Process", "_Total", 1600), "sixteen idle cores"),
    ("Resource Pressure", disk("100%", "squashfs"), "what can only be read"),
    ("Resource Pressure", disk("100%", "fuse", "/snap/core/1"), "a snap in a container"),
    (
        "Resource Pressure",
        table(
            "df",
            MountedOn=["/", "/snap/core/1", "/media/cdrom", "/proc"],
            Type=["ext4", "squashfs", "iso9660", "proc"],
            UsePct=["41%", "100%", "100%", "-"],
        ),
        "what can only be read, in a table",
    ),
    (
        "Resource Pressure",
        table("cpu", CPU=["all", "0"], pctIdle=["60.0", "1.0"]),
        "one busy processor of several",
    ),
    (
        "Resource Pressure",
        table(
            "PerfmonMk:Process",
            object=["Process"],
            instance=["idler", "_Total"],
            **{"%_Processor_Time": ["0", "800"]},
        ),
        "processes of eight cores",
    ),
    ("Authentication Failures", refused(10), "exactly the threshold"),
    ("Authentication Failures", refused(50, "Accepted password"), "logins that succeed"),
    ("HTTP 5xx Ratio", answered(38, 2), "exactly the threshold"),
    ("HTTP 5xx Ratio", answered(2, 2), "too few requests"),
    ("HTTP 5xx Ratio", answered(18, 3), "three failures"),
    ("HTTP 5xx Ratio", answered(200, 0), "healthy"),
    ("Latency Shift", served(60, 100, 40, 110), "healthy"),
    ("Latency Shift", served(60, 100, 40, 200), "exactly the threshold"),
    ("Latency Shift", served(60, 100, 1, 9000), "one slow request"),
    ("Latency Shift", served(60, 100, 0, 0), "no traffic now"),
    ("Service Went Silent", heartbeat(9000, 30, 60), "healthy"),
    ("Service Went Silent", heartbeat(9000, 950, 60), "exactly the threshold"),
    ("Service Went Silent", lambda d: d.log("boot", 9000), "one event ever"),
    ("Service Went Silent", hourly, "a job that runs each hour"),
    ("Error from a New Template", old_error(40, "", 0), "a known error"),
    ("Error from a New Template", old_error(40, "ERROR pool of 5 is exhausted", 2), "only two"),
    ("Restart Loop", starts(3), "exactly the threshold"),
    ("Restart Loop", starts(1), "one restart"),
    (
        "Restart Loop",
        pods(*(f"{name}-6d5f7c9b8-x2x4z" for name in ("cart", "mail", "pay", "shop", "web"))),
        "a node on which services are deployed",
    ),
    ("Restart Loop", pods(*(f"cart-6d5f7c9b8-{n}x2x4" for n in range(2, 8))), "a rollout of pods"),
    ("Restart Loop", units(1, 1, 1, 1, 1, 1), "a host that is patched: its services start once"),
    ("Restart Loop", restarts(6, 1), "a rollout"),
    ("Restart Loop", restarts(6, 2), "a rollout whose stops and starts are told apart"),
    ("Certificate or Credential Expiry", certificate(14.1), "not yet"),
    ("Certificate or Credential Expiry", lambda d: d.log("certificate renewed", 600), "renewed"),
    (
        "Certificate or Credential Expiry",
        lambda d: d.log('{"service": "shop", "ssl_end_time": "Nov 28 23:59:59 2033 GMT"}', 600),
        "an end that is no number",
    ),
    (
        "Certificate or Credential Expiry",
        lambda d: d.log("request refused: token expired user=17", 600),
        "somebody's session has ended",
    ),
    (
        "Certificate or Credential Expiry",
        says(
            "EventCode=4625 Failure Reason: The specified account's password has expired.",
            of={"sourcetype": "WinEventLog"},
        ),
        "somebody's password has ended",
    ),
    (
        "Certificate or Credential Expiry",
        cloudtrail(9, "ExpiredToken"),
        "somebody's session with AWS has ended",
    ),
    ("Queue Backlog", queue(1000, 1000), "exactly the threshold"),
    ("Queue Backlog", queue(5000, 3000, 1500), "it drains"),
    ("Queue Backlog", queue(5000), "one event"),
    ("Queue Backlog", sqs(5000, 3000), "it drains"),
    ("Change Followed by Errors", change(0, 5), "exactly the threshold"),
    ("Change Followed by Errors", change(10, 12), "errors from before the change"),
    ("Change Followed by Errors", change(0, 20, service="other"), "another service's errors"),
    ("Change Followed by Errors", change(0, 20, ago=1200), "a change that is long past"),
]


def test_the_fullest_disk_is_named(detections: Detections) -> None:
    all_of(disk("97%", "xfs", "/data"), disk("9%", "ext4"), disk("96%", "xfs", "/z"))(detections)

    (row,) = detections.run("Resource Pressure")
    assert (row["what"], row["used"]) == ("disk /data", "97.0")


def test_a_loop_whose_hosts_have_new_names_is_found_where_the_macros_say_so(
    detections: Detections,
) -> None:
    restarts(9, 1)(detections)
    assert detections.found("Restart Loop") == []
    local = detections.standin.splunk.home / "etc/apps" / APP_NAME / "local"
    local.mkdir(exist_ok=True)
    (local / "macros.conf").write_text(
        '[incident_restart_part]\ndefinition = ""\n'
        "[incident_restart_loop_threshold]\ndefinition = 8\n"
    )
    detections.standin.splunk.conf.reload()
    assert detections.found("Restart Loop") == ["shop"]


NAMES = sorted({name for name, *_rest in RAISES})


@pytest.mark.parametrize(("name", "write", "entities"), RAISES)
def test_it_raises(detections: Detections, name: str, write: Write, entities: list[str]) -> None:
    write(detections)

    assert detections.found(name) == entities


@pytest.mark.parametrize(("name", "write", "why"), STAYS_QUIET)
def test_it_stays_quiet(detections: Detections, name: str, write: Write, why: str) -> None:
    write(detections)

    assert detections.found(name) == [], why


def test_none_raises_without_any_event(detections: Detections) -> None:
    assert {name: detections.found(name) for name in NAMES} == {name: [] for name in NAMES}


def test_there_are_twelve_and_only_high_error_rate_is_enabled(detections: Detections) -> None:
    shipped = detections.standin.splunk.conf.stanzas("savedsearches", APP_NAME)
    ours = {name: s for name, s in shipped.items() if s.get("action.open_incident") == "1"}

    assert sorted(ours) == NAMES
    assert len(ours) == 12
    assert [n for n, s in ours.items() if s.get("disabled", "0") != "1"] == ["High Error Rate"]


def test_a_service_that_stays_slow_is_left_to_people(detections: Detections) -> None:
    """It is found once, when it becomes slow: a day later its incident resolved by itself."""
    served(60, 450, 60, 450)(detections)
    assert detections.found("Latency Shift") == []
    settings = detections.standin.splunk.conf.stanzas("savedsearches", APP_NAME)["Latency Shift"]
    assert quiet_after(settings["action.open_incident.param.quiet_after"], "Latency Shift") == 0


def test_each_fills_its_title_and_spans_its_events(detections: Detections) -> None:
    """The fields that the title, the description and the dedup name are in the rows."""
    for name, write, entities in RAISES:
        if entities and name != "Latency Shift":
            write(detections)
    shipped = detections.standin.splunk.conf.stanzas("savedsearches", APP_NAME)
    for name in NAMES:
        if name in ("Latency Shift", "Service Went Silent"):
            continue
        rows = detections.run(name)
        assert rows, name
        settings = shipped[name]
        params = [settings[f"action.open_incident.param.{p}"] for p in ("title", "description")]
        named = {part.split("}")[0] for text in params for part in text.split("{")[1:]}
        named |= set(settings["action.open_incident.param.dedup_fields"].split(", "))
        assert named <= set(rows[0]), name
        assert float(rows[0]["first_time"]) <= float(rows[0]["last_time"]), name


def test_a_threshold_is_changed_in_local(detections: Detections) -> None:
    errors(6)(detections)
    conf = detections.standin.splunk.conf
    conf.write(
        "macros", "incident_high_error_rate_threshold", {"definition": "6"}, APP_NAME, create=False
    )

    assert detections.found("High Error Rate") == []
