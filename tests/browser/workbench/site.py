"""The built app in a stand-in with Splunk Web, people with their roles, and incidents."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.model import Entry
from incident_management.splunk.kv.store import KvStores
from incident_management.splunk.session import Session
from tests.browser.conftest import APP
from tests.integration.tell_and_fix.receivers import Deployer
from tests.package import unpacked
from tests.standin import ADMIN_PASSWORD, start_standin

API = "/services/incident_management/v1"
PEOPLE = {
    "mia": "incident_manager",
    "rob": "incident_responder",
    "ada": "incident_approver",
    "vic": "incident_viewer",
    "ulf": "user",
}
ROUTING = """[team:payments]
members = mia, rob
[team:web]
members = rob
[rota:web]
members = mia, rob
handover = every 52w
start = 2026-11-01 09:00
[sla:critical]
disabled = 0
[sla:high]
disabled = 0
[stakeholders:board]
severity = info
slack_channels = #board
email = ceo@example.com, cfo@example.com
update_every = 45m
[field:customer_impact]
label = Customer impact
kind = choice
options = none, some, all
severity = info
required = resolve
[field:region]
[field:regulatory]
kind = yes_no
shown = list
[field:constructor]
team = web, , web
severity = info
[field:seats]
kind = number
[field:outage_kind]
kind = choice
options = partial, full
severity = critical, high
[field:due_day]
kind = date
severity = info, low, medium
[field:vendor_case]
label = Vendor case
help = As in the contract.
[checklist:divided]
entity = divided-*
step.1 = Tell <i>support</i> | role: communications | runbook: https://wiki.example.com/support
step.2 = Watch the error rate | role: lead
"""


class Clock:
    """The machine's."""

    def now(self) -> float:
        return time.time()


class Site:
    """A running stand-in, its people, and what the tests ask the API."""

    def __init__(self, folder: Path, routing: str = ROUTING) -> None:
        self.standin = start_standin(folder, apps=[unpacked()], parts={"web"}, https=False)
        splunk = self.standin.splunk
        local = splunk.home / f"etc/apps/{APP}/local"
        local.mkdir(exist_ok=True)
        (local / "incident_routing.conf").write_text(routing, encoding="utf-8")
        splunk.conf.reload()
        for name, role in PEOPLE.items():
            self.standin.add_user(name, role)
        self.web = f"http://127.0.0.1:{splunk.web_port}"
        self.page = f"{self.web}/en-US/app/{APP}/workbench"
        self.sessions: dict[str, Any] = {}
        self.deployer = Deployer("checkout")
        form = {"deploy_api_url": self.deployer.url, "deploy_api_token": "deploy-token"}
        admin = self.standin.service(app=APP, owner="nobody")
        admin.post("incident_management_settings/remediation", **form)
        session = Session(splunk.mgmt_uri, self.standin.session_key())
        self.stores = KvStores(session)

    def stop(self) -> None:
        self.deployer.stop()
        self.standin.stop()

    def call(self, method: str, path: str, body: Any = None, user: str = "admin") -> Any:
        """Call the API as somebody; the answer must be a success."""
        headers = {"Authorization": f"Splunk {self.standin.session_key(user)}"}
        address = self.standin.splunk.mgmt_uri + API + path
        answer = httpx.request(method, address, json=body, headers=headers, timeout=60)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def open(self, title: str, **fields: Any) -> str:
        """Open an incident by hand; returns its id."""
        return str(self.call("POST", "/incidents", {"title": title, **fields})["id"])

    def signals(self, *found: Mapping[str, Any]) -> list[str]:
        """Raise signals, as a detection does; returns their incidents' ids."""
        now = time.time()
        common = {
            "rule": "High Error Rate",
            "app": APP,
            "owner": "nobody",
            "severity": "high",
            "count": 42,
            "first_time": now - 300,
            "last_time": now - 60,
            "run": str(now),
        }
        body = {"common": common, "signals": [dict(one) for one in found]}
        outcomes = self.call("POST", "/signals", body)["outcomes"]
        return [str(one["incident_id"]) for one in outcomes]

    def incident(self, incident_id: str) -> Any:
        return self.call("GET", f"/incidents/{incident_id}")

    def timeline(self, incident_id: str) -> list[Any]:
        """An incident's entries that count, in order; the timeline is whole."""
        told = self.call("GET", f"/incidents/{incident_id}/timeline")
        assert told["verified"] is True, told["problems"]
        return [entry for entry in told["entries"] if entry["counts"]]

    def kinds(self, incident_id: str) -> list[str]:
        return [entry["kind"] for entry in self.timeline(incident_id)]

    def wait_for_entry(self, incident_id: str, kind: str, seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while kind not in self.kinds(incident_id):
            assert time.monotonic() < until, f"no entry {kind} in {seconds:.0f} s"
            time.sleep(0.3)

    def append(self, incident_id: str, kind: str, actor: str, **data: Any) -> None:
        """Write an entry, and leave the incident's document as it is."""
        timeline.append(Act(self.stores, Clock(), actor), incident_id, kind, data)

    def write(self, incident_id: str, kind: str, actor: str, **data: Any) -> None:
        """Write an entry as the app itself would."""
        self.append(incident_id, kind, actor, **data)
        timeline.refresh(self.stores, incident_id)

    def remarks(self, incident_id: str, number: int) -> None:
        """Write so many notes at once, and leave the incident's document as it is."""
        entries = timeline.read(self.stores, incident_id)
        for each in range(number):
            text, head = {"text": f"Remark {each}"}, timeline.head_of(entries)
            entries.append(Entry.create(incident_id, "note", text, "mia", time.time(), head))
        timeline.write(self.stores, entries[-number:])

    def promise(self, incident_id: str, acknowledge: float, resolve: float) -> None:
        """Give an incident deadlines, in seconds from now."""
        now = time.time()
        due = {"acknowledge_due": now + acknowledge, "resolve_due": now + resolve}
        self.write(incident_id, "sla", "system", event="timed", life=1, policies=["x"], **due)

    def analysed(self, incident_id: str, **changed: Any) -> None:
        """Give an incident an analysis that blames a change, with a citation that was checked.

        Its service runs that change, whatever fixes of other tests have put back.
        """
        self.deployer.state.update(version="r8", previous_version="r7", change_id="CHG-8")
        cause = "CHG-8 set pool_size from 20 to 1 on checkout (r7 to r8), 2 minutes before"
        quote = "ERROR checkout QueuePool limit of size 1 overflow 0 reached, timed out"
        change = "CHG-8 service=checkout pool_size: 20 -> 1 version=r8"
        key = f"ANA-{incident_id[-6:].lower():0>10}"
        hypothesis = {
            "id": "H1",
            "rank": 1,
            "kind": "change",
            "blamed": True,
            "cause": cause,
            "score": 0.86,
            "confidence": "high",
            "source": "ranking",
            "verified": True,
            "change_id": "CHG-8",
            "service": "checkout",
            "version": "r8",
            "previous_version": "r7",
            "for": ["Errors began 2 minutes after it.", "The failing service is the one changed."],
            "against": [],
            "citations": [
                {
                    "id": "C1",
                    "kind": "change",
                    "quote": change,
                    "index": "main",
                    "time": time.time() - 500,
                    "entity": "checkout",
                    "status": "verified",
                    "verified": True,
                },
                {
                    "id": "C2",
                    "kind": "event",
                    "quote": quote,
                    "index": "main",
                    "time": time.time() - 380,
                    "entity": "checkout",
                    "status": "verified",
                    "verified": True,
                },
            ],
            **changed,
        }
        other = {
            "id": "H2",
            "rank": 2,
            "kind": "condition",
            "cause": "Traffic of checkout rose to 1.3 times the usual",
            "score": 0.11,
            "confidence": "low",
            "source": "ranking",
            "for": ["It rose before the errors."],
            "against": ["So it did yesterday, without errors."],
            "citations": [],
        }
        self.stores.analyses.insert(
            {
                "_key": key,
                "incident_id": incident_id,
                "time": time.time(),
                "actor": "rob",
                "verdict": f"Most likely cause (high confidence): {cause}.",
                "cause": cause,
                "hypotheses": [hypothesis, other],
                "evidence": [
                    {
                        "finder": "recent_changes",
                        "looked_for": "change events in the day before the errors began",
                        "found": ["config CHG-8 of checkout, 0 min before"],
                        "not_found": ["No change events of billing."],
                    }
                ],
                "citations": hypothesis["citations"],
                "claims": [
                    {
                        "text": "The database was restarted at noon.",
                        "status": "rejected",
                        "reason": "Its quote is in no event.",
                        "quote": "database system is ready to accept connections",
                    },
                    {
                        "text": "Checkout fails because the pool is full.",
                        "status": "unchecked",
                        "citation_id": "C1",
                        "reason": "It says what brought about what.",
                        "quote": "QueuePool limit of size 1",
                    },
                    {
                        "text": "The pool of checkout was cut to one connection.",
                        "status": "quoted",
                        "citation_id": "C1",
                        "quote": "QueuePool limit of size 1 overflow 0 reached",
                    },
                ],
                "model": {
                    "detail": "a.model made 3 claims: 1 found in the events that they quote, "
                    "1 not checked, 1 rejected."
                },
            }
        )
        data = {"analysis_id": key, "verdict": cause, "cause": cause, "hypotheses": 2}
        self.write(incident_id, "analysis", "rob", **data)


def sign_in(tab: Any, user: str) -> None:
    """Fill in the log-in form that a tab shows."""
    tab.fill("[name=username]", user)
    tab.fill("[name=password]", ADMIN_PASSWORD)
    tab.click("main button[type=submit]")
    tab.wait_for_url("**/app/**")
