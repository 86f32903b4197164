"""Start everything: the shop, the receivers, and the stand-in with the app and its settings."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from pathlib import Path
from string import Template
from typing import Any

import httpx

from tools.demo import world as names
from tools.demo.children import REPOSITORY
from tools.demo.splunk_client import APP, Refused
from tools.demo.waiting import NotInTime, wait_for_json, wait_until
from tools.demo.world import ADMIN, APPROVER, MANAGER, RESPONDER, World

SPLUNK_APP = REPOSITORY / "tools" / "demo" / "splunk_app"
SPLUNK_SECONDS = 90.0
LATE_SECONDS = 3  # so long events may be on their way
USERS = {
    RESPONDER: ("user", "incident_responder"),
    APPROVER: ("user", "incident_approver"),
    MANAGER: ("user", "incident_manager"),
}


def run(world: World) -> None:
    """Start all and configure the app, as an admin would through its own endpoints."""
    report = world.report
    report.step("Start a small shop, the notification services and the Splunk stand-in")
    world.shop.start(world.options.rate)
    report.say(f"Shop: orders → payments → bank, {world.options.rate:.0f} requests per second.")
    _start_receivers(world)
    _lay_out_apps(world)
    start_splunk(world)
    report.say(f"Splunk stand-in with {world.options.app.name} at {world.splunk_url}.")
    _create_users(world)
    _configure(world)


def start_splunk(world: World) -> None:
    """Start the stand-in on its home and wait until it answers and the app does, too."""
    options = world.options
    command = ["tools.splunkd_lite", "serve", "--home", str(world.splunk_home), "--without", "hec"]
    for name, port in world.ports.items():
        command += [f"--{name}-port", str(port)]
    command += ["--cron-pace", str(options.pace), "--parent", str(os.getpid())]
    if options.python:
        command += ["--python", options.python]
    environment = {"SPLUNK_PASSWORD": world.secrets.passwords[ADMIN]}
    world.children.start("splunkd", command, environment)

    def answers() -> bool:
        if "splunkd" in world.children.ended():
            raise NotInTime(f"The stand-in ended: {world.children.output('splunkd')}")
        try:
            return bool(world.as_user(ADMIN).get("/services/server/info"))
        except (httpx.TransportError, Refused, OSError):
            return False

    wait_until("The stand-in answers", answers, SPLUNK_SECONDS, pause=0.2)


def _start_receivers(world: World) -> None:
    home = world.options.home / "receivers"
    environment = {"RECEIVERS_CREDENTIALS": json.dumps(world.secrets.receivers())}
    command = ["tools.demo.receivers", "--home", str(home)]
    world.children.start("receivers", command, environment)
    ready = wait_for_json(home / "ready.json", world.children, "receivers")
    world.receivers_url, world.ca_file = ready["url"], ready["ca_file"]


def _lay_out_apps(world: World) -> None:
    """Unpack the app, and put the admin's local settings and the shop's app beside it."""
    apps = world.splunk_home / "etc" / "apps"
    apps.mkdir(parents=True, exist_ok=True)
    with tarfile.open(world.options.app) as archive:
        archive.extractall(apps, filter="data")
    shutil.copytree(SPLUNK_APP, apps, dirs_exist_ok=True)
    chosen = {
        "log": world.shop.home / "log",
        "earliest": f"-{LATE_SECONDS + round(60 / world.options.pace)}s@s",
        "latest": f"-{LATE_SECONDS}s@s",
    }
    for name in (f"{APP}/local/savedsearches.conf", "shop/local/inputs.conf"):
        text = Template((apps / name).read_text(encoding="utf-8")).substitute(chosen)
        (apps / name).write_text(text, encoding="utf-8")


def _create_users(world: World) -> None:
    admin = world.as_user(ADMIN)
    for name, roles in USERS.items():
        form = {"name": name, "password": world.secrets.passwords[name], "roles": list(roles)}
        admin.post_form("/services/authentication/users", form)
        world.report.say(f"User {name} has the roles {' and '.join(roles)}.")


def _configure(world: World) -> None:
    """Set what the app's configuration pages set, through the same REST endpoints."""
    admin, settings = world.as_user(ADMIN), _settings(world)
    base = f"/servicesNS/nobody/{APP}"
    if world.options.bedrock:
        account = {
            "name": "demo",
            "aws_access_key_id": world.secrets.aws_access_key_id,
            "aws_secret_access_key": world.secrets.aws_secret_access_key,
        }
        admin.post_form(f"{base}/{APP}_account", account)
    for stanza, values in settings.items():
        admin.post_form(f"{base}/{APP}_settings/{stanza}", values)
    read_back = ("slack", "remediation")
    stored = json.dumps([admin.get(f"{base}/{APP}_settings/{one}") for one in read_back])
    secrets = [world.secrets.slack_token, world.secrets.pagerduty_key, world.secrets.deploy_token]
    world.report.check(
        "Secrets are stored encrypted and never returned",
        not any(secret in stored for secret in secrets) and not _in_conf_files(world, secrets),
        f"{', '.join(settings)} set over REST",
    )


def _settings(world: World) -> dict[str, dict[str, Any]]:
    url, made = world.receivers_url, world.secrets
    flow = f"{url}/workflows/{made.teams_flow}/triggers/manual/paths/invoke"
    settings: dict[str, dict[str, Any]] = {
        "network": {"ca_file": world.ca_file, "web_url": world.web_url},
        "slack": {
            "bot_token": made.slack_token,
            "channel": names.SLACK_CHANNEL,
            "api_url": f"{url}/api/",
        },
        "teams": {"webhook_url": f"{flow}?api-version=2016-06-01&sv=1.0&sig={made.teams_sig}"},
        "pagerduty": {"routing_key": made.pagerduty_key, "api_url": url},
        "remediation": {
            "deploy_api_url": world.shop.urls["deployer"],
            "deploy_api_token": made.deploy_token,
        },
    }
    if world.options.bedrock:
        settings["bedrock"] = {
            "enabled": "1",
            "account": "demo",
            "model_id": names.BEDROCK_MODEL,
            "region": names.AWS_REGION,
            "endpoint_url": url,
        }
    return settings


def _in_conf_files(world: World, secrets: list[str]) -> bool:
    """Tell whether a secret stands in clear text in a configuration file."""
    files: list[Path] = list((world.splunk_home / "etc").rglob("*.conf"))
    return any(secret in file.read_text(errors="replace") for file in files for secret in secrets)
