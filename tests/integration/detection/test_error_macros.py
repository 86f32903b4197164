"""What the macros of errors leave out is no fault, and no fault is left out for a word in it."""

from __future__ import annotations

import json

from tests.integration.detection.conftest import Detections

NGINX = "nginx:plus:error"
APACHE = "apache:error"
SOCKET = "connect() to unix:/run/php.sock failed (2: No such file or directory) while connecting"

FAULTS = [
    # An upstream's socket is gone, and a folder of nginx' own: its answers are 502 and 500.
    (NGINX, f'[crit] 7#7: *1 {SOCKET} to upstream, client: 10.0.0.1, request: "GET / HTTP/1.1"'),
    (NGINX, f'[error] 7#7: *1 {SOCKET} to upstream, upstream: "fastcgi://unix:/run/php.sock:"'),
    (NGINX, '[crit] 7#7: *1 open() "/var/lib/nginx/body/01" failed (2: No such file or directory)'),
    (APACHE, "[proxy_fcgi:error] (2)No such file or directory: AH02454: FCGI: attempt to connect"),
    ("app", "2026-11-28 10:00:00 payment failed in TRACE mode"),
    ("app", "Unhandled exception. STACK TRACE: at Cart.pay"),
    ("app", "RuntimeError: DEBUG must be off, start failed"),
    ("app", "2026-11-28 10:00:00 DEBUG Cart - begins\n2026-11-28 10:00:01 ERROR Cart - failed"),
    ("app", "ERROR start failed with {level=debug, port=80}"),
    ("app", 'ERROR start failed with {"level": "debug", "port": 80}'),
    ("app", "error: unknown flag --log.level=debug"),
    ("app", "Traceback (most recent call last):\n  serve(level='debug')\nOSError: no port"),
    ("app", '{"level": "debug", "cause": {"level": "error"}}'),
    ("app", "no error handler is registered"),
    ("app", "start failed with no error"),
    ("app", "error 0x80004005"),
    ("app", "ERROR 0 workers left"),
    ("app", "error= connection refused"),
    ("app", "error rate limit reached"),
    ("app", "2026-11-28 10:00:00 ERROR rate: 120 exceeds the quota"),
    ("app", "the export can not be read without error."),
    ("app", "worker 3 was killed, no traceback."),
    ("app", "error= status=503 upstream timed out"),
    ("app", 'error= code=14 desc="no route" at the proxy'),
]
NO_FAULTS = [
    (NGINX, '[error] 7#7: *1 open() "/srv/wp-login.php" failed (2: No such file or directory)'),
    (APACHE, "[core:error] AH00128: File does not exist: /srv/wp-login.php"),
    ("app", "2026-11-28 10:00:00 DEBUG a.b.ErrorHandler - job failed, is tried again\n  at Cart"),
    ("app", "[error-tracker] DEBUG no exception"),
    ("app", 'time=10:00 level=debug msg="request failed"'),
    ("app", '{"msg": "request failed", "error": "x", "level": "debug"}'),
    ("app", 'Nov 28 10:00:00 web-1 cart[7]: {"msg": "request failed", "level": "debug"}'),
    ("app", "GET /health 200, no error"),
    ("app", "health check done: no error found, 3 services"),
    ("app", "Completed without error."),
    ("app", "no exception was reported"),
    ("app", "error rate: 0.02%, requests: 900"),
    ("app", "ended with error code 0"),
    ("app", "job=nightly error= status=ok"),
    ("app", "job=nightly status=ok error="),
    ("app", 'error= rows=12 msg="all is well" status=ok'),
    ("app", "Error rate: 0.02%"),
    ("app", json.dumps({"log": json.dumps({"error": None, "level": "debug"})})),
]


def test_high_error_rate_counts_faults_alone(detections: Detections) -> None:
    for number, (sourcetype, text) in enumerate([*FAULTS, *NO_FAULTS]):
        detections.log_many(text, 6, 300, 70, host=f"host-{number:02}", sourcetype=sourcetype)
    assert detections.found("High Error Rate") == [f"host-{n:02}" for n in range(len(FAULTS))]


def test_a_long_event_is_judged_as_well(detections: Detections) -> None:
    """The levels are looked for in the whole event, in a time that grows with its length."""
    for number, part in enumerate(('{"', "level=", "a ", "error ", "\n")):
        text = f"{part * (90_000 // len(part))} error level=debug"
        detections.log_many(text, 6, 300, 70, host=f"host-{number}")
    assert "host-3" in detections.found("High Error Rate")
