"""shcluster/*: who is in the search head cluster.

Source: "Cluster endpoint descriptions" in the REST API Reference. The keys are those that have a
meaning here; splunkd has more. An instance that is no member answers 503 with "not available":
solnlib's server_info looks for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.splunkd_lite.cluster.member import ClusterMember
from tools.splunkd_lite.cluster.membership import Member
from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest.atom import Entry, Feed
from tools.splunkd_lite.rest.paging import paged
from tools.splunkd_lite.rest.request import RestRequest
from tools.splunkd_lite.rest.router import route

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

_SYSTEM = Acl("system", "system", "system")
_NOT_A_MEMBER = "Search Head Clustering is not enabled on this node. REST endpoint is not available"
_CAPABILITY = "list_search_head_clustering"


@route("GET", "shcluster/config")
@route("GET", "shcluster/config/config")
def config(splunk: Splunk, request: RestRequest) -> Feed:
    if splunk.cluster is None:
        content: dict[str, Any] = {"disabled": True}
    else:
        options = splunk.cluster.options
        content = {
            "disabled": False,
            "heartbeat_timeout": options.lease,
            "id": _cluster_id(splunk.cluster),
            "mgmt_uri": splunk.mgmt_uri,
            "replication_factor": options.size,
            "shcluster_label": options.folder.name,
        }
    return Feed("config", [Entry("config", content, _SYSTEM, "shcluster/config")])


@route("GET", "shcluster/captain/info", capability=_CAPABILITY)
def captain_info(splunk: Splunk, request: RestRequest) -> Feed:
    cluster = _cluster(splunk)
    captain = cluster.membership.captain
    if captain is None:
        raise SplunkdError(503, "There is no captain: fewer than half of the members are up.")
    content = {
        "dynamic_captain": True,
        "elected_captain": int(cluster.membership.elected_at),
        "id": _cluster_id(cluster),
        "initialized_flag": True,
        "label": captain.label,
        "maintenance_mode": False,
        "min_peers_joined_flag": cluster.membership.has_majority(),
        "peer_scheme_host_port": captain.uri,
        "rolling_restart_flag": False,
        "service_ready_flag": True,
        "start_time": int(captain.started),
    }
    return Feed("captaininfo", [Entry("captain", content, _SYSTEM, "shcluster/captain/info")])


@route("GET", "shcluster/captain/members", capability=_CAPABILITY)
@route("GET", "shcluster/member/members", capability=_CAPABILITY)
def members(splunk: Splunk, request: RestRequest) -> Feed:
    cluster = _cluster(splunk)
    path = "/".join(request.segments)
    entries = [_entry(cluster, each, path) for each in cluster.membership.members()]
    return paged("members", entries, request)


@route("GET", "shcluster/member/info", capability=_CAPABILITY)
def member_info(splunk: Splunk, request: RestRequest) -> Feed:
    cluster = _cluster(splunk)
    content = {
        "is_registered": True,
        "label": cluster.label,
        "peer_load_stats_max_runtime": 0,
        "restart_state": "NoRestart",
        "status": "Up",
    }
    return Feed("member", [Entry("member", content, _SYSTEM, "shcluster/member/info")])


def _cluster(splunk: Splunk) -> ClusterMember:
    if splunk.cluster is None:
        raise SplunkdError(503, _NOT_A_MEMBER)
    return splunk.cluster


def _cluster_id(cluster: ClusterMember) -> str:
    """One id for all members: their first, by label."""
    return cluster.membership.members()[0].guid


def _entry(cluster: ClusterMember, member: Member, path: str) -> Entry:
    captain = cluster.membership.captain
    content = {
        "adhoc_searchhead": False,
        "is_captain": captain is not None and captain.label == member.label,
        "label": member.label,
        "last_heartbeat": int(member.heartbeat),
        "mgmt_uri": member.uri,
        "peer_scheme_host_port": member.uri,
        "status": "Up" if cluster.membership.is_up(member) else "Down",
    }
    return Entry(member.guid, content, _SYSTEM, path, ("list",))
