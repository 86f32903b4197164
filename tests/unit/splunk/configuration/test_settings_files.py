"""Settings as splunkd gives them: each secret is decrypted by itself."""

import json
from typing import Any

import pytest
from solnlib.credentials import CredentialManager

from incident_management.splunk.configuration.settings import CONF, SettingsError, load
from incident_management.splunk.configuration.target_settings import ACCOUNTS, CLUSTERS
from incident_management.splunk.session import SplunkError

REALM = "__REST_CREDENTIAL__#incident_management#configs/conf-"
HIDDEN = "******"
LONG = "https://t.example/" + "x" * 600


class FakeSession:
    """Conf files, and storage/passwords as solnlib fills it."""

    def __init__(self, settings, accounts=None, clusters=None):
        self.files = {CONF: settings, ACCOUNTS: accounts, CLUSTERS: clusters}
        self.passwords: Any = []
        self.asked = []

    def keep(self, stanza, conf=CONF, **fields):
        text = json.dumps(fields)
        pieces = [text[start : start + 255] for start in range(0, len(text), 255)]
        # Behind the end mark, what is left of a longer secret that stood there before.
        for number, piece in enumerate([*pieces, CredentialManager.END_MARK, "left"], 1):
            username = f"{stanza}{CredentialManager.SEP}{number}"
            content = {"realm": REALM + conf, "username": username, "clear_password": piece}
            self.passwords.insert(0, {"content": content})

    def get(self, path, **query):
        self.asked.append(path)
        if path.endswith("storage/passwords"):
            if isinstance(self.passwords, Exception):
                raise self.passwords
            return {"entry": self.passwords}
        stanzas = self.files[path.rpartition("conf-")[2]]
        if stanzas is None:
            raise SplunkError(404, "There is no such file.")
        return {"entry": [{"name": name, "content": one} for name, one in stanzas.items()]}


@pytest.fixture
def session() -> Any:
    session = FakeSession(
        {
            "slack": {"bot_token": HIDDEN, "channel": "#ops"},
            "teams": {"webhook_url": HIDDEN},
            "network": {"web_url": "https://splunk.example"},
            "proxy": {"proxy_enabled": "0", "proxy_password": HIDDEN},
        },
        {"aws": {"aws_access_key_id": "AKIA", "aws_secret_access_key": HIDDEN}},
    )
    session.keep("slack", bot_token="xoxb-1")
    session.keep("teams", webhook_url=LONG)
    session.keep("aws", ACCOUNTS, aws_secret_access_key="k")
    return session


def test_secrets_are_decrypted(session):
    settings = load(session)

    assert (settings.slack.bot_token, settings.teams.webhook_url) == ("xoxb-1", LONG)
    assert settings.accounts["aws"].aws_secret_access_key == "k"
    assert settings.problems == {}, "a proxy that is switched off needs no password"
    assert len(session.asked) == 5, "three files and the secrets of two"


@pytest.mark.parametrize("left", ["nothing", "another secret's key", "no key at all"])
def test_a_secret_that_is_missing_costs_its_own_part(session, left):
    mine = [one for one in session.passwords if one["content"]["username"].startswith("slack")]
    for entry in mine:
        session.passwords.remove(entry)
    if left == "another secret's key":
        session.passwords += [
            {"content": {**one["content"], "clear_password": "\ufffd"}} for one in mine
        ]
    if left == "no key at all":
        for one in mine:
            del one["content"]["clear_password"]
        session.passwords += mine
    settings = load(session)

    assert list(settings.problems) == ["slack"]
    assert settings.problems["slack"] == (
        "incident_management_settings.conf [slack] bot_token is not in Splunk's password store, or "
        "can't be decrypted; enter it again under Configuration > Slack."
    )
    assert settings.teams.webhook_url == LONG
    assert settings.set_up == {"slack", "teams"}, "its messages wait"


def test_an_account_whose_secret_is_missing_is_named(session):
    session.passwords = [
        one for one in session.passwords if not one["content"]["username"].startswith("aws")
    ]
    settings = load(session)

    assert settings.slack.bot_token == "xoxb-1"
    with pytest.raises(SettingsError, match=r"\[aws\].*again under Configuration > AWS accounts"):
        settings.account("aws")


def test_a_token_of_a_cluster_is_decrypted(session):
    session.files[CLUSTERS] = {"east-1": {"url": "https://k8s.example:6443", "token": HIDDEN}}
    with pytest.raises(SettingsError, match=r"token .* again under Configuration > Kubernetes cl"):
        load(session).cluster("east-1")
    session.keep("east-1", CLUSTERS, token="t")
    cluster = load(session).cluster("east-1")
    assert cluster is not None and cluster.token == "t" and "'t'" not in repr(cluster)


def test_a_password_store_that_can_not_be_read_costs_what_has_secrets(session):
    session.passwords = SplunkError(500, "cannot be decrypted")
    settings = load(session)

    assert set(settings.problems) == {"slack", "teams", "account aws"}
    assert settings.network.web_url == "https://splunk.example"


def test_no_secret_is_asked_for_where_none_is_set():
    session: Any = FakeSession({"slack": {"channel": "#ops"}})
    assert load(session).accounts == {}
    assert not [path for path in session.asked if path.endswith("passwords")]
