"""A shop that a change has broken, and what somebody does about that in the search bar."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.splunk.kv.store import KvStores
from incident_management.splunk.session import Session

if TYPE_CHECKING:
    from .conftest import Office

CAUSE = "CHG-8 set pool_size to 1 on checkout"


class _Clock:
    def now(self) -> float:
        return time.time()


class Shop:
    """Writes a log of a service: fails while it runs the bad version, as it did before."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._stop = threading.Event()
        self.silent = False
        self.helped = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        now = time.time()
        # what the window before the fix is to hold, and one second of delay
        office.standin.index("main", [self._event(now - ago / 10) for ago in range(70, 0, -1)])
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            if not self.silent:
                self._office.standin.index("main", [self._event(time.time())])

    def _event(self, at: float) -> Dict[str, Any]:
        bad = self._office.deployer.state["version"] == "r8" or not self.helped
        text = "ERROR QueuePool limit of size 1 reached" if bad else "INFO order paid"
        return {
            "_time": at,
            "_raw": f"service=checkout {text}",
            "host": "shop-1",
            "source": "checkout.log",
            "sourcetype": "shop:log",
        }

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def analysed(office: Office, versions: Tuple[str, str] = ("r8", "r7"), **finding: str) -> str:
    """An incident whose analysis has verified that the change did it.

    ``versions``: what it put there, and what was there before.
    """
    incident = office.signal(**finding)
    session = Session(office.standin.splunk.mgmt_uri, office.standin.session_key())
    stores = KvStores(session)
    stores.analyses.insert(
        {
            "_key": "ANA-0123456789",
            "incident_id": incident,
            "time": time.time(),
            "hypotheses": [
                {
                    "rank": 1,
                    "blamed": True,
                    "cause": CAUSE,
                    "change_id": "CHG-8",
                    "service": "checkout",
                    "version": versions[0],
                    "previous_version": versions[1],
                    "citations": [
                        {"id": "C1", "quote": "QueuePool limit of size 1", "verified": True}
                    ],
                }
            ],
        }
    )
    data = {"analysis_id": "ANA-0123456789", "verdict": CAUSE, "cause": CAUSE, "hypotheses": 1}
    timeline.append(Act(stores, _Clock(), "mia"), incident, "analysis", data)
    timeline.refresh(stores, incident)
    return incident


def remediate(office: Office, incident: str, service: Any = None, **options: str) -> Dict[str, Any]:
    words = " ".join(f"{name}={value}" for name, value in options.items())
    (row,) = office.search(f"| remediate incident={incident} {words}", service)
    return row


def kinds(office: Office, incident: str) -> List[str]:
    short = []
    for entry in office.timeline(incident):
        data = entry["data"]
        word = data.get("phase") or data.get("outcome") or data.get("decision") or data.get("to")
        if entry["kind"] != "notification":
            short.append(f"{entry['kind']} {word or ''}".strip())
    return short
