"""What the other files here leave of the SDK's methods."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import splunklib.client
import splunklib.results
from splunklib.binding import HTTPError
from splunklib.client import Service

from tests.contract.running.tiny_app import make_app
from tests.contract.sdk.conftest import ALERT, APP
from tests.contract.sdk.covering import NOT_COVERED, README, covers, document, table
from tests.standin import StandIn, start_standin
from tools.splunkd_lite.clock import ManualClock


def test_the_readmes_table_of_methods_is_the_one_that_the_tests_say() -> None:
    assert document() in README.read_text(encoding="utf-8"), (
        "run: python -m tests.contract.sdk.covering"
    )


def test_each_method_without_a_test_has_a_reason() -> None:
    bare = {method for method, tests in table().items() if not tests}
    assert bare == set(NOT_COVERED)


# Entities and collections, on saved searches


@covers("Service.saved_searches", "ReadOnlyCollection.list", "ReadOnlyCollection.iter")
def test_collections_are_listed_in_pages_sorted_and_filtered(service: Service) -> None:
    searches = service.saved_searches
    for name in ("Alpha", "Beta", "Gamma", "Delta"):
        searches.create(name, "search x", description=f"about {name}")
    assert [each.name for each in searches.list(count=2, offset=1)] == ["Beta", "Delta"]
    assert [each.name for each in searches.list(sort_dir="desc", count=1)] == ["Gamma"]
    assert [each.name for each in searches.list(search="about Beta")] == ["Beta"]
    assert [each.name for each in searches.iter(pagesize=3)] == [each.name for each in searches]
    assert len(searches) == 4 and "Alpha" in searches and "Omega" not in searches


@covers("ReadOnlyCollection.itemmeta", "Collection.get")
def test_a_collection_says_what_a_new_item_takes(service: Service) -> None:
    meta = service.saved_searches.itemmeta()
    assert "search" in meta["fields"]["required"]
    assert meta["access"]["app"] == APP
    assert service.saved_searches.get("", output_mode="json").status == 200


@covers(
    "Entity.access", "Entity.content", "Entity.fields", "Entity.links", "Entity.name",
    "Entity.state", "Entity.read", "Entity.get", "Entity.post", "Entity.acl_update",
    "Entity.reload",
)  # fmt: skip
def test_an_entity_tells_about_itself(service: Service) -> None:
    entity = service.saved_searches.create("One", "search x").refresh()
    assert (entity.name, entity.content["search"]) == ("One", "search x")
    assert entity.access.app == APP and entity.state.title == "One"
    assert {"edit", "list", "remove"} <= set(entity.links)
    assert "search" in entity.fields["required"]
    assert entity.read(entity.get())["content"]["search"] == "search x"
    entity.post("", description="by post")
    assert entity.refresh()["description"] == "by post"
    entity.acl_update(
        sharing="global", owner="admin", **{"perms.read": "*", "perms.write": "admin"}
    )
    assert entity.refresh().access.sharing == "global"
    entity.reload()


@covers("Endpoint.get", "Endpoint.post", "Endpoint.get_api_version")
def test_an_endpoint_chooses_the_version_of_the_api(service: Service) -> None:
    endpoint = splunklib.client.Endpoint(service, "search/v2/jobs/")
    assert endpoint.get_api_version("/services/search/v2/jobs") == 2
    sid = json.loads(
        endpoint.post(search="| makeresults", exec_mode="blocking", output_mode="json").body.read()
    )["sid"]
    assert json.loads(endpoint.get(sid, output_mode="json").body.read())["entry"][0]["name"]


# Saved searches and their alerts


@covers("SavedSearch.fired_alerts", "AlertGroup.alerts")
def test_the_alerts_of_a_saved_search(
    standin: StandIn, service: Service, clock: ManualClock
) -> None:
    search = service.saved_searches.create("Late", "| makeresults", **ALERT)
    scheduler = standin.splunk.services.use_scheduler()
    clock.advance(300)
    scheduler.tick(clock.now())
    [group] = [group for group in service.fired_alerts if group.name == "Late"]
    [alert] = group.alerts
    assert alert["savedsearch_name"] == "Late"
    [of_search] = search.fired_alerts.list()
    assert of_search.name == alert.name


# Jobs


@covers("Jobs.oneshot", "Service.search")
def test_a_search_at_once_and_one_by_name(service: Service) -> None:
    reader = splunklib.results.JSONResultsReader(
        service.jobs.oneshot("| makeresults count=2 | eval a=1 | table a", output_mode="json")
    )
    assert [row for row in reader if isinstance(row, dict)] == [{"a": "1"}, {"a": "1"}]
    job = service.search("| makeresults", exec_mode="blocking")
    assert job["resultCount"] == "1"


@covers("Job.is_ready", "Job.is_done", "Job.cancel", "Job.name", "Job.set_ttl", "Job.timeline")
def test_a_jobs_life(service: Service) -> None:
    job = service.jobs.create("| makeresults")
    while not (job.is_ready() and job.is_done()):
        time.sleep(0.01)
    assert job.name == job.sid
    job.set_ttl(1000)
    assert job.refresh()["ttl"] == "1000"
    assert b"<timeline" in job.timeline().read()
    job.cancel()
    assert job.sid not in [each.sid for each in service.jobs]


@covers("Job.searchlog")
def test_a_jobs_log_is_text(service: Service) -> None:
    job = service.jobs.create("search index=nosuchindex", exec_mode="blocking")
    assert isinstance(job.searchlog().read(), bytes)


@covers("Jobs.itemmeta")
def test_jobs_have_no_form_for_a_new_one(service: Service) -> None:
    """The SDK knows that jobs lack it and says so itself."""
    with pytest.raises(splunklib.client.NotSupportedError):
        service.jobs.itemmeta()


@covers("Service.parse")
def test_a_search_is_parsed_without_being_run(service: Service) -> None:
    assert service.parse("search index=desk | stats count").status == 200
    with pytest.raises(HTTPError, match="frobnicate"):
        service.parse("search index=desk | frobnicate")


@pytest.mark.parametrize("mode", ["json", "xml"])
def test_results_are_read_back_by_the_sdks_readers(
    service: Service, events: int, mode: str
) -> None:
    job = service.jobs.create("search index=desk | table host ticket", exec_mode="blocking")
    seen: list[Any] = []
    for offset in range(0, events, 1000):
        stream = job.results(output_mode=mode, count=1000, offset=offset)
        reader: Any = (
            splunklib.results.JSONResultsReader(stream)
            if mode == "json"
            else splunklib.results.ResultsReader(stream)
        )
        seen += [row for row in reader if isinstance(row, dict)]
        assert reader.is_preview is False
    assert len(seen) == len({row["ticket"] for row in seen}) == events


# Confs


@covers("Configurations.delete")
def test_a_conf_file_itself_cannot_be_deleted(service: Service) -> None:
    """The SDK refuses, as splunkd has no such call."""
    with pytest.raises(splunklib.client.IllegalOperationException):
        service.confs.delete("desk")


# KV store


@covers("KVStoreCollection.update_accelerated_field", "Service.kvstore_owner")
def test_an_acceleration_is_changed(service: Service) -> None:
    service.kvstore.create("fast", accelerated_fields={"one": {"a": 1}})
    collection = service.kvstore["fast"]
    collection.update_accelerated_field("one", {"a": 1, "b": -1})
    assert json.loads(collection.refresh()["accelerated_fields.one"]) == {"a": 1, "b": -1}
    assert service.kvstore_owner == "nobody"


# Messages


@covers("Message.value")
def test_a_message_has_its_text_under_its_name(service: Service) -> None:
    message = service.messages.create("hello", value="world")
    assert message.value == "world"


# The service


@covers("Service.event_types")
def test_event_types_come_and_go(service: Service) -> None:
    made = service.event_types.create("late", search="index=desk late", description="d", priority=3)
    assert (made["search"], made["priority"]) == ("index=desk late", "3")
    made.update(search="index=desk very late").refresh()
    assert made["search"] == "index=desk very late"
    made.disable()
    assert made.refresh()["disabled"] == "1"
    service.event_types.delete("late")
    assert "late" not in service.event_types


@covers("Service.loggers", "Loggers.itemmeta")
def test_loggers_have_levels(service: Service) -> None:
    logger = service.loggers["SavedSplunker"]
    assert logger["level"] == "INFO"
    logger.update(level="DEBUG")
    assert logger.refresh()["level"] == "DEBUG"
    with pytest.raises(HTTPError, match="HTTP 400"):
        logger.update(level="LOUD")
    with pytest.raises(splunklib.client.NotSupportedError):
        service.loggers.itemmeta()


@covers("Service.settings", "Settings.update")
def test_settings_of_the_server(service: Service) -> None:
    settings = service.settings
    assert settings["SPLUNK_HOME"] and settings["serverName"]
    settings.update(sessionTimeout="2h")
    assert settings.refresh()["sessionTimeout"] == "2h"


@covers(
    "Service.macros", "Macros.create", "Macro.definition", "Macro.args", "Macro.update",
    "Macro.errormsg", "Macro.iseval", "Macro.validation",
)  # fmt: skip
def test_macros_come_and_go(service: Service) -> None:
    made = service.macros.create("twice(1)", "eval x=3*$n$", args="n")
    assert (made.definition, made.args) == ("eval x=3*$n$", "n")
    made.update("eval x=2*$n$", validation="n > 0", errormsg="more than none", iseval="0").refresh()
    assert (made.validation, made.errormsg, made.iseval) == ("n > 0", "more than none", "0")
    job = service.jobs.create("| makeresults | `twice(4)`", exec_mode="blocking")
    row = json.loads(job.results(output_mode="json").read())["results"][0]
    assert row["x"] == "8"
    service.macros.delete("twice(1)")
    assert "twice(1)" not in service.macros


@covers("Service.disable_v2_api")
def test_the_older_api_for_jobs_answers_too(standin: StandIn) -> None:
    service = standin.service(app=APP)
    assert service.disable_v2_api is False


@covers(
    "Service.input", "Inputs.list", "Inputs.iter", "Inputs.kinds", "Inputs.kindpath", "Input.update"
)  # fmt: skip
def test_inputs_of_a_kind(service: Service) -> None:
    made = service.inputs.create("/var/log/desk.log", "monitor", index="desk")
    assert "monitor" in service.inputs.kinds and service.inputs.kindpath("monitor") == "monitor"
    assert [each.name for each in service.inputs.list("monitor")] == ["/var/log/desk.log"]
    assert [each.kind for each in service.inputs.iter()] == ["monitor"]
    made.update(sourcetype="desk").refresh()
    assert made["sourcetype"] == "desk"
    assert service.input(made.path, "monitor").name == "/var/log/desk.log"


@covers("Service.modular_input_kinds", "ModularInputKind.arguments", "ModularInputKind.update")
def test_kinds_of_modular_inputs_are_read_only(tmp_path: Path) -> None:
    with start_standin(tmp_path, [make_app(tmp_path / "source")], https=False) as standin:
        kind = standin.service(app="tiny").modular_input_kinds["ticker"]
        assert "word" in kind.arguments
        with pytest.raises(splunklib.client.IllegalOperationException):
            kind.update()


@covers("Indexes.get_default", "Indexes.delete")
def test_the_default_index_and_one_that_is_deleted(service: Service) -> None:
    assert service.indexes.get_default() == "main"
    service.indexes.create("extra")
    service.indexes.delete("extra")
    assert "extra" not in service.indexes


@covers("Roles.delete")
def test_a_role_is_deleted(service: Service) -> None:
    service.roles.create("clerk")
    service.roles.delete("clerk")
    assert "clerk" not in service.roles
