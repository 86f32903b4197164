"""Incidents whose cause the errors tell, in the words of several languages and systems."""

# ruff: noqa: E501  (a table: one incident a line reads better)
from __future__ import annotations

import json

import pytest

from incident_management.analysis.case import CULPRIT_SCORE
from incident_management.analysis.investigation import investigate
from tests.fakes.clock import ManualClock
from tests.unit.analysis.event_searcher import EventSearcher

T = 1_700_000_000.0
DISK, CERTIFICATE, MEMORY = "A disk is full", "A TLS certificate", "A process ran out of memory"
NAMES, HANDLES, QUOTA = "Names are not", "A process has used up its files", "A quota or"
READ_ONLY, CREDENTIAL = "A file system is read-only", "A credential has expired"
CLOCK, DATABASE = "A clock is wrong", "A database accepts no writes"
CONNECTIONS = "A database has no free connections"

SURE = [
    ("psycopg2.errors.DiskFull: could not extend file: No space left on device", DISK),
    ("java.io.IOException: No space left on device", DISK),
    ("System.IO.IOException: There is not enough space on the disk. : 'D:\\data\\x'", DISK),
    ("Error: ENOSPC: no space left on device, write", DISK),
    ("ORA-01653: unable to extend table SHOP.ORDERS by 128 in tablespace USERS", DISK),
    ("ERROR 1114 (HY000): The table 'orders' is full", DISK),
    ("cluster_block_exception: disk usage exceeded flood-stage watermark, index read-only", DISK),
    ("[ERROR] InnoDB: Write to file ./ibdata1 failed. Operating system error number 28.", DISK),
    ("The node had condition: [DiskPressure], evicting the pod", DISK),
    ("The minimum free disk space (5000MB) reached for /opt/splunk/var", DISK),
    ("x509: certificate has expired or is not yet valid: current time is after 2026", CERTIFICATE),
    ("remote error: tls: expired certificate", CERTIFICATE),
    ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired", CERTIFICATE),
    ("java.security.cert.CertificateExpiredException: NotAfter: Sat Jan 31 00:00:00 UTC 2026", CERTIFICATE),
    ("The remote certificate is invalid because of errors in the chain: NotTimeValid", CERTIFICATE),
    ("Error: certificate has expired code: 'CERT_HAS_EXPIRED'", CERTIFICATE),
    ("error:14094415:SSL routines:ssl3_read_bytes:sslv3 alert certificate expired", CERTIFICATE),
    ("invalid peer certificate: Expired", CERTIFICATE),
    ("PKIX path validation failed: CertPathValidatorException: validity check failed", CERTIFICATE),
    ("TLS error: CERTIFICATE_VERIFY_FAILED:verify cert failed: cert expired", CERTIFICATE),
    ("0x800B0101: A required certificate is not within its validity period", CERTIFICATE),
    ("open /data/x: read-only file system", READ_ONLY),
    ("OSError: [Errno 30] Read-only file system: '/data/x'", READ_ONLY),
    ("ORA-28001: the password has expired", CREDENTIAL),
    ("AADSTS7000222: The provided client secret keys for app 'x' are expired.", CREDENTIAL),
    ("ExpiredTokenException: The security token included in the request is expired", CREDENTIAL),
    ("ThrottlingException: Rate exceeded", QUOTA),
    ("ProvisionedThroughputExceededException: level of throughput exceeded", QUOTA),
    ("rpc error: code = ResourceExhausted desc = Quota exceeded for quota metric 'reads'", QUOTA),
    ("You exceeded your current quota: insufficient_quota", QUOTA),
    ("java.net.UnknownHostException: mail.shop.example", NAMES),
    ("socket.gaierror: [Errno -2] Name or service not known", NAMES),
    ("Error: getaddrinfo EAI_AGAIN mail.shop.example", NAMES),
    ("dial tcp: lookup mail.shop.example: no such host", NAMES),
    ("System.Net.WebException: The remote name could not be resolved: 'mail'", NAMES),
    ("curl: (6) Could not resolve host: mail.shop.example", NAMES),
    ("dial tcp: lookup mail on 10.96.0.10:53: server misbehaving", NAMES),
    ("An error occurred (RequestTimeTooSkewed) when calling the PutObject operation", CLOCK),
    ("ERROR: cannot execute INSERT in a read-only transaction", DATABASE),
    ("The MySQL server is running with the --read-only option", DATABASE),
    ("READONLY You can't write against a read only replica.", DATABASE),
    ("NotWritablePrimary: not primary", DATABASE),
]  # fmt: skip
ALONE = [
    ("java.lang.OutOfMemoryError: Java heap space", MEMORY),
    ("Out of memory: Killed process 4242 (orders) total-vm:8123456kB", MEMORY),
    ("container orders was OOMKilled", MEMORY),
    ("FATAL Reached heap limit Allocation failed - JavaScript heap out of memory", MEMORY),
    ("System.OutOfMemoryException: Exception was thrown", MEMORY),
    ("terminate called after throwing an instance of 'std::bad_alloc'", MEMORY),
    ("fatal error: runtime: cannot allocate memory", MEMORY),
    ("accept tcp [::]:8080: accept4: too many open files", HANDLES),
    ("java.net.SocketException: Too many open files", HANDLES),
    ("Error: EMFILE, open '/tmp/x'", HANDLES),
    ("connect: cannot assign requested address", HANDLES),
    ("FATAL: sorry, too many clients already", CONNECTIONS),
    ("FATAL: remaining connection slots are reserved for superusers", CONNECTIONS),
    ("ERROR 1040 (HY000): Too many connections", CONNECTIONS),
]
ORDINARY = [
    "order 4711 failed: card declined",
    "KeyError: 'price'",
    "cache entry expired, loading again failed",
    "certificate of shop.example renewed, restart failed",
    "report of disk usage failed: no data",
    "npm: could not resolve dependency",
    "tablespace check failed: room 42",
    "migration failed: column id is not primary key",
    "read-only user tried to write: rejected",
    "line 28: error in template",
]


def _log(second, service, text):
    return {"time": T + second, "raw": f"{T + second:.0f} {text}", "service": service}


def _steady(service, text, begin, end, step):
    return [_log(s, service, f"{text} n={s}") for s in range(begin, end, step)]


def _deploy(second, service, change_id):
    told = {"change_id": change_id, "service": service, "kind": "deploy", "version": "3.4.1"}
    return {"time": T + second, "raw": json.dumps(told), **told}


def _found(*logs, changes=(), topology=()):
    calm = _steady("orders", "INFO order accepted", -10_000, 300, 20)
    searcher = EventSearcher([*calm, *(e for more in logs for e in more)], changes, topology)
    incident = {"id": "INC-20260131-A1B2C3", "title": "Errors", "entities": ["orders"]}
    times = {"first_time": T, "last_time": T + 300, "opened_at": T + 60}
    return investigate({**incident, **times}, searcher, ManualClock(T + 360)).hypotheses


def _failing(text):
    return _steady("orders", f"ERROR {text}", 0, 300, 3)


INNOCENT = _deploy(-1200, "orders", "D-innocent")


@pytest.mark.parametrize(("text", "cause"), SURE)
def test_what_the_errors_tell_beats_a_deploy_that_shows_no_difference(text, cause):
    top = _found(_failing(text), changes=[INNOCENT])[0]
    assert top.cause.startswith(cause)
    assert top.score >= CULPRIT_SCORE


@pytest.mark.parametrize(("text", "cause"), [*SURE, *ALONE])
def test_what_the_errors_tell_is_the_cause_when_nothing_was_changed(text, cause):
    top = _found(_failing(text))[0]
    assert top.cause.startswith(cause)
    assert top.score >= CULPRIT_SCORE


@pytest.mark.parametrize("text", ORDINARY)
def test_other_errors_report_no_such_cause(text):
    assert _found(_failing(text)) == []


TOPOLOGY = [{"service": "orders", "depends_on": "payments"}]
REFUSED = _failing("charge failed: POST http://payments:8080/charge: connection refused")
CHARGES = _steady("payments", "INFO charge ok", -10_000, -5, 10)


def test_a_silent_dependency_is_the_cause_and_not_an_older_deploy_of_its_caller():
    top, deploy = _found(REFUSED, CHARGES, changes=[INNOCENT], topology=TOPOLOGY)
    assert top.cause.startswith("payments, which orders depends on, does not answer")
    assert deploy.change_id == "D-innocent" and deploy.score < top.score


def test_the_deploy_of_the_dependency_that_fell_silent_is_blamed():
    changes = [INNOCENT, _deploy(-20, "payments", "D-culprit")]
    found = _found(REFUSED, CHARGES, changes=changes, topology=TOPOLOGY)
    assert found[0].change_id == "D-culprit" and found[0].score >= CULPRIT_SCORE
    assert any("could have caused it" in r for h in found for r in h.reasons_against)


def test_the_deploy_of_a_dependency_that_logs_nowhere_is_blamed_when_the_errors_name_it():
    changes = [INNOCENT, _deploy(-20, "payments", "D-culprit")]
    assert _found(REFUSED, changes=changes, topology=TOPOLOGY)[0].change_id == "D-culprit"


@pytest.mark.parametrize(
    "text",
    [
        "charge failed: POST http://payments-db:5432: connection refused",
        "card declined by payments",
    ],
)
def test_a_dependency_that_logs_as_ever_and_is_not_named_as_failing_is_left_alone(text):
    charges = _steady("payments", "INFO charge ok", -10_000, 300, 10)
    changes = [_deploy(-60, "orders", "D-orders"), _deploy(-20, "payments", "D-innocent")]
    found = _found(_failing(text), charges, changes=changes, topology=TOPOLOGY)
    assert [h.change_id for h in found] == ["D-orders", "D-innocent"]
    assert found[1].score < CULPRIT_SCORE


UNANSWERED = [
    "could not connect to server: Connection refused (db-1:5432)",
    "POST https://tax.example/v2/taxes: 503 Service Unavailable",
    "read timeout calling http://ledger:8080/book after 2000ms",
    "upstream ledger returned 502 bad gateway",
]


@pytest.mark.parametrize("text", UNANSWERED)
def test_no_deploy_long_before_is_blamed_for_what_did_not_answer(text):
    found = _found(_failing(text), changes=[INNOCENT])
    assert [h.change_id for h in found] == ["D-innocent"]
    assert found[0].score < CULPRIT_SCORE
    assert "orders say that another service did not answer" in found[0].reasons_against[-1]


@pytest.mark.parametrize("text", UNANSWERED)
def test_a_deploy_right_before_is_blamed_all_the_same(text):
    found = _found(_failing(text), changes=[_deploy(-60, "orders", "D-now")])
    assert found[0].score >= CULPRIT_SCORE
    assert "Only its time and place speak for it." in found[0].reasons_against


def test_the_one_that_did_not_answer_is_not_excused_by_its_callers():
    changes = [_deploy(-1200, "ledger", "D-ledger")]
    own = _steady("ledger", "ERROR panic: nil pointer dereference", -2, 300, 3)
    found = _found(_failing(UNANSWERED[3]), own, changes=changes)
    assert found[0].change_id == "D-ledger" and found[0].score >= CULPRIT_SCORE
