"""A search head cluster whose members read the KV store half a second behind its captain."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, List, NamedTuple

import pytest

from tests.package import APP_PYTHON, unpacked
from tests.standin import start_standin
from tools.splunkd_lite.cluster.membership import ClusterOptions

from .conftest import Office, wait_for
from .shop import analysed, kinds

LABELS = ("sh1", "sh2", "sh3")
LAG_SECONDS = 0.5


class Cluster(NamedTuple):
    """The captain, and a member that lags."""

    captain: Office
    member: Office

    def seen_by_the_member(self, *incidents: str) -> None:
        """Wait until the member has the incidents that were opened on the captain."""
        wait_for(lambda: all("id" in self.member.call("GET", f"/incidents/{i}") for i in incidents))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    offices: List[Office] = []
    try:
        for label in LABELS:
            options = ClusterOptions(tmp_path / "cluster", label, len(LABELS))
            standin = start_standin(
                tmp_path, [unpacked()], home=tmp_path / label, cluster=options, python=APP_PYTHON
            )
            offices.append(Office(standin))
        captain = next(each for each in offices if _cluster_of(each).membership.is_captain)
        member = next(each for each in offices if each is not captain)
        url = captain.deployer.url
        captain.set("remediation", deploy_api_url=url, deploy_api_token="deploy-token")
        _cluster_of(member).pull()
        captain.admin.post("/services/splunkd_lite/kvstore", lag_seconds=LAG_SECONDS)
        wait_for(lambda: member.standin.splunk.kv.faults.lag == LAG_SECONDS)
        yield Cluster(captain, member)
    finally:
        for office in reversed(offices):
            office.stop()


def _cluster_of(office: Office):
    return office.standin.splunk.cluster


def test_an_acknowledgement_is_answered_and_shown_with_the_new_status(cluster: Cluster) -> None:
    incident = cluster.captain.signal()
    cluster.seen_by_the_member(incident)

    answer = cluster.member.call("POST", f"/incidents/{incident}/acknowledge")

    assert answer["status"] == "in_progress"
    assert cluster.captain.call("GET", f"/incidents/{incident}")["status"] == "in_progress"
    assert cluster.member.call("GET", f"/incidents/{incident}")["status"] == "in_progress"


def test_an_incident_opened_by_hand_is_there_at_once(cluster: Cluster) -> None:
    answer = cluster.member.call("POST", "/incidents", {"title": "Checkout is down"})

    assert answer["status"] == "new"
    assert kinds(cluster.captain, answer["id"])[0] == "opened"


def test_of_two_opposite_merges_on_two_members_one_is_refused(cluster: Cluster) -> None:
    a, b = (cluster.captain.signal(entity) for entity in ("checkout", "cart"))
    cluster.seen_by_the_member(a, b)

    first = cluster.captain.call("POST", f"/incidents/{a}/merge", {"into": b})
    status, said = cluster.member.call("POST", f"/incidents/{b}/merge", {"into": a})

    assert first["merged"] == [a]
    assert status == 409 and "is merged into" in str(said)
    assert cluster.captain.call("GET", f"/incidents/{b}")["status"] != "closed"


def test_a_plan_is_proposed_approved_and_executed_on_a_member(cluster: Cluster) -> None:
    incident = analysed(cluster.captain)
    cluster.seen_by_the_member(incident)

    plan = cluster.member.call("POST", f"/incidents/{incident}/plans")
    approved = cluster.member.call("POST", f"/plans/{plan['plan_id']}/approve")
    done = cluster.member.call("POST", f"/plans/{plan['plan_id']}/execute")

    assert (plan["status"], approved["status"], done["status"]) == ("proposed", "approved", "done")
    assert list(cluster.captain.deployer.rollbacks) == [plan["plan_id"]]
    again = cluster.captain.call("POST", f"/plans/{plan['plan_id']}/reject", {"reason": "stop"})
    assert again[0] == 409, again
