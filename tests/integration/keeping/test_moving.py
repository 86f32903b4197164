"""What docs/ADMIN.md says to carry to another search head is all that it takes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from incident_management.splunk.kv.store import COLLECTIONS, KvCollection
from tests.integration.tell_and_fix.receivers import Service, Slack
from tests.package import APP_PYTHON
from tests.standin import start_standin
from tests.waiting import wait_for

from .conftest import APP, Place

TOKEN = "xoxb-test-token"
DOWN = "http://127.0.0.1:9/workflows/x?sig=a-signature"


@pytest.fixture
def services() -> Iterator[tuple[Slack, Service]]:
    made = Slack(), Service()
    yield made
    for one in made:
        one.stop()


def set_up(place: Place, part: str, **values: str) -> None:
    place.admin.post(f"incident_management_settings/{part}", **values)


def told(slack: Slack) -> list[str]:
    """The messages that opened a thread, one for each incident."""
    return [str(one) for one in slack.messages if not one.get("thread_ts")]


def backed_up(place: Place) -> dict[str, list[Any]]:
    return {name: KvCollection(place.session(), name).find() for name in COLLECTIONS.values()}


def waits(message: dict) -> bool:
    """Whether a message was refused, and is put off; one that is being tried is for two minutes."""
    return bool(message["last_error"]) and 2 < message["next_attempt"] - time.time() < 100


@pytest.mark.parametrize("with_secret", [True, False])
def test_an_app_that_moves_goes_on_and_tells_nothing_twice(
    app_folder: Path, tmp_path: Path, services: tuple[Slack, Service], with_secret: bool
) -> None:
    slack, teams = services
    with start_standin(tmp_path / "old", apps=[app_folder], python=APP_PYTHON) as standin:
        old = Place(standin)
        set_up(old, "slack", bot_token=TOKEN, channel="#incidents", api_url=slack.url)
        set_up(old, "teams", webhook_url=DOWN)
        old.start_worker()
        first = old.raise_signal("checkout")
        wait_for(lambda: len(told(slack)) == 1)
        wait_for(lambda: [o for o in backed_up(old)["incident_outbox"] if o["state"] == "sent"])
        # Killed between two tries: of one in the middle of a try nobody knew what became of it.
        wait_for(lambda: [o for o in backed_up(old)["incident_outbox"] if waits(o)])
        old.kill_worker()
        home = standin.splunk.home
    with start_standin(tmp_path / "old", home=home, python=APP_PYTHON) as standin:
        documents = backed_up(Place(standin))

    moved = tmp_path / "app" / APP
    shutil.copytree(app_folder, moved, symlinks=True)
    local = home / "etc" / "apps" / APP / "local"
    shutil.copytree(local, moved / "local", dirs_exist_ok=True)
    new_home = tmp_path / "new" / "splunk"
    if with_secret:
        (new_home / "etc" / "auth").mkdir(parents=True)
        shutil.copy(home / "etc/auth/splunk.secret", new_home / "etc/auth/splunk.secret")
    else:
        (moved / "local" / "passwords.conf").unlink()
    with start_standin(tmp_path, apps=[moved], home=new_home, python=APP_PYTHON) as standin:
        new = Place(standin)
        for one in documents["incident_outbox"]:
            one["next_attempt"] = 0.0  # How long a try is put off is not what is tested.
        for name, found in documents.items():
            KvCollection(new.session(), name).save(found)
        set_up(new, "teams", webhook_url=f"{teams.url}/workflows/x?sig=a-signature")
        new.start_worker()
        wait_for(lambda: len(teams.requests) == 1)
        second = new.raise_signal("payments")
        wait_for(lambda: len(teams.requests) == 2)
        assert new.raise_signal("checkout", run="2") == first != second
        if with_secret:
            wait_for(lambda: len(told(slack)) == 2)
            assert "checkout" in told(slack)[0] and "payments" in told(slack)[1]
        else:
            problems = wait_for(lambda: new.call("GET", "/system/info")["configuration_problems"])
            assert any("bot_token" in one for one in problems), problems
            set_up(new, "slack", bot_token=TOKEN, channel="#incidents", api_url=slack.url)
            wait_for(lambda: len(told(slack)) == 2)
        assert len([one for one in told(slack) if "checkout" in one]) == 1
