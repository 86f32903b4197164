"""Which plan ``| remediate`` acts on when none is named."""

from __future__ import annotations

from typing import Any, List, Tuple

import pytest

from incident_management.remediation.command import RemediationFailed, remediate

INCIDENT = "INC-20260131-A1B2C3"
OLD, NEW = "PLAN-0123456789", "PLAN-abcdef0123"


class FakeSession:
    """Lists plans, the newest first, and keeps what was posted."""

    def __init__(self, *plans: Tuple[str, str]) -> None:
        self.plans = [{"plan_id": plan, "status": state} for plan, state in plans]
        self.posted: List[str] = []
        self.given: List[Any] = []

    def get(self, path):
        return {"plans": self.plans}

    def post(self, path, json_body):
        self.posted.append(path.rpartition("/v1/")[2])
        self.given.append(json_body)
        return self.plans[0]


@pytest.mark.parametrize(
    ("do", "state"), [("approve", "proposed"), ("reject", "approved"), ("execute", "approved")]
)
def test_of_two_plans_that_wait_for_the_same_one_is_named(do, state):
    session: Any = FakeSession((NEW, state), (OLD, state))
    with pytest.raises(RemediationFailed, match=f"has 2 plans to {do}: choose one with plan="):
        remediate(session, do, INCIDENT)
    assert session.posted == []
    remediate(session, do, INCIDENT, plan=OLD)
    assert session.posted == [f"plans/{OLD}/{do}"]


def test_a_reason_goes_with_what_it_can_override_alone():
    session: Any = FakeSession((NEW, "approved"))
    with pytest.raises(RemediationFailed, match="only with do=approve, do=execute and do=rollback"):
        remediate(session, "reject", INCIDENT, override="now")
    remediate(session, "execute", INCIDENT, override="now")
    assert session.posted == [f"plans/{NEW}/execute"] and session.given == [{"override": "now"}]


def test_the_newest_is_meant_where_no_other_waits():
    session: Any = FakeSession((NEW, "proposed"), (OLD, "rejected"))
    remediate(session, "approve", INCIDENT)
    assert session.posted == [f"plans/{NEW}/approve"]
