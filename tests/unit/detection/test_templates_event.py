"""What of an event its message is, format by format."""

from __future__ import annotations

import json

import pytest

from incident_management.detection.templates.known_templates import KnownTemplates
from incident_management.detection.templates.miner import TemplateMiner, message_of

SAID = ["Server is ready to receive web requests.", "TSDB started", "Head GC completed"]
NEW = ["TSDB is read only", "Corruption detected in WAL"]


def windows(code: int, message: str) -> str:
    return (
        f"01/06/2026 03:10:11 PM\nLogName=Security\nEventCode={code}\nEventType=0\n"
        f"ComputerName=DC01.corp.example.com\nType=Information\nMessage={message}\n\n"
        "Subject:\n\tSecurity ID:\t\tS-1-5-18\n"
    )


def windows_xml(code: int) -> str:
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        "<Provider Name='Microsoft-Windows-Security-Auditing' Guid='{5484-99}'/>"
        f"<EventID>{code}</EventID><Version>2</Version><EventRecordID>{code * 7}</EventRecordID>"
        "</System><EventData><Data Name='SubjectUserSid'>S-1-5-18</Data></EventData></Event>"
    )


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ('ts=2026-01-05T10:00:00Z caller=a.go:7 level=info msg="TSDB started"', "TSDB started"),
        ('time="2026-01-05T10:00:00Z" level=warning msg="no \\"x\\" here" id=7', 'no "x" here'),
        ('2026-01-05 10:00:00 level=error event="Leader lost" host=web1', "Leader lost"),
        ("level=info msg=ready port=80", "ready"),
        ('I0105 10:00:00.123456       7 kubelet.go:17] "Pod started" pod="a/b"', "Pod started"),
        ("E0105 10:00:00.123456       7 kubelet.go:17] Pod a is lost", "Pod a is lost"),
        ('2026-01-05T10:00:00.123456789Z stdout F {"level":"info","msg":"ready"}', "ready"),
        ("2026-01-05T10:00:00.123456789Z stderr F ran out of ids", "ran out of ids"),
        ('2026-01-05 10:00:00 INFO {"msg": "wrapped"}', "wrapped"),
        ("2026-01-05T10:11:12+00:00\nShutting down (abort)", "Shutting down (abort)"),
        ("[2026-01-05 10:11:12,123] ERROR\nDisk full", "Disk full"),
        (
            "Jan 05, 2026 10:11:12 AM org.apache.coyote.AbstractProtocol start\nINFO: Starting",
            "Starting",
        ),
        (windows(4625, "A logon failed."), "EventCode:4625 A logon failed."),
        (windows_xml(4740), "EventCode:4740 Microsoft-Windows-Security-Auditing"),
        ("type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e", None),
        ("status=200 took=3ms", None),
        ("01/06/2026 03:10:11 PM", None),
    ],
)  # fmt: skip
def test_a_message_is_found_in_what_wraps_it(event, message):
    assert message_of(event) == (event if message is None else message)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda said: f'ts=2026-01-05T10:00:00Z caller=main.go:7 level=info msg="{said}"',
        lambda said: f'time="2026-01-05T10:00:00Z" level=info msg="{said}" pod=pay-7',
        lambda said: f'I0105 10:00:00.123456       7 kubelet.go:17] "{said}" pod="prod/pay"',
        lambda said: "2026-01-05T10:00:00.1Z stdout F " + json.dumps({"msg": said}),
        lambda said: windows(4624, said),
    ],
    ids=["go-kit", "logrus", "klog", "cri", "windows"],
)
def test_what_a_baseline_never_saw_is_new_in_every_format(wrapped):
    learned = TemplateMiner().match_all([wrapped(said) for said in SAID * 20])
    known = {match.template for match in learned}
    assert len(known) == len(SAID)
    baseline = KnownTemplates([{"template": template, "count": 20} for template in known])
    found = TemplateMiner(known=baseline.templates).match_all([wrapped(x) for x in SAID + NEW])
    assert [baseline.is_new(match.template) for match in found] == [False] * 3 + [True] * 2


@pytest.mark.parametrize("event", [windows_xml, lambda code: windows(code, "It happened.")])
def test_events_of_windows_are_distinguished_by_their_codes(event):
    found = TemplateMiner().match_all([event(code) for code in (4624, 4625, 4740, 1102) * 50])
    assert len({match.template_id for match in found}) == 4


def test_what_only_looks_like_a_format_keeps_its_text():
    for hostile in (
        'a="' + '\\"' * 2400,
        "a=b " * 1250 + "msg",
        "2026-01-01 10:00:00 " + "|" * 5000,
    ):
        assert message_of(hostile)
