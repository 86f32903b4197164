"""The shop as the demo sees it: its processes, its deployer's API, its logs and its customers."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from tools.demo.children import Children
from tools.demo.faults import Change
from tools.demo.waiting import wait_for_json

SERVICES = ("orders", "payments", "bank")
TROUBLE = re.compile(r"\b(?:error|failed|exception)\b", re.IGNORECASE)
EVENT = re.compile(r"^(?=\d{4}-\d\d-\d\dT)", re.MULTILINE)


class Shop:
    """A running shop under load."""

    def __init__(self, children: Children, home: Path, token: str) -> None:
        self.home = home
        self._children = children
        self._token = token
        self._http = httpx.Client(timeout=30.0, trust_env=False)
        self.urls: dict[str, str] = {}

    def start(self, rate: float) -> None:
        """Start the deployer with the services, then the customers, ``rate`` requests a second."""
        command = ["tools.demo.shop.deployer", "--home", str(self.home)]
        self._children.start("deployer", command, {"SHOP_DEPLOY_TOKEN": self._token})
        self.urls = wait_for_json(self.home / "ready.json", self._children, "deployer")
        self._http.headers["Authorization"] = f"Bearer {self._token}"
        command = ["tools.demo.shop.driver", "--orders", self.urls["orders"]]
        command += ["--stats", str(self.home / "customers.json"), "--rate", str(rate)]
        self._children.start("driver", command)

    def deploy(self, change: Change) -> dict[str, Any]:
        """Release a change and return its change event."""
        body = {"config": dict(change.config), "summary": change.summary, "actor": change.actor}
        url = f"{self.urls['deployer']}/v1/services/{change.service}/deploy"
        answer = self._http.post(url, json=body)
        answer.raise_for_status()
        return dict(answer.json())

    def running(self, service: str) -> dict[str, Any]:
        """Return what the deployer says of a service, asked at the service itself."""
        answer = self._http.get(f"{self.urls['deployer']}/v1/services/{service}")
        answer.raise_for_status()
        return dict(answer.json())

    def changes(self) -> list[dict[str, Any]]:
        """Return the change feed."""
        text = (self.home / "log" / "changes.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def answers(self) -> Counter[str]:
        """Return how the customers' requests were answered so far, by HTTP status."""
        stats = self.home / "customers.json"
        if not stats.exists():
            return Counter()
        return Counter(json.loads(stats.read_text(encoding="utf-8"))["answers"])

    def events(self, service: str) -> list[str]:
        """Return a service's log as events, tracebacks with the line that they belong to."""
        text = (self.home / "log" / f"{service}.log").read_text(encoding="utf-8")
        return [event for event in EVENT.split(text) if event.strip()]

    def trouble(self) -> dict[str, list[str]]:
        """Return, by service, the events that the detection's words match."""
        found = {one: [e for e in self.events(one) if TROUBLE.search(e)] for one in SERVICES}
        return {service: events for service, events in found.items() if events}
