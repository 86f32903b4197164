"""Runs the receivers: ``python -m tools.demo.receivers --home DIR [--port N]``.

One HTTPS port of the loopback address for all services. The credentials that they accept come as
JSON in the environment variable ``RECEIVERS_CREDENTIALS``: ``slack_token, teams_flow, teams_sig,
pagerduty_key, aws_access_key_id, aws_secret_access_key, aws_region, bedrock_model``.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
from pathlib import Path

import trustme
import uvicorn

from tools.demo.children import end_with_parent
from tools.demo.receivers.app import create_app
from tools.demo.receivers.bedrock import Bedrock
from tools.demo.receivers.exchange import Receiver, Record
from tools.demo.receivers.pagerduty import PagerDuty
from tools.demo.receivers.slack import Slack
from tools.demo.receivers.teams import Teams

SLACK_CHANNELS = {"incidents": "C0INCIDENTS"}


def services(credentials: dict[str, str]) -> list[Receiver]:
    """Return the services, each with the credentials that it accepts."""
    return [
        Slack(credentials["slack_token"], SLACK_CHANNELS),
        Teams(credentials["teams_flow"], credentials["teams_sig"]),
        PagerDuty(credentials["pagerduty_key"]),
        Bedrock(
            credentials["aws_access_key_id"],
            credentials["aws_secret_access_key"],
            credentials["aws_region"],
            credentials["bedrock_model"],
        ),
    ]


def main() -> None:
    """Serve until SIGTERM; ``ready.json`` in the home tells the URL and the CA's file."""
    parser = argparse.ArgumentParser(prog="receivers")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    end_with_parent()
    given.home.mkdir(parents=True, exist_ok=True)
    key_file = _certificates(given.home)
    app = create_app(
        services(json.loads(os.environ["RECEIVERS_CREDENTIALS"])),
        Record(given.home / "received.jsonl"),
    )
    listener = socket.create_server(("127.0.0.1", given.port))
    ready = {
        "url": f"https://localhost:{listener.getsockname()[1]}",
        "ca_file": str(given.home / "ca.pem"),
    }
    config = uvicorn.Config(
        app, ssl_keyfile=key_file, ssl_certfile=key_file, log_level="warning", access_log=False
    )
    new = given.home / "ready.new"
    new.write_text(json.dumps(ready), encoding="utf-8")
    new.replace(given.home / "ready.json")
    uvicorn.Server(config).run(sockets=[listener])


def _certificates(home: Path) -> Path:
    """Make a CA and a certificate for the loopback names; return the file with key and chain."""
    authority = trustme.CA(organization_name="Demo receivers")
    authority.cert_pem.write_to_path(home / "ca.pem")
    key_file = home / "server.pem"
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        key_file
    )
    key_file.chmod(0o600)
    return key_file


if __name__ == "__main__":
    main()
