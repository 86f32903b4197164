"""Everything that a run of the demo has: its folders, processes, secrets and sessions."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tools.demo.children import Children
from tools.demo.ports import Ports
from tools.demo.report import Report
from tools.demo.shop_client import Shop
from tools.demo.splunk_client import SplunkClient

RESPONDER, APPROVER, MANAGER, ADMIN = "rosa", "tom", "mika", "admin"
PREFERRED_PORTS = {"mgmt": 18089, "web": 18000}
AWS_REGION = "eu-central-1"
BEDROCK_MODEL = "demo.rules-v1:0"
SLACK_CHANNEL = "#incidents"


@dataclass(frozen=True)
class Options:
    """What the command line asked for. ``fault``: orders, payments or none.

    ``pace``: how many times as fast as the clock the detection's schedule runs.
    """

    home: Path
    app: Path
    fault: str = "orders"
    bedrock: bool = True
    kill: bool = False
    exit: bool = False
    python: str = ""
    rate: float = 14.0
    pace: int = 1


@dataclass(frozen=True)
class Secrets:
    """Made anew for each run; printed once where a person needs them, and never logged."""

    passwords: dict[str, str] = field(
        default_factory=lambda: {
            name: secrets.token_urlsafe(12) for name in (ADMIN, RESPONDER, APPROVER, MANAGER)
        }
    )
    deploy_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    slack_token: str = field(default_factory=lambda: f"xoxb-{secrets.token_hex(12)}")
    teams_flow: str = field(default_factory=lambda: secrets.token_hex(16))
    teams_sig: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    pagerduty_key: str = field(default_factory=lambda: secrets.token_hex(16))
    aws_access_key_id: str = field(default_factory=lambda: f"AKIA{secrets.token_hex(8).upper()}")
    aws_secret_access_key: str = field(default_factory=lambda: secrets.token_urlsafe(30))

    def receivers(self) -> dict[str, str]:
        """Return what the receivers must accept."""
        return {
            "slack_token": self.slack_token,
            "teams_flow": self.teams_flow,
            "teams_sig": self.teams_sig,
            "pagerduty_key": self.pagerduty_key,
            "aws_access_key_id": self.aws_access_key_id,
            "aws_secret_access_key": self.aws_secret_access_key,
            "aws_region": AWS_REGION,
            "bedrock_model": BEDROCK_MODEL,
        }


@dataclass
class World:
    """One run."""

    options: Options
    report: Report
    children: Children
    secrets: Secrets
    shop: Shop
    ports: Ports
    receivers_url: str = ""
    ca_file: str = ""
    incident_id: str = ""
    bad_change: dict[str, Any] = field(default_factory=dict)
    sessions: dict[str, SplunkClient] = field(default_factory=dict)

    @classmethod
    def create(cls, options: Options) -> World:
        """Prepare a run in ``options.home``; nothing is started yet."""
        children = Children(options.home / "log")
        made = Secrets()
        shop = Shop(children, options.home / "shop", made.deploy_token)
        return cls(options, Report(), children, made, shop, Ports(PREFERRED_PORTS))

    @property
    def splunk_home(self) -> Path:
        """Return the stand-in's SPLUNK_HOME."""
        return self.options.home / "splunk"

    @property
    def splunk_url(self) -> str:
        """Return the address of splunkd's management port."""
        return f"https://127.0.0.1:{self.ports['mgmt']}"

    @property
    def web_url(self) -> str:
        """Return the address of Splunk Web."""
        return f"http://127.0.0.1:{self.ports['web']}"

    def as_user(self, name: str) -> SplunkClient:
        """Return a user's session, logging in when there is none."""
        if name not in self.sessions:
            ca_file = self.splunk_home / "etc" / "auth" / "cacert.pem"
            password = self.secrets.passwords[name]
            self.sessions[name] = SplunkClient(self.splunk_url, ca_file, name, password)
        return self.sessions[name]

    def log_out(self) -> None:
        """Forget all sessions: after a restart of splunkd they are worth nothing."""
        for session in self.sessions.values():
            session.close()
        self.sessions.clear()

    @contextmanager
    def _receivers(self) -> Iterator[httpx.Client]:
        trust = ssl.create_default_context(cafile=self.ca_file)
        with httpx.Client(base_url=self.receivers_url, verify=trust, trust_env=False) as client:
            yield client

    def received(self, service: str = "") -> list[dict[str, Any]]:
        """Return what the receivers got, of one service or of all."""
        with self._receivers() as client:
            entries = client.get("/record").json()
        return [entry for entry in entries if service in ("", entry["service"])]

    def limit(self, service: str, times: int, retry_after: int) -> None:
        """Have a receiver answer the next requests with 429."""
        body = {"service": service, "times": times, "retry_after": retry_after}
        with self._receivers() as client:
            client.post("/limit", json=body).raise_for_status()

    def incident(self) -> dict[str, Any]:
        """Return the incident's document, read as the responder."""
        return dict(self.as_user(RESPONDER).incidents(f"/incidents/{self.incident_id}"))

    def incidents(self) -> list[dict[str, Any]]:
        """Return all incidents."""
        return list(self.as_user(RESPONDER).incidents("/incidents")["incidents"])

    def timeline(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the incident's timeline, or its entries of some kinds."""
        entries = self._told()["entries"]
        return [entry for entry in entries if not kinds or entry["kind"] in kinds]

    def timeline_is_whole(self) -> bool:
        """Tell whether the app finds every entry's hash right and none missing."""
        told = self._told()
        return told["verified"] is True and not told["problems"]

    def _told(self) -> dict[str, Any]:
        path = f"/incidents/{self.incident_id}/timeline"
        return dict(self.as_user(RESPONDER).incidents(path))
