"""Payloads of other monitoring tools, for tests."""

import copy
import json
from typing import Any

ALERTMANAGER: dict[str, Any] = {
    "version": "4",
    "groupKey": '{}:{alertname="HighLatency"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "splunk",
    "groupLabels": {"alertname": "HighLatency"},
    "commonLabels": {"alertname": "HighLatency"},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "HighLatency",
                "service": "checkout",
                "severity": "page",
                "instance": "10.0.0.1:9090",
            },
            "annotations": {"summary": "Checkout is slow", "description": "p99 over 2 s"},
            "startsAt": "2023-11-14T22:00:00.123456789Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus:9090/graph",
            "fingerprint": "1a30ba71cca2921f",
        }
    ],
}
DATADOG = {
    "body": "%%% disk is full %%%",
    "last_updated": "1700000000000",
    "event_type": "metric_alert_monitor",
    "title": "[Triggered on {host:db-1}] Disk is full",
    "date": "1699999990000",
    "org": {"id": "1", "name": "shop"},
    "id": "7",
    "alert_id": "1234",
    "alert_scope": "host:db-1,env:prod",
    "alert_transition": "Triggered",
    "alert_priority": "P2",
}
ALARM = {
    "AlarmName": "QueueDepth",
    "AlarmDescription": "Orders wait",
    "AWSAccountId": "123456789012",
    "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:QueueDepth",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed",
    "StateChangeTime": "2023-11-14T22:13:00.123+0000",
    "OldStateValue": "OK",
    "Trigger": {"MetricName": "Depth", "Dimensions": [{"name": "QueueName", "value": "orders"}]},
}


def sns(alarm):
    return {
        "Type": "Notification",
        "MessageId": "95df01b4",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:alarms",
        "Message": json.dumps(alarm),
    }


def changed(payload, **fields):
    copied = copy.deepcopy(payload)
    copied.update(fields)
    return copied


def over(tool):
    """Return each tool's payload for an alert that has ended."""
    if tool in ("alertmanager", "grafana"):
        ended = copy.deepcopy(ALERTMANAGER)
        ended["alerts"][0]["status"] = "resolved"
        return ended
    if tool == "datadog":
        return changed(
            DATADOG, title="[Recovered on {host:db-1}] Disk is full", alert_transition="Recovered"
        )
    return sns(changed(ALARM, NewStateValue="OK", StateChangeTime="2023-11-14T22:13:15.000+0000"))


FIRING = {
    "alertmanager": ALERTMANAGER,
    "grafana": changed(ALERTMANAGER, orgId=1, title="[FIRING:1]", state="alerting"),
    "datadog": DATADOG,
    "cloudwatch": sns(ALARM),
}


def sent(api, tool, payload, **more):
    status, answer = api.call(
        "POST", f"/webhooks/{tool}", payload, capabilities={"incident_signal"}, **more
    )
    assert status == 200, answer
    return answer["outcomes"]
