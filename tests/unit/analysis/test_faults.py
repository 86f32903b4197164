"""Textbook faults, each with its change, the error that a real library gives, and decoys.

Every case runs through the same ranking: the change must come first, and with the change taken
out, nothing may be blamed.
"""

# ruff: noqa: E501  (diffs and log lines, as they are)
from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from incident_management.analysis.case import CULPRIT_SCORE, Case, Pattern
from incident_management.analysis.changes import Change
from incident_management.analysis.evidence import Event
from tests.unit.analysis.ranked import rank

T = 1_700_000_000.0


class Fault(NamedTuple):
    name: str
    error: str
    diff: str
    summary: str = "refactor: simplify a little"
    files: str = "services/orders/core.py"


FAULTS = [
    Fault(
        "connection leak",
        "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection "
        "timed out, timeout 30.00",
        "@@ def totals(engine):\n-    with engine.connect() as conn:\n-        return conn.execute(Q)\n"
        "+    conn = engine.connect()\n+    return conn.execute(Q)",
    ),
    Fault(
        "file handle leak",
        "OSError: [Errno 24] Too many open files: '/var/spool/orders/117.json'",
        "-    with open(path) as handle:\n-        return json.load(handle)\n"
        "+    handle = open(path)\n+    return json.load(handle)",
    ),
    Fault(
        "unbounded cache",
        "java.lang.OutOfMemoryError: Java heap space at com.shop.orders.PriceCache.put(PriceCache.java:41)",
        "-  private final Cache<Key, Price> prices = Caffeine.newBuilder().maximumSize(10000).build();\n"
        "+  private final Map<Key, Price> prices = new HashMap<>();\n"
        "+  void put(Key key, Price price) { prices.put(key, price); }",
        files="src/main/java/com/shop/orders/PriceCache.java",
    ),
    Fault(
        "memory limit lowered",
        "Container orders was OOMKilled: memory limit exceeded, restarting",
        "-      memory: 1024Mi\n+      memory: 256Mi",
        files="charts/orders/values.yaml",
    ),
    Fault(
        "wrong host",
        "psycopg2.OperationalError: could not connect to server: Connection refused. Is the server "
        'running on host "db-2" and accepting TCP/IP connections on port 5433?',
        "-DB_HOST: db-1\n-DB_PORT: 5432\n+DB_HOST: db-2\n+DB_PORT: 5433",
        files="deploy/orders.yaml",
    ),
    Fault(
        "dropped column",
        'psycopg2.errors.UndefinedColumn: column "discount_code" does not exist',
        "+ALTER TABLE orders DROP COLUMN discount_code;",
        files="migrations/0042_cleanup.sql",
    ),
    Fault(
        "null guard removed",
        "java.lang.NullPointerException: Cannot invoke \"Customer.getTier()\" because \"customer\" is null",
        "-    if (customer == null) {\n-      return Tier.NONE;\n-    }\n     return customer.getTier();",
        files="src/main/java/com/shop/orders/Tiers.java",
    ),
    Fault(
        "renamed field",
        'json.decoder error: KeyError: "customer_id" while parsing message from topic orders-v1',
        '-    customer_id: str = Field(alias="customer_id")\n+    customer: str = Field(alias="customer")\n'
        "-    return parse_order(message)\n+    return OrderMessage.parse_raw(message)",
    ),
    Fault(
        "policy tightened",
        "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject "
        "operation: not authorized to perform s3:PutObject, permission denied",
        '-  "Action": ["s3:GetObject", "s3:PutObject"], "Effect": "Allow"\n'
        '+  "Action": ["s3:GetObject"], "Effect": "Allow"',
        files="infrastructure/orders-role.json",
    ),
    Fault(
        "rate limit lowered",
        "HTTP 429 Too Many Requests: rate limit of 50 requests per second exceeded for client orders",
        "-  requests_per_second_limit: 500\n+  requests_per_second_limit: 50",
        files="gateway/limits.yaml",
    ),
    Fault(
        "index dropped",
        "slow query: SELECT * FROM order_lines WHERE order_id = $1 took 4211 ms, statement timeout",
        "+DROP INDEX ix_order_lines_order_id;",
        files="migrations/0043.sql",
    ),
    Fault(
        "cache switched off",
        "upstream request timeout: price lookup took 2400ms, response time degraded",
        "-    return cache.get_or_load(key, load_price)\n+    return load_price(key)",
    ),
    Fault(
        "deadlock by lock order",
        "deadlock detected: Process 211 waits for ShareLock on transaction 9; blocked by process 212",
        "-    with lock:\n-        ledger.update(order)\n+    ledger.update(order)",
    ),
    Fault(
        "secret rotated in one place",
        "FATAL: password authentication failed for user orders",
        "-  password: ${vault:orders/db#v3}\n+  password: ${vault:orders/db#v4}",
        files="deploy/orders-secrets.yaml",
    ),
    Fault(
        "own certificates no longer trusted",
        "ssl.SSLCertVerificationError: certificate verify failed: unable to get local issuer certificate",
        "-  ca_file: /etc/ssl/company-ca.pem\n+  ca_file: /etc/ssl/certs/ca.pem",
        files="deploy/orders.yaml",
    ),
    Fault(
        "environment variable renamed",
        "KeyError: 'PAYMENTS_URL' — missing required setting",
        '-    url = os.environ["PAY_URL"]\n+    url = os.environ["PAYMENTS_URL"]',
    ),
    Fault(
        "retries without backoff",
        "503 Service Unavailable: too many requests, retry storm: rate limit exceeded",
        "-    for attempt in range(3):\n-        time.sleep(backoff * 2 ** attempt)\n"
        "+    for attempt in range(30):\n+        pass",
    ),
    Fault(
        "slow regular expression",
        "event loop blocked for 5400 ms; cpu throttled at 100%",
        '-    return text.startswith("ORD-")\n+    return re.compile(r"(\\w+-?)+$").match(text)',
    ),
    Fault(
        "consumer prefetch",
        "consumer lag growing on orders-queue, backlog of 120000 messages, queue depth at limit",
        "-  max_poll_records: 500\n+  max_poll_records: 5",
        files="deploy/consumer.yaml",
    ),
]  # fmt: skip

DECOYS: list[dict[str, Any]] = [
    {"change_id": "decoy-log", "diff": '-log.info("done")\n+log.info("finished")'},
    {"change_id": "decoy-move", "diff": "-a = f(x)\n-b = g(a)\n+def h(x):\n+    a = f(x)\n+    b = g(a)"},
    {"change_id": "decoy-css", "diff": "-a\n+b", "files": ["static/a.css"]},
    {"change_id": "decoy-bump", "diff": "-lib==1.2.3\n+lib==1.2.4", "files": ["requirements.txt"]},
]  # fmt: skip


def _change(second, **document):
    document = {"service": "orders", "kind": "deploy", "summary": "tidy the module", **document}
    return Change.from_row({"_raw": json.dumps(document), "event_time": str(T + second)})


def _ranked(fault, with_cause=True):
    events = [Event(T + i * 5, "ERROR " + fault.error, entity="orders") for i in range(20)]
    pattern = Pattern(fault.error, "orders", 20, 0, T, events)
    changes = [_change(-30 - place, **decoy) for place, decoy in enumerate(DECOYS)]
    if with_cause:
        changes.append(
            _change(
                -600, change_id="cause", diff=fault.diff, summary=fault.summary, files=[fault.files]
            )
        )
    return rank(Case(T, ["orders"], [pattern], {"orders": T}, changes))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_cause_comes_first_though_decoys_are_nearer(fault):
    top = _ranked(fault)[0]
    assert (top.change_id, top.score >= CULPRIT_SCORE) == ("cause", True), top


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_without_the_cause_no_decoy_is_blamed(fault):
    blamed = [h for h in _ranked(fault, with_cause=False) if h.score >= CULPRIT_SCORE]
    assert [h.cause for h in blamed if h.kind == "change"] == []


OUTSIDE = {
    "expired certificate": "x509: certificate has expired or is not yet valid: current time is after 2026-01-01",
    "provider outage": "aws sdk s3 GetObject failed: ServiceUnavailable (503) host=shop.s3.eu-west-1.amazonaws.com",
    "payment provider": "POST https://api.stripe.com/v1/charges returned 503 Service Unavailable",
    "dns": "dial tcp: lookup payments.internal: no such host",
    "surge": "request rejected: server overloaded, shedding load",
    "network": "connect: no route to host 10.2.3.4",
    "disk hardware": "I/O error, dev nvme1n1, sector 2048",
    "preemption": "node not ready: spot interruption notice received, instance terminated",
    "poison message": "cannot deserialize record offset=991823 partition=4: invalid value",
    "clock": "request time too skewed: clock skew of 312 s, ntp unsynchronised",
    "api key": "401 from mail provider: API key expired",
    "quota": "LimitExceeded: quota exceeded for sending e-mail",
}
BYSTANDERS = [
    {"change_id": "b1", "diff": "-  page_size_default: 20\n+  page_size_default: 25"},
    {"change_id": "b2", "diff": "-  request_timeout: 3s\n+  request_timeout: 5s"},
    {"change_id": "b3", "diff": "+    row = db.query_one(SQL)\n+    total += row.amount"},
    {"change_id": "b4", "diff": '-  title: "Orders"\n+  title: "Your orders"'},
]


@pytest.mark.parametrize("error", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_a_failure_from_outside_is_not_blamed_on_a_bystander(error):
    events = [Event(T + i * 5, "ERROR " + error, entity="orders") for i in range(20)]
    pattern = Pattern(error, "orders", 20, 0, T, events)
    changes = [_change(-60 - place * 30, **b) for place, b in enumerate(BYSTANDERS)]
    top = rank(Case(T, ["orders"], [pattern], {"orders": T}, changes))[0]
    assert top.kind == "condition", top
    assert top.score >= CULPRIT_SCORE
