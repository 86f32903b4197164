"""Events as services and Splunk's add-ons write them, healthy and not, for the shipped searches."""

from __future__ import annotations

import json
from typing import Any, Callable

from tests.integration.detection.conftest import Detections

Write = Callable[[Detections], None]


def access(status: int, **more: Any) -> str:
    return json.dumps({"service": "shop", "status": status, "path": "/orders", **more})


def errors(count: int) -> Write:
    return lambda d: d.log_many("ERROR payment failed service=shop", count, 300, 70)


def cloudtrail(count: int, code: str = "AccessDenied", call: str = "Get") -> Write:
    raw = json.dumps(
        {
            "eventSource": "s3.amazonaws.com",
            "errorCode": code,
            "errorMessage": "no",
            "eventName": call,
            "readOnly": call.startswith(("Get", "Describe")),
        }
    )
    return lambda d: d.log_many(raw, count, 1700, 1210, sourcetype="aws:cloudtrail")


def measured(count: int, **fields: Any) -> Write:
    raw = json.dumps(fields)
    return lambda d: d.log_many(raw, count, 500, 10, sourcetype="metrics")


def refused(count: int, word: str = "Failed password") -> Write:
    raw = f"sshd[1]: {word} for root from 192.0.2.7 port 22 ssh2"
    return lambda d: d.log_many(raw, count, 500, 10, host="bastion")


def answered(good: int, bad: int) -> Write:
    def write(d: Detections) -> None:
        d.log_many(access(200), good, 340, 70, sourcetype="access_json")
        if bad:
            d.log_many(access(503), bad, 340, 70, sourcetype="access_json")

    return write


def served(before: int, before_ms: float, recent: int, recent_ms: float) -> Write:
    def write(d: Detections) -> None:
        kind = {"sourcetype": "access_json"}
        d.log_many(access(200, duration_ms=before_ms), before, 4000, 700, **kind)
        if recent:
            d.log_many(access(200, duration_ms=recent_ms), recent, 500, 10, **kind)

    return write


def heartbeat(oldest: float, newest: float, every: float) -> Write:
    count = int((oldest - newest) / every) + 1
    return lambda d: d.log_many("still here", count, oldest, newest, host="db-1")


def hourly(d: Detections) -> None:
    for hour in (3, 2, 1):
        d.log_many("backup of 20 tables", 20, hour * 3600 + 60, hour * 3600, host="backup")


def old_error(count: int, new: str, new_count: int) -> Write:
    def write(d: Detections) -> None:
        d.log_many("ERROR order 17 failed: card refused", count, 9000, 30)
        if new_count:
            d.log_many(new, new_count, 300, 30)

    return write


def starts(count: int, newest: float = 20) -> Write:
    def write(d: Detections) -> None:
        for number in range(count):
            ago = newest + 200 * number
            d.log("worker: Main process exited, code=exited, status=1", ago + 1)
            d.log("worker: Scheduled restart job, restart counter is at 4.", ago)

    return write


def certificate(days: float) -> Write:
    raw = json.dumps({"service": "shop", "days_left": days})
    return lambda d: d.log(raw, 900)


def certificates(*days: float) -> Write:
    """One host that looks at several, the first of them first."""

    def write(d: Detections) -> None:
        for number, left in enumerate(days):
            d.log(json.dumps({"cn": f"{number}.example.com", "days_left": left}), 900 - number)

    return write


def queue(*depths: int, host: str = "web-1", **of: Any) -> Write:
    def write(d: Detections) -> None:
        for number, depth in enumerate(depths):
            raw = json.dumps({"queue": "orders", "queue_depth": depth, **of})
            d.log(raw, 550 - 60 * number, host=host)

    return write


def all_of(*writes: Write) -> Write:
    def write(d: Detections) -> None:
        for one in writes:
            one(d)

    return write


def perfmon(count: int, kind: str, instance: str, value: int) -> Write:
    raw = f'object={kind} counter="% Processor Time" instance={instance} Value={value}'
    return lambda d: d.log_many(raw, count, 500, 10, sourcetype=f"Perfmon:{kind}")


def disk(used: str, kind: str, mount: str = "/") -> Write:
    raw = f"Filesystem=/dev/x Type={kind} UsePct={used} MountedOn={mount}"
    return lambda d: d.log_many(raw, 2, 500, 10, sourcetype="df")


def table(sourcetype: str, **columns: list[str]) -> Write:
    """What a script of the *nix add-on prints, or a counter of Windows: a value for each line."""
    of: dict[str, Any] = {"sourcetype": sourcetype, **columns}
    return lambda d: d.log_many("a table", 2, 500, 10, **of)


def restarts(hosts: int, each: int) -> Write:
    """Restarts of one service on several hosts, a minute and a half apart on each."""

    def write(d: Detections) -> None:
        for host in range(hosts):
            for number in range(each):
                line = "INFO service=shop Application startup complete."
                d.log(line, 850 - 30 * host - 90 * number, host=f"web-{host}")

    return write


def pods(*names: str) -> Write:
    """Containers of one node that start, as OpenTelemetry's collector sends their lines."""

    def write(d: Detections) -> None:
        for number, pod in enumerate(names):
            line = "INFO:     Started server process [1]"
            d.log(line, 800 - 90 * number, host="node-1", **{"k8s.pod.name": pod})

    return write


def units(*each: int) -> Write:
    """Restarts of systemd's units of one host, so many of each."""

    def write(d: Detections) -> None:
        for unit, count in enumerate(each):
            for number in range(count):
                line = f"systemd[1]: app-{unit}.service: Main process exited, code=killed"
                d.log(line, 800 - 30 * unit - 150 * number)

    return write


def says(line: str, count: int = 40, of: dict[str, Any] | None = None) -> Write:
    return lambda d: d.log_many(line, count, 300, 70, **(of or {}))


def back_off(pod: str) -> Write:
    """What Kubernetes says of a pod whose container ends again and again."""
    said = {
        "reason": "BackOff",
        "message": f"Back-off restarting failed container in pod {pod}_prod",
        "involvedObject": {"kind": "Pod", "name": pod, "namespace": "prod"},
    }
    return lambda d: d.log_many(json.dumps(said), 5, 600, 20, sourcetype="kube:objects:events")


def probes(count: int) -> Write:
    """What a rollout in Kubernetes says of pods that are not ready yet."""
    said = {"reason": "Unhealthy", "message": "Readiness probe failed: HTTP probe failed with 503"}
    return says(json.dumps(said), count, {"sourcetype": "kube:object:events"})


def balanced(before: float, recent: float) -> Write:
    """How long requests took behind AWS's load balancer, in seconds."""

    def write(d: Detections) -> None:
        of = {"sourcetype": "aws:elb:accesslogs", "elb": "app/shop"}
        d.log_many("https app/shop", 60, 4000, 700, target_processing_time=str(before), **of)
        d.log_many("https app/shop", 40, 500, 10, target_processing_time=str(recent), **of)

    return write


def sqs(*depths: float) -> Write:
    """A queue's depth as the Add-on for AWS indexes it."""

    def write(d: Detections) -> None:
        for number, depth in enumerate(depths):
            said = {
                "metric_name": "ApproximateNumberOfMessagesVisible",
                "metric_dimensions": "QueueName=[orders]",
                "Average": depth,
                "Maximum": depth,
            }
            d.log(json.dumps(said), 550 - 60 * number, sourcetype="aws:cloudwatch")

    return write


def change(before: int, after: int, service: str = "shop", ago: float = 600) -> Write:
    def write(d: Detections) -> None:
        deploy = {"change_id": "c-7", "kind": "deploy", "service": "shop", "summary": "v2"}
        d.log(json.dumps(deploy), ago, sourcetype="deploys")
        line = json.dumps({"level": "error", "service": service})
        if before:
            d.log_many(line, before, ago + 550, ago + 10)
        if after:
            d.log_many(line, after, ago - 10, 20)

    return write
