"""KV store, secrets, confs, messages, users, roles, tokens, inputs, apps, through the SDK."""

from __future__ import annotations

import json

import pytest
import splunklib.client
from splunklib.binding import HTTPError

from tests.contract.sdk.conftest import APP
from tests.contract.sdk.covering import covers
from tests.standin import StandIn
from tools.splunkd_lite.clock import ManualClock


@pytest.fixture
def tickets(service: splunklib.client.Service) -> splunklib.client.KVStoreCollectionData:
    return service.kvstore["tickets"].data


@covers(
    "Service.kvstore",
    "KVStoreCollections.create",
    "KVStoreCollection.data",
    "KVStoreCollection.update_field",
    "Entity.delete",
)
def test_collections_come_and_go(service: splunklib.client.Service) -> None:
    service.kvstore.create("extra", accelerated_fields={"by_a": {"a": 1}}, fields={"a": "number"})
    assert "extra" in service.kvstore
    collection = service.kvstore["extra"]
    collection.update_field("b", "string")
    collection.refresh()
    assert (collection["field.a"], collection["field.b"]) == ("number", "string")
    collection.data.insert(json.dumps({"a": 1}))
    collection.delete()
    assert "extra" not in service.kvstore
    service.kvstore.create("extra")
    assert service.kvstore["extra"].data.query() == []


@covers(
    "KVStoreCollectionData.insert",
    "KVStoreCollectionData.query_by_id",
    "KVStoreCollectionData.update",
    "KVStoreCollectionData.delete_by_id",
)
def test_documents_by_key(tickets: splunklib.client.KVStoreCollectionData) -> None:
    key = tickets.insert(json.dumps({"number": 1}))["_key"]
    assert tickets.query_by_id(key)["number"] == 1
    tickets.update(key, json.dumps({"state": "done"}))
    assert "number" not in tickets.query_by_id(key)
    tickets.delete_by_id(key)
    for call in (tickets.query_by_id, tickets.delete_by_id):
        with pytest.raises(HTTPError) as refused:
            call(key)
        assert refused.value.status == 404


@covers("KVStoreCollectionData.query", "KVStoreCollectionData.delete")
def test_queries_page_sort_and_project(tickets: splunklib.client.KVStoreCollectionData) -> None:
    tickets.batch_save(*[{"_key": f"k{n}", "number": n, "odd": n % 2} for n in range(20)])
    assert len(tickets.query(query={"odd": 1})) == 10
    found = tickets.query(
        query={"number": {"$gte": 5, "$lt": 9}}, sort="number:-1", fields="number"
    )
    assert [each["number"] for each in found] == [8, 7, 6, 5]
    assert [e["number"] for e in tickets.query(sort="number", skip=18, limit=5)] == [18, 19]
    either = {"$or": [{"number": 3}, {"$and": [{"odd": 0}, {"number": {"$gt": 16}}]}]}
    assert sorted(each["number"] for each in tickets.query(query=either)) == [3, 18]
    assert [e["number"] for e in tickets.query(query={"$not": {"number": {"$ne": 4}}})] == [4]
    tickets.delete(json.dumps({"odd": 1}))
    assert len(tickets.query()) == 10


@covers("KVStoreCollectionData.batch_find", "KVStoreCollectionData.batch_save")
def test_batch_find_and_save_again(tickets: splunklib.client.KVStoreCollectionData) -> None:
    tickets.batch_save({"_key": "a", "number": 1}, {"_key": "b", "number": 2})
    tickets.batch_save({"_key": "b", "number": 3}, {"_key": "c", "number": 3})
    one, two = tickets.batch_find({"query": {"number": 3}}, {"query": {"number": 1}})
    assert (len(one), len(two)) == (2, 1)
    with pytest.raises(HTTPError, match="single batch save"):
        tickets.batch_save(*[{"number": n} for n in range(1001)])
    assert len(tickets.query()) == 3


@pytest.mark.parametrize("operator", ["$in", "$nin", "$exists", "$eq", "$nor", "$where", "$size"])
def test_operators_that_the_reference_does_not_name_are_refused(
    tickets: splunklib.client.KVStoreCollectionData, operator: str
) -> None:
    queries = [{"number": {operator: [1]}}, {operator: [{"number": 1}]}]
    for query in queries:
        with pytest.raises(HTTPError) as refused:
            tickets.query(query=query)
        assert refused.value.status == 400 and operator in str(refused.value)


@covers(
    "Service.storage_passwords",
    "StoragePasswords.create",
    "StoragePasswords.delete",
    "StoragePassword.clear_password",
    "StoragePassword.encrypted_password",
    "StoragePassword.realm",
    "StoragePassword.username",
    "Entity.update",
)
def test_secrets(service: splunklib.client.Service) -> None:
    made = service.storage_passwords.create("p:ss wörd", "robot", "realm one").refresh()
    assert (made.clear_password, made.realm, made.username) == ("p:ss wörd", "realm one", "robot")
    assert "p:ss" not in made.encrypted_password
    made.update(password="other").refresh()
    assert made.clear_password == "other"
    service.storage_passwords.delete("robot", "realm one")
    assert list(service.storage_passwords) == []


@covers("Service.confs", "Stanza.submit", "Configurations.create")
def test_confs(service: splunklib.client.Service) -> None:
    conf = service.confs["desk"]
    conf.create("paper").submit({"size": "A4"})
    assert conf["paper"]["size"] == "A4" and conf["colours"]["ink"] == "blue"
    conf["colours"].update(ink="red").refresh()
    assert conf["colours"].refresh()["ink"] == "red"
    conf.delete("paper")
    assert "paper" not in conf
    with pytest.raises(KeyError):
        service.confs["there is none"]
    service.confs.create("fresh")
    assert "fresh" in service.confs


@covers("Service.messages", "Collection.create")
def test_messages(service: splunklib.client.Service) -> None:
    service.messages.create("hello", value="world", severity="warn")
    assert service.messages["hello"]["severity"] == "warn"
    service.messages.delete("hello")
    assert "hello" not in service.messages


@covers(
    "Service.roles",
    "Roles.create",
    "Role.grant",
    "Role.revoke",
    "Service.users",
    "Users.create",
    "Users.delete",
    "User.role_entities",
    "Service.capabilities",
)
def test_users_and_roles(standin: StandIn, service: splunklib.client.Service) -> None:
    role = service.roles.create("clerk", imported_roles=["user"], capabilities=["edit_monitor"])
    role.grant("edit_tcp").refresh()
    assert sorted(role["capabilities"]) == ["edit_monitor", "edit_tcp"]
    role.revoke("edit_monitor").refresh()
    assert role["capabilities"] == ["edit_tcp"]
    user = service.users.create("amy", password="a-long-password", roles=["clerk"])
    assert [each.name for each in user.role_entities] == ["clerk"]
    amy = standin.service("amy", "a-long-password")
    assert "edit_tcp" in service.capabilities
    with pytest.raises(HTTPError) as refused:
        amy.users.create("bob", password="a-long-password", roles=["user"])
    assert refused.value.status == 403
    service.users.delete("amy")
    assert "amy" not in service.users


def test_tokens_stand_for_their_user_until_they_end(
    standin: StandIn, service: splunklib.client.Service, clock: ManualClock
) -> None:
    standin.add_user("amy")
    body = service.post(
        "authorization/tokens", name="amy", audience="tests", expires_on="+1d", output_mode="json"
    ).body.read()
    made = json.loads(body)["entry"][0]["content"]
    port = standin.splunk.mgmt_port
    amy = splunklib.client.connect(scheme="http", port=port, splunkToken=made["token"])
    context = amy.get("authentication/current-context", output_mode="json").body.read()
    assert json.loads(context)["entry"][0]["content"]["username"] == "amy"
    path = f"authorization/tokens/{made['id']}"
    assert made["token"] not in service.get(path).body.read().decode()
    service.post(path, status="disabled")
    assert status_of(amy) == 401
    service.post(path, status="enabled")
    assert status_of(amy) == 200
    clock.advance(86_401)
    assert status_of(amy) == 401
    service.delete(path)
    with pytest.raises(HTTPError, match="403"):
        standin.service("amy").post("authorization/tokens", name="admin", audience="x")


def status_of(client: splunklib.client.Service) -> int:
    try:
        return int(client.get("authentication/current-context").status)
    except HTTPError as error:
        return int(error.status)


@covers(
    "Service.inputs",
    "Inputs.create",
    "Inputs.delete",
    "Service.indexes",
    "Index.submit",
    "Service.apps",
    "Entity.disable",
    "Entity.enable",
)
def test_inputs_indexes_and_apps(standin: StandIn, service: splunklib.client.Service) -> None:
    service.inputs.create("/var/log/desk.log", "monitor", index="desk")
    made = service.inputs["/var/log/desk.log", "monitor"]
    assert made["index"] == "desk"
    made.disable()
    assert made.refresh()["disabled"] == "1"
    service.inputs.delete("/var/log/desk.log", "monitor")
    service.indexes.create("extra")
    service.indexes["extra"].submit("an event", sourcetype="notes")
    assert [r["_raw"] for r in standin.search("search index=extra")] == ["an event"]
    app = service.apps[APP]
    assert app["label"] == "Desk"
    app.disable()
    assert service.apps[APP].refresh()["disabled"] == "1"
    app.enable()


@covers("Service.info", "Service.splunk_version", "Service.restart_required")
def test_server_info(service: splunklib.client.Service) -> None:
    info = service.info
    assert info["version"].startswith("9.4") and "kv_store" in info["server_roles"]
    assert service.splunk_version >= (9, 4)
    assert service.restart_required is False
