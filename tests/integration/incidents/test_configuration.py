"""What an admin sets takes effect, and what is malformed costs no incident."""

from __future__ import annotations

from tests.integration.incidents.conftest import App


def test_a_service_joins_the_incident_of_the_one_it_depends_on(app: App) -> None:
    lookups = app.standin.splunk.home / "etc/apps/incident_management/lookups"
    (lookups / "incident_topology.csv").write_text("service,depends_on\nshop,payments\n")
    app.log_errors("payments", 20)
    app.log_errors("shop", 10)
    app.log_errors("printer", 10)
    app.run_detections()

    shop, printer = sorted(app.incidents(), key=lambda incident: -incident["signals"])
    assert sorted(shop["entities"]) == ["payments", "shop"]
    assert printer["entities"] == ["printer"]
    entries = app.get(f"/incidents/{shop['id']}/timeline")["entries"]
    assert "'shop' depends on 'payments'" in entries[-1]["data"]["reason"]


def test_a_topology_in_a_lookup_of_ones_own_groups(app: App) -> None:
    lookups = app.standin.splunk.home / "etc/apps/incident_management/lookups"
    (lookups / "our_services.csv").write_text("service,depends_on\nshop,payments\n")
    app.service.confs["transforms"]["incident_topology"].update(filename="our_services.csv")
    app.log_errors("payments", 20)
    app.log_errors("shop", 10)
    app.run_detections()
    assert sorted(app.only_incident()["entities"]) == ["payments", "shop"]


def test_a_routing_rule_gives_the_incident_to_its_team(app: App) -> None:
    routing = app.service.confs["incident_routing"]
    routing.create("team:payments").update(members="cy", channels="slack")
    routing.create("rule:payments").update(order="1", entity="pay*", team="payments")
    app.log_errors("payments", 20)
    app.run_detections()

    incident = app.only_incident()
    assert (incident["team"], incident["owner"], incident["status"]) == (
        "payments",
        "cy",
        "assigned",
    )


def test_a_malformed_routing_rule_is_reported_and_costs_no_incident(app: App) -> None:
    app.service.confs["incident_routing"].create("rule:odd").update(team="nobody-knows")
    app.log_errors("web-1", 20)
    app.run_detections()

    assert app.only_incident()["team"] == "operations"
    (problem,) = app.get("/system/info")["configuration_problems"]
    assert "[rule:odd] team is 'nobody-knows'; choose an existing team." in problem


def test_another_threshold_is_one_macro_away(app: App) -> None:
    macro = app.service.confs["macros"]["incident_high_error_rate_threshold"]
    macro.update(definition="50")
    app.log_errors("web-1", 20)
    app.run_detections()

    assert app.incidents() == []
