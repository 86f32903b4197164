"""Teams, rules and promises through the endpoints of the configuration page, in the built app."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from splunklib.binding import HTTPError

from tests.integration.incidents.conftest import App
from tests.standin import ADMIN_PASSWORD


class Page:
    """One tab's table."""

    def __init__(self, service: Any, kind: str) -> None:
        self._service = service
        self._path = f"incident_management_{kind}"

    def rows(self) -> dict[str, dict[str, str]]:
        answer = json.loads(self._service.get(self._path, output_mode="json").body.read())
        return {entry["name"]: entry["content"] for entry in answer["entry"]}

    def add(self, name: str, **fields: str) -> None:
        self._service.post(self._path, name=name, **fields)

    def edit(self, name: str, **fields: str) -> None:
        self._service.post(f"{self._path}/{name}", **fields)

    def delete(self, name: str) -> None:
        self._service.delete(f"{self._path}/{name}")


def pages(service: Any) -> tuple[Page, Page]:
    return Page(service, "team"), Page(service, "rule")


def local(app: App) -> str:
    folder = app.standin.splunk.home / "etc/apps/incident_management/local"
    return (folder / "incident_routing.conf").read_text(encoding="utf-8")


def refused(call: Any, *arguments: str, **fields: str) -> str:
    """The sentence that UCC's page shows."""
    with pytest.raises(HTTPError) as error:
        call(*arguments, **fields)
    assert error.value.status >= 400
    return str(error.value).partition(" -- ")[2].rpartition(" -- ")[2].partition('"')[0]


def test_a_team_and_a_rule_made_on_the_page_get_the_next_incident(app: App) -> None:
    teams, rules = pages(app.service)
    assert set(teams.rows()) == {"operations"} and rules.rows()["default"]["team"] == "operations"
    empty = {"email": "", "capacity": "", "calendar": "", "fallback": ""}
    teams.add("payments", members="cy", channels="slack,email", assign="auto", **empty)
    rules.add("pay", order="1", severity="", entity="pay*", rule="", tag="", team="payments")
    assert "[team:payments]" in local(app) and "fallback" not in local(app)
    app.log_errors("payments", 20)
    app.run_detections()

    incident = app.only_incident()
    assert (incident["team"], incident["owner"]) == ("payments", "cy")
    assert app.get("/system/info")["configuration_problems"] == []
    said = refused(rules.edit, "pay", team="nobody-knows")
    assert said == (
        "There is no team 'nobody-knows' in incident_routing.conf; the teams are operations, "
        "payments."
    )
    assert "is still used by the rule 'pay' (team)" in refused(teams.delete, "payments")
    rules.delete("pay")
    assert refused(teams.delete, "payments") == (
        f"The team 'payments' still has open incidents, such as {incident['id']}. Assign them to "
        "another team first."
    )
    app.post(f"/incidents/{incident['id']}/resolve", {"reason": "done"})
    teams.delete("payments")
    assert set(teams.rows()) == {"operations"} and "payments" not in local(app)


def test_what_the_page_has_no_field_for_survives_an_edit(app: App) -> None:
    conf = app.service.confs["incident_routing"]
    by_hand = {"members": "dana, lee", "channels": "slack, email", "x_note": "ours"}
    conf.create("team:Front Office").update(**by_hand)
    steps = {f"step.{number}": f"{number}h, team:Front Office" for number in (1, 2, 9)}
    conf.create("escalation:slow").update(**steps)
    teams, escalations = Page(app.service, "team"), Page(app.service, "escalation")
    assert teams.rows()["Front Office"]["channels"] == "slack,email"
    assert escalations.rows()["slow"]["step_2"] == "2h, team:Front Office"

    teams.edit("Front Office", members="dana", channels="slack,email", slack_channel="#front")
    escalations.edit("slow", step_1="30m, team:Front Office", step_2="")
    team = dict(conf["team:Front Office"].content)
    kept = ("members", "channels", "x_note", "slack_channel")
    assert [team[key] for key in kept] == ["dana", "slack, email", "ours", "#front"]
    path = dict(conf["escalation:slow"].content)
    assert path["step.1"] == "30m, team:Front Office" and path["step.9"] == steps["step.9"]
    assert not path["step.2"]


def test_a_checklist_is_written_on_the_page_and_shown_on_what_it_fits_at_once(app: App) -> None:
    checklists = Page(app.service, "checklist")
    step = "Tell support | role: communications"
    checklists.add("vault", entity="vault-*", step_1=step, step_2="Watch it")
    assert checklists.rows()["vault"]["step_1"] == step
    body = {"title": "Vault is slow", "affected_systems": ["vault-1"]}
    incident = app.post("/incidents", body)["id"]
    before = app.get(f"/incidents/{incident}")["entries"]
    found = app.get(f"/incidents/{incident}/tasks")
    assert [one["title"] for one in found["tasks"]] == ["Tell support", "Watch it"]
    assert app.get(f"/incidents/{incident}")["entries"] == before
    wrong = {"step_1": "Tell support | role: pilot"}
    assert "the roles are lead, communications, scribe" in refused(checklists.add, "x", **wrong)


def test_a_promise_that_is_shipped_is_switched_on_and_off(app: App) -> None:
    promises = Page(app.service, "sla")
    assert promises.rows()["critical"]["disabled"] == "1"
    promises.edit("critical", disabled="false")
    # UCC's switch takes any text for off.
    assert "disabled" not in promises.rows()["critical"]
    assert app.service.confs["incident_routing"]["sla:critical"]["disabled"] == "0"
    assert "comes with the app" in refused(promises.delete, "critical")
    assert "Acknowledge within is 'soon'" in refused(promises.edit, "critical", acknowledge="soon")


def test_a_mistake_is_refused_with_a_sentence_and_changes_nothing(app: App) -> None:
    teams, rules = pages(app.service)
    assert refused(teams.add, "a:b", members="cy").startswith("Enter a name of 1 to 100 characters")
    assert refused(teams.add, "operations").endswith("already exists. Edit that one.")
    assert "names 'pager'; the channels are slack" in refused(teams.add, "x", channels="pager")
    assert "is for incidents that no other rule matches" in refused(rules.delete, "default")
    assert "is for incidents that no other rule matches" in refused(
        rules.edit, "default", disabled="1"
    )
    assert "must be a single line" in refused(teams.edit, "operations", members="a\n[team:b]")
    assert "There is no rule 'gone'" in refused(rules.edit, "gone", team="operations")
    assert not (app.standin.splunk.home / "etc/apps/incident_management/local").exists() or (
        "[" not in local(app)
    )


@pytest.mark.parametrize("value", ["dana\\", "dana\x00", "dana\u2028lee"])
def test_what_the_file_can_not_hold_in_one_line_is_refused(app: App, value: str) -> None:
    teams = Page(app.service, "team")
    asked = {"members": value, "slack_channel": "#ops"}
    assert "members must be a single line" in refused(teams.edit, "operations", **asked)
    assert "members must be a single line" in refused(teams.add, "others", **asked)
    assert set(teams.rows()) == {"operations"}


def test_what_somebody_wrote_in_two_lines_is_switched_off_and_stays(app: App) -> None:
    conf = app.service.confs["incident_routing"]
    hours = "mon-fri 09:00-17:00,\nsat 10:00-14:00"
    conf.create("calendar:shop").update(hours=hours)
    calendars = Page(app.service, "calendar")
    calendars.edit("shop", disabled="true")
    row = calendars.rows()["shop"]
    assert (row["hours"], row["disabled"]) == (hours, "1")


@pytest.mark.parametrize("name", ["Zürich Büro", "o'brien@example.com", "50% & more"])
def test_a_name_is_one_in_each_address(app: App, name: str) -> None:
    people = Page(app.service, "member")
    people.add(name, skills="db")
    people.edit(name, skills="")
    assert people.rows()[name]["skills"] == ""
    people.delete(name)
    assert not people.rows()


def test_the_page_acts_with_the_rights_of_who_uses_it(app: App) -> None:
    app.standin.add_user("mia", "incident_responder")
    mia = app.standin.service("mia", ADMIN_PASSWORD, app="incident_management", owner="nobody")
    assert refused(Page(mia, "team").add, "ours", members="mia").startswith("Your roles may not")
    assert set(Page(app.service, "team").rows()) == {"operations"}


def test_who_people_are_is_not_for_every_user_of_splunk(app: App) -> None:
    Page(app.service, "member").add("dana", slack_id="U0123ABCD", email="dana@example.com")
    seen = {}
    for role in ("user", "power", "incident_viewer"):
        app.standin.add_user(f"a-{role}", role)
        service = app.standin.service(
            f"a-{role}", ADMIN_PASSWORD, app="incident_management", owner="nobody"
        )
        on_page = Page(service, "member").rows()
        in_file = [one.name for one in service.confs["incident_routing"].list()]
        assert ("dana" in on_page) == ("member:dana" in in_file)
        seen[role] = "dana" in on_page
    assert seen == {"user": False, "power": False, "incident_viewer": True}


def test_a_setting_that_is_not_sent_along_stays_and_an_empty_one_is_set(app: App) -> None:
    events = Page(app.service, "announce")
    shipped = events.rows()["resolved"]["value"]
    assert shipped and events.rows()["resolved"]["about"] == "Incident resolved"
    events.edit("resolved", about="nothing else")
    assert events.rows()["resolved"]["value"] == shipped
    events.edit("resolved", value="")
    assert events.rows()["resolved"]["value"] == ""
    assert app.service.confs["incident_routing"]["announce"].content["opened"]
    events.edit("resolved", value=shipped)
    assert "can't be deleted" in refused(events.delete, "resolved")


def test_a_rota_made_on_the_page_gives_the_team_s_incident_to_who_is_on_call(app: App) -> None:
    teams, rotas = Page(app.service, "team"), Page(app.service, "rota")
    teams.add("shop", members="cy, dee", assign="auto")
    turns = {"members": "dee, cy", "handover": "every 52w", "time_zone": "UTC"}
    assert "Start is '2026-13-01'; set a day and time" in refused(
        rotas.add, "shop", **turns, start="2026-13-01"
    )
    begun = datetime.now(timezone.utc) - timedelta(days=1)
    rotas.add("shop", **turns, start=f"{begun:%Y-%m-%d %H:%M}")
    teams.edit("shop", rota="shop")
    said = "The on-call rota 'shop' is still used by the team 'shop' (rota). Change that first."
    assert refused(rotas.delete, "shop") == said
    assert refused(rotas.edit, "shop", disabled="1") == said
    assert rotas.rows()["shop"]["members"] == "dee, cy"

    def given(title: str) -> tuple[str, str]:
        opened = app.post("/incidents", {"title": title})["id"]
        incident = app.post(f"/incidents/{opened}/assign", {"team": "shop"})
        return incident["owner"], incident["rota"]

    assert given("Checkout is down") == ("dee", "shop")
    (duty,) = app.get("/on-call")["rotas"]
    assert (duty["now"]["person"], duty["next"]["person"]) == ("dee", "cy")
    ends_at = time.time() + 3600
    body = {"rota": "shop", "person": "cy", "instead_of": "dee", "ends_at": ends_at}
    cover = app.post("/on-call/covers", body)
    assert given("Checkout is down again") == ("cy", "shop")
    assert app.get("/on-call")["rotas"][0]["now"]["cover"] == cover["id"]
    app.service.delete(f"/services/incident_management/v1/on-call/covers/{cover['id']}")
    (ended,) = app.get("/on-call/covers")["covers"]
    assert (ended["in_force"], ended["ended_by"]) == (False, "admin")
    assert given("And once more") == ("dee", "shop")
