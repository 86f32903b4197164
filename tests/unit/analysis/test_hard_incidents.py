"""Incidents where a deploy on the failing service is at hand and innocent, or the cause is elsewhere.

Raw events of several source types, an ordinary day before, and a deploy that does not show what it
changed: the ranking names what the evidence shows, or nothing.
"""

# ruff: noqa: E501  (a table: one incident a line reads better)
from __future__ import annotations

import pytest

from incident_management.analysis.case import CULPRIT_SCORE
from incident_management.analysis.causes.place import is_machine_of
from incident_management.analysis.causes.symptoms import from_outside, symptoms_of
from incident_management.analysis.investigation import investigate
from tests.fakes.clock import ManualClock
from tests.unit.analysis.event_searcher import EventSearcher
from tests.unit.analysis.scenario import START, change

DEPLOY = "chg-deploy"
DISK, CREDENTIAL, CLOCK = "A disk is full.", "A credential has expired.", "A clock is wrong."
NAMES, DATABASE = "Names are not being resolved.", "A database accepts no writes."
PROVIDER = "An outside provider is failing."


def _event(second, service, raw, host="", sourcetype="log4j"):
    fields = {"service": service} if service else {}
    return {
        **fields,
        "host": host or f"{service}-1",
        "time": START + second,
        "raw": raw,
        "sourcetype": sourcetype,
    }


def _access(second, service, host="", milliseconds=42):
    raw = f'10.2.0.9 - - [14/Nov/2023:22:13:20 +0000] "GET /x HTTP/1.1" 200 812 {milliseconds}ms #{second}'
    return _event(second, service, raw, host, "access_combined")


def _calm(*services, hosts=()):
    found = []
    for service in services:
        for place, second in enumerate(range(-10_500, 400, 20)):
            found.append(_access(second, service, hosts[place % len(hosts)] if hosts else ""))
        for second in range(-10_400, 400, 1900):
            found.append(_event(second, service, "WARN slow client, request timeout after 30s"))
    return found


def _failing(service, text, begin=20, host="", sourcetype="log4j"):
    return [_event(s, service, f"{text} n={s}", host, sourcetype) for s in range(begin, 300, 4)]


def _deploy(second, service="orders"):
    return change(second, DEPLOY, service, "deploy", "release 2023.46", version="46")


def _blamed(logs, changes, entities=("orders",), topology=()):
    """Return the change or the condition that is blamed, "" for none, and all hypotheses."""
    incident = {
        "id": "INC-20231114-ABCDEF", "title": f"High Error Rate: {entities[0]}", "severity": "high",
        "entities": list(entities), "first_time": START + 20, "last_time": START + 300, "opened_at": START + 310,
    }  # fmt: skip
    searcher = EventSearcher(logs, changes, topology)
    found = investigate(incident, searcher, ManualClock(START + 330)).hypotheses
    if not found or found[0].score < CULPRIT_SCORE:
        return "", found
    return found[0].change_id or found[0].cause, found


# What orders logs, how long before a deploy of orders came, and what is to be blamed
ALONE = [
    ("dial tcp: lookup payments on 10.0.0.2:53: read udp 10.1.1.1:33->10.0.0.2:53: i/o timeout error", 700, NAMES),
    ('ERROR POST https://api.mailer.example 401 {"error":"invalid_grant","error_description":"Token has been expired or revoked."}', 900, CREDENTIAL),
    ("ERROR JwtValidator: token used before issued", 1100, CLOCK),
    ("ERROR java.io.IOException: No space left on device (/var/log/orders/orders.log)", 1000, DISK),
    ("ERROR S3 PutObject: ServiceUnavailable (503) host=shop.s3.amazonaws.com aws sdk s3 unavailable", 700, PROVIDER),
    ("WARN GET /orders took 3021 ms, response time above limit", 1500, ""),
    ("ERROR 1205 (HY000): Lock wait timeout exceeded; try restarting transaction", 1700, ""),
    ("ERROR redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused.", 1200, ""),
    ("WARN [gc] Full GC pause 812 ms, request latency exceeded 5000 ms", 1500, ""),
    ("WARN Connection to node 3 (kafka-3:9092) failed. TimeoutException: Expiring 12 record(s)", 1000, ""),
    ("FATAL: sorry, too many clients already", 1200, "A database has no free connections."),
    ("ERROR geocoding failed: OVER_QUERY_LIMIT You have exceeded your daily request quota for this API", 900, "A quota or a rate limit is used up."),
    ("ERROR OSError: [Errno 116] Stale file handle: /mnt/share/a.pdf", 1500, ""),
    ("ERROR QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30", 1300, DEPLOY),
    ("ERROR TypeError: Cannot read properties of undefined (reading 'sku')", 1200, DEPLOY),
    ("ERROR java.lang.OutOfMemoryError: Java heap space", 1500, DEPLOY),
    ("ERROR: column o.discount does not exist at character 112", 900, DEPLOY),
    ("ERROR unhandled exception in CartController#update", 720, DEPLOY),
    ("ERROR SocketTimeoutException: Read timed out", 120, DEPLOY),
    ("panic: runtime error: invalid memory address or nil pointer dereference", 1600, DEPLOY),
]  # fmt: skip


@pytest.mark.parametrize(("text", "before", "cause"), ALONE)
def test_a_deploy_is_blamed_for_what_its_code_can_do_and_not_for_what_comes_from_outside(
    text, before, cause
):
    assert _blamed([*_calm("orders"), *_failing("orders", text)], [_deploy(-before)])[0] == cause


PASSWORD = 'FATAL: password authentication failed for user "orders_rw"'
READ_ONLY = "ERROR: cannot execute INSERT in a read-only transaction"
UNKNOWN_CA = "ERROR x509: certificate signed by unknown authority"
ELSEWHERE = [
    (PASSWORD, "vault", "rotate the password of orders_rw in the database", 45, "chg-x"),
    (PASSWORD, "db-admin", "scheduled credential rotation", 45, "chg-x"),
    (PASSWORD, "db-admin", "scheduled credential rotation", 7200, ""),
    ("ERROR connect ETIMEDOUT 10.4.0.9:5432", "net", "tighten firewall between app and data zone", 30, "chg-x"),
    ("ERROR connect ETIMEDOUT 10.4.0.9:5432", "net", "tighten firewall between app and data zone", 21_600, ""),
    ("ERROR smtplib.SMTPAuthenticationError: (535, b'Username and Password not accepted')", "iam", "revoked old app passwords", 90, "chg-x"),
    ("ERROR upstream returned 403 Forbidden for /api/cart", "edge", "new WAF rule set and ACL", 40, "chg-x"),
    (UNKNOWN_CA, "mesh", "rotated the mesh CA certificate", 60, "chg-x"),
    (READ_ONLY, "orders-db", "promote replica 2 to primary", 25, "chg-x"),
    ("ERROR deadlock detected, process 12 waits", "hr", "rotate the API key of the HR portal", 300, ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "service", "summary", "before", "cause"), ELSEWHERE)
def test_work_on_what_a_service_stands_on_is_known_by_what_it_says_of_itself(
    text, service, summary, before, cause
):
    """Such a change shows no difference; its words tie it to the errors, right before them."""
    changes = [_deploy(-1200), change(-before, "chg-x", service, "config", summary)]
    logs = [*_calm("orders", service), *_failing("orders", text)]
    assert _blamed(logs, changes)[0] == cause


@pytest.mark.parametrize("before", [250, 1500])
def test_a_surge_that_shows_as_timeouts_is_not_blamed_on_a_deploy(before):
    surge = [_access(s, "orders", milliseconds=2900) for s in range(-60, 300) for _ in range(4)]
    errors = _failing("orders", "ERROR request timed out after 3000 ms waiting for a worker")
    cause, found = _blamed([*_calm("orders"), *surge, *errors], [_deploy(-before)])
    assert cause == ""
    assert "errors apart: demand may have risen." in found[0].reasons_against[-1]
    assert _blamed([*_calm("orders"), *errors], [_deploy(-250)])[0] == DEPLOY


def test_a_failover_of_the_database_is_not_blamed_on_a_deploy():
    logs = [
        *_calm("orders", "orders-db"),
        *[_event(s, "orders-db", "FATAL:  terminating connection due to administrator command") for s in range(15, 30)],
        *[_event(s, "orders", "ERROR OperationalError: server closed the connection unexpectedly") for s in range(20, 60, 2)],
        *_failing("orders", "ERROR: cannot execute UPDATE in a read-only transaction", 30),
    ]  # fmt: skip
    calls = [{"service": "orders", "depends_on": "orders-db"}]
    assert _blamed(logs, [_deploy(-800)], topology=calls)[0] == DATABASE


def test_a_setting_that_turns_on_debug_logs_explains_a_full_disk():
    level = {"logging.level.root": {"from": "INFO", "to": "DEBUG"}}
    debug = change(-9000, "chg-debug", "orders", "config", "look into it", changes=level)
    logs = [*_calm("orders"), *_failing("orders", "ERROR write: No space left on device")]
    assert _blamed(logs, [debug, _deploy(-1000)])[0] == "chg-debug"


def test_a_retry_storm_is_blamed_on_the_setting_that_makes_it():
    harder = {
        "payments.retries": {"from": 2, "to": 10},
        "payments.backoff_ms": {"from": 500, "to": 0},
    }
    retries = change(-7000, "chg-retries", "orders", "config", "retry harder", changes=harder)
    logs = [
        *_calm("orders", "payments"),
        *_failing("payments", "WARN overloaded: 503 returned, queue depth 4000", 15),
        *_failing("orders", "ERROR giving up on http://payments/charge after 10 attempts: 503 Service Unavailable"),
    ]  # fmt: skip
    calls = [{"service": "orders", "depends_on": "payments"}]
    assert _blamed(logs, [retries, _deploy(-1300, "payments")], topology=calls)[0] == "chg-retries"


def test_a_caller_is_not_blamed_for_a_dependency_that_its_errors_name():
    logs = [
        *_calm("orders", "vault"),
        *_failing("orders", "ERROR vault answered 503: Vault is sealed"),
    ]
    calls = [{"service": "orders", "depends_on": "vault"}]
    assert _blamed(logs, [_deploy(-800)], topology=calls)[0] == ""
    assert _blamed(logs, [_deploy(-60)], topology=calls)[0] == DEPLOY


def test_a_pool_of_another_service_that_was_raised_explains_a_full_database():
    raised = {"db.pool_size": {"from": 10, "to": 200}}
    reports = change(-100, "chg-reports", "reports", "config", "more workers", changes=raised)
    calls = [{"service": "orders", "depends_on": "reports"}]
    logs = [
        *_calm("orders", "reports"),
        *_failing("orders", "FATAL: sorry, too many clients already"),
    ]
    assert _blamed(logs, [reports, _deploy(-1200)], topology=calls)[0] == "chg-reports"


NIL = "ERROR panic: nil pointer dereference in Cart.Total"


@pytest.mark.parametrize("host", ["orders-07", "orders-07.shop.internal", "orders-7d9f8b6c5-x2lkq"])
def test_a_canary_that_fails_on_one_machine_is_the_deploy_of_its_service(host):
    """Events with a host and no service: the incident is about the machine."""
    logs = [_access(s, "", host) for s in range(-10_500, 400, 20)]
    errors = _failing("", NIL, host=host)
    assert _blamed([*logs, *errors], [_deploy(-120)], [host])[0] == DEPLOY
    assert _blamed([*logs, *errors], [_deploy(-120, "payments")], [host])[0] == ""


def test_a_change_that_names_the_failing_machine_is_on_it():
    named = change(-120, "chg-kernel", "platform", "config", "new kernel on node-41, rebooted")
    logs = [_access(s, "", "node-41") for s in range(-10_500, 400, 20)]
    errors = _failing("", NIL, host="node-41")
    assert _blamed([*logs, *errors], [named], ["node-41"])[0] == "chg-kernel"
    other = change(-120, "chg-kernel", "platform", "config", "new kernel on node-412, rebooted")
    assert _blamed([*logs, *errors], [other], ["node-41"])[0] == ""


@pytest.mark.parametrize(
    "entity", ["payments-db-1", "payments-api", "payments", "mypayments-1", "payments-1x"]
)
def test_a_name_that_only_begins_like_a_service_is_no_machine_of_it(entity):
    assert not is_machine_of("payments", entity)
    assert not is_machine_of("", entity)


@pytest.mark.parametrize("text", [*(case[0] for case in ALONE), PASSWORD, READ_ONLY, UNKNOWN_CA])
def test_symptoms_are_known_in_capital_letters_too(text):
    assert symptoms_of({text.upper(): 1.0}) == symptoms_of({text.lower(): 1.0})
    assert from_outside({text.upper(): 1.0}) == from_outside({text.lower(): 1.0})
