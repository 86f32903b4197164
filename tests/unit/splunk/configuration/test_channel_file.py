"""HTTP channels on the configuration page: what is filled in, kept, and never shown."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest

from incident_management.incidents.errors import Invalid
from incident_management.incidents.routing.http_channels import HttpChannel
from incident_management.notify.services.http_call import HttpSender
from incident_management.outside.network import NotConfigured
from incident_management.outside.transport import Network
from incident_management.splunk.clock import SystemClock
from incident_management.splunk.configuration import channel_secrets, conf
from incident_management.splunk.configuration.page import channel_file
from incident_management.splunk.configuration.page.channel_file import ChannelFile
from incident_management.splunk.configuration.stanza import ENCRYPTED
from incident_management.splunk.session import SplunkError

KEY = "not-a-real-one"


class Splunk:
    """The file and the password store, as the page's requests leave them."""

    def __init__(self) -> None:
        self.file: Dict[str, Dict[str, str]] = {}
        self.kept: Dict[str, Dict[str, str]] = {}
        self.posts = 0
        self.may_write = True

    def get(self, path: str) -> Any:
        assert path.endswith("/configs/conf-incident_routing/announce")
        return {"entry": [{"acl": {"can_write": self.may_write}}]}

    def post(self, path: str, values: Dict[str, str]) -> None:
        self.posts += 1
        name = values.get("name") or path.rpartition("/")[2].replace("%3A", ":")
        given = {key: value for key, value in values.items() if key != "name"}
        self.file.setdefault(name, {}).update(given)

    def delete(self, path: str) -> None:
        del self.file[path.rpartition("/")[2].replace("%3A", ":")]

    # What splunktaucclib's RestCredentials do.
    def encrypt_for_create(self, name: str, data: Dict[str, str]) -> None:
        for one in ("secret", "secret2"):
            if data.get(one):
                self.kept.setdefault(name, {})[one] = data[one]
                data[one] = ENCRYPTED

    def encrypt_for_update(self, name: str, data: Dict[str, str]) -> None:
        known = self.kept.pop(name, {})
        given = {one: data[one] for one in ("secret", "secret2") if data.get(one)}
        if given:
            self.kept[name] = {
                one: known.get(one, value) if value == ENCRYPTED else value
                for one, value in given.items()
            }
        data.update(dict.fromkeys(given, ENCRYPTED))


@pytest.fixture
def splunk(monkeypatch: pytest.MonkeyPatch) -> Splunk:
    made = Splunk()
    monkeypatch.setattr(conf, "load_with_disabled", lambda session, file: made.file)
    return made


@pytest.fixture
def page(splunk: Splunk) -> ChannelFile:
    session: Any = splunk
    return ChannelFile(session, splunk)


def test_a_ready_made_one_fills_what_is_empty_and_its_secret_is_kept_apart(
    splunk: Splunk, page: ChannelFile
) -> None:
    given = {"start": "opsgenie", "secret": KEY, "method": "", "words": '{\n"severity": {}\n}'}
    page.create("alerts", given)
    stanza = splunk.file["channel:alerts"]
    assert json.loads(stanza["headers"]) == {"Authorization": "GenieKey {secret}"}
    assert (stanza["words"], stanza["secret"]) == ('{"severity": {}}', ENCRYPTED)
    assert {"start", "test"}.isdisjoint(stanza)
    assert splunk.kept == {"alerts": {"secret": KEY}}
    assert page.one("alerts")["body"].startswith('{\n  "message": "{title:130}"')


def test_what_is_wrong_leaves_nothing_behind(splunk: Splunk, page: ChannelFile) -> None:
    for given, said in (
        ({"start": "fax"}, "There is no ready-made channel 'fax'; choose one of on_call, opsgenie"),
        ({"start": "webex"}, r"names {secret}, and secret is empty; enter it\."),
        ({"start": "servicenow_events", "secret": KEY}, "url is empty; write it"),
        (
            {"start": "opsgenie", "secret": KEY, "body": '{\n"a": "{b}"}'},
            r"body\.a uses the unknown field {b}",
        ),
        ({"start": "webex", "secret": KEY, "test": "1"}, "because the test failed: .*'alerts'"),
    ):
        with pytest.raises(Invalid, match=said):
            page.create("alerts", given)
    with pytest.raises(Invalid, match="A channel's name has 1 to 40 small letters"):
        page.create("slack", {"start": "webex", "secret": "https://webex.example.com/x"})
    assert (splunk.file, splunk.kept) == ({}, {})


def test_one_that_is_added_twice_keeps_the_first_ones_secrets(
    splunk: Splunk, page: ChannelFile
) -> None:
    page.create("alerts", {"start": "opsgenie", "secret": KEY, "secret2": "two"})
    with pytest.raises(Invalid, match="The channel 'alerts' already exists"):
        page.create("alerts", {"start": "webex", "secret": "https://webex.example.com/x"})
    assert splunk.kept == {"alerts": {"secret": KEY, "secret2": "two"}}
    with pytest.raises(Invalid, match="can't be copied from another channel: enter it again"):
        page.create("others", {"start": "opsgenie", "secret": ENCRYPTED})


def test_who_may_not_save_a_channel_has_nothing_called(
    splunk: Splunk, page: ChannelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_file, "refused", lambda *given: pytest.fail("It was tried."))
    splunk.may_write = False
    with pytest.raises(SplunkError) as error:
        page.create("x", {"url": "https://inner.example/", "body": '{"a": 1}', "test": "1"})
    assert error.value.status == 403


def test_a_secret_that_was_lost_is_not_the_mark_that_stands_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = {"alerts": {"secret": ENCRYPTED, "secret2": "two"}}
    monkeypatch.setattr(channel_secrets, "fields_of", lambda session, realm: kept)
    values = {"url": "https://a.example/", "body": '{"k": "{secret}{secret2}"}'}
    channel = HttpChannel.read("alerts", {**values, "secret": ENCRYPTED, "secret2": ENCRYPTED})
    session: Any = None
    found = channel_secrets.secrets_of(session, [channel])["alerts"]
    assert found == {"secret2": "two"}
    with pytest.raises(NotConfigured, match="The secret of the channel 'alerts' is not in"):
        HttpSender(channel, found, Network(), SystemClock())


def test_an_edit_keeps_the_secret_that_the_form_has_not_seen(
    splunk: Splunk, page: ChannelFile
) -> None:
    page.create("alerts", {"start": "opsgenie", "secret": KEY})
    shown = page.one("alerts")
    assert shown["secret"] == ENCRYPTED
    posts = splunk.posts
    page.edit("alerts", {**shown, "start": "webex"})
    assert splunk.posts == posts and splunk.kept == {"alerts": {"secret": KEY}}
    page.edit("alerts", {"disabled": "1"})
    page.edit("alerts", {**shown, "words": "", "start": "opsgenie"})
    assert splunk.file["channel:alerts"]["words"] == ""
    page.edit("alerts", {"secret": "another"})
    assert splunk.kept == {"alerts": {"secret": "another"}}
    with pytest.raises(Invalid, match="secret is empty"):
        page.edit("alerts", {"secret": ""})
    assert splunk.kept == {"alerts": {"secret": "another"}}


def test_a_secret_that_was_written_into_the_file_is_taken_from_there(
    splunk: Splunk, page: ChannelFile
) -> None:
    values = {"url": "https://a.example/", "body": '{"k": "{secret}"}', "secret": KEY}
    splunk.file["channel:alerts"] = values
    assert KEY not in json.dumps(page.all())
    page.edit("alerts", {**page.one("alerts"), "method": "put"})
    assert splunk.file["channel:alerts"]["secret"] == ENCRYPTED
    assert splunk.kept == {"alerts": {"secret": KEY}}


def test_json_is_kept_in_one_line_and_other_text_as_it_is() -> None:
    assert channel_file._json('{\n "a": "ü\\n"}') == '{"a": "ü\\n"}'
    assert channel_file._json('{"a":\r\n  x}') == '{"a": x}'
    assert channel_file._json(r'{"a":"\u2028\ud800\u007f"}') == r'{"a": "\u2028\ud800\u007f"}'
