"""Settings: defaults, and one sentence for each malformed value."""

import pytest

from incident_management.splunk.configuration.settings import (
    Lifecycle,
    Settings,
    SettingsError,
    Slack,
    channels_set_up,
    parse,
)


def test_nothing_set_gives_the_defaults():
    assert parse({}) == Settings()


def test_values_are_typed():
    settings = parse(
        {
            "slack": {"bot_token": "xoxb-1", "channel": "#ops", "api_url": ""},
            "bedrock": {"enabled": "1", "timeout_seconds": "5", "max_output_tokens": "100"},
            "proxy": {"proxy_enabled": "1", "proxy_url": "proxy", "proxy_port": "3128"},
            "logging": {"loglevel": "debug"},
        },
        {"main": {"aws_access_key_id": "AKIA", "aws_secret_access_key": "s3cret"}},
    )
    assert settings.slack.api_url == "https://slack.com/api/"
    assert settings.bedrock.enabled is True
    assert (settings.bedrock.timeout_seconds, settings.bedrock.max_output_tokens) == (5.0, 100)
    assert (settings.proxy.host, settings.proxy.port) == ("proxy", 3128)
    assert settings.loglevel == "DEBUG"
    assert settings.accounts["main"].aws_secret_access_key == "s3cret"


def test_a_place_that_is_none_is_named_and_spoils_the_proxy_alone():
    proxy = {"proxy_enabled": "1", "proxy_url": "proxy", "proxy_port": "3128"}
    settings = parse({"proxy": {**proxy, "no_proxy": "awx, 10.0.0.0/8"}}, {})
    assert settings.proxy.no_proxy == ("awx", "10.0.0.0/8")
    settings = parse({"proxy": {**proxy, "no_proxy": "awx, 10.0.0.0/99"}}, {})
    assert set(settings.problems) == {"proxy"}
    assert "contains '10.0.0.0/99', which is not a host" in settings.problems["proxy"]


def test_secrets_do_not_show():
    settings = parse(
        {
            "slack": {"bot_token": "xoxb-secret", "app_token": "xapp-secret"},
            "teams": {"webhook_url": "https://x.example/sig-secret"},
            "pagerduty": {"routing_key": "key-secret"},
            "remediation": {"deploy_api_token": "t-secret"},
        },
        {"main": {"aws_secret_access_key": "a-secret", "aws_session_token": "b-secret"}},
    )
    assert "secret" not in repr(settings).replace("aws_secret", "")


@pytest.mark.parametrize(
    ("stanza", "key", "value", "sentence"),
    [
        (
            "bedrock",
            "enabled",
            "maybe",
            "enabled is 'maybe', which is neither 0 nor 1",
        ),
        ("bedrock", "timeout_seconds", "soon", "timeout_seconds is 'soon'; set a number from 1"),
        ("bedrock", "timeout_seconds", "0", "timeout_seconds is '0'; set a number from 1 to 600"),
        ("bedrock", "max_output_tokens", "inf", "max_output_tokens is 'inf'"),
        ("bedrock", "calls_per_day", "0", "calls_per_day is '0'; set a number from 1 to 10000"),
        ("slack", "app_token", "xoxb-1", "app_token does not begin with xapp-; enter the right"),
        (
            "slack",
            "room_severities",
            "critical, grave",
            "contains 'grave', which is not one of critical",
        ),
        ("slack", "room_name", "inc-{date}", "is 'inc-{date}', which is not letters a-z"),
        ("slack", "room_name", "Inc-{id}", "is 'Inc-{id}', which is not letters a-z"),
        ("slack", "room_private", "perhaps", "is 'perhaps', which is neither 0 nor 1"),
        ("slack", "room_per_hour", "0", "is '0'; set a number from 1 to 100"),
        ("slack", "room_archive_after", "soon", "room_archive_after"),
        ("slack", "api_url", "slack.com", "api_url holds 'slack.com', which is not a URL"),
        ("slack", "api_url", "http://slack.com", "holds 'http://slack.com' without TLS"),
        ("slack", "api_url", "https://[bad", "which is not a URL"),
        ("network", "web_url", "ftp://x", "web_url holds 'ftp://x', which is not a URL"),
    ],
)
def test_a_malformed_value_is_one_sentence(stanza, key, value, sentence):
    with pytest.raises(SettingsError, match=sentence) as caught:
        parse({stanza: {key: value}}).need(stanza)
    assert str(caught.value).startswith("incident_management_settings.conf [")
    assert str(caught.value).count("\n") == 0


def test_a_malformed_secret_is_not_shown():
    with pytest.raises(SettingsError, match="webhook_url holds the value without TLS") as caught:
        parse({"teams": {"webhook_url": "http://x.example/?sig=s3cret"}}).need("teams")
    assert "s3cret" not in str(caught.value)


def test_http_stays_on_this_machine():
    settings = parse({"slack": {"api_url": "http://127.0.0.1:9/api/"}})

    assert settings.slack.api_url == "http://127.0.0.1:9/api/"


def test_links_may_be_plain_http():
    assert parse({"network": {"web_url": "http://splunk.example:8000"}}).network.web_url


def test_a_malformed_part_spoils_no_other():
    settings = parse(
        {
            "slack": {"bot_token": "xoxb-1", "api_url": "slack dot com"},
            "teams": {"webhook_url": "https://t.example/x"},
            "lifecycle": {"keep": "1d"},
        }
    )
    assert set(settings.problems) == {"slack", "lifecycle"}
    assert settings.slack == Slack() and settings.set_up == {"slack", "teams"}
    assert settings.need("teams", "network", "proxy").teams.webhook_url == "https://t.example/x"
    with pytest.raises(SettingsError, match=r"\[slack\] api_url"):
        settings.need("teams", "slack")


def test_times_of_the_lifecycle_are_read():
    stanza = {"resolve_after": "90m", "resolve_not": "Critical, high", "close_after": "never"}
    lifecycle = parse({"lifecycle": {**stanza, "keep": "52w"}}).lifecycle

    assert lifecycle == Lifecycle(5400.0, ("critical", "high"), 0.0, 52 * 604_800.0)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("resolve_after", "1m", "resolve_after is '1m'; write a number and s, m, h, d or w"),
        ("resolve_after", "soon", "or never"),
        ("keep", "1d", "from 7d to 3650d"),
        ("resolve_not", "urgent", "contains 'urgent', which is not one of critical"),
    ],
)
def test_a_malformed_lifecycle_is_one_sentence(key, value, says):
    with pytest.raises(SettingsError) as raised:
        parse({"lifecycle": {key: value}}).need("lifecycle")

    assert says in str(raised.value)
    assert "incident_management_settings.conf [lifecycle]" in str(raised.value)


@pytest.mark.parametrize(
    ("stanzas", "set_up"),
    [
        ({}, set()),
        ({"slack": {"bot_token": "", "channel": None, "api_url": "https://slack.com/api/"}}, set()),
        ({"slack": {"bot_token": "********"}}, {"slack"}),
        ({"slack": {"channel": "#incidents"}}, {"slack"}),
        ({"slack": {"api_url": "slack dot com"}}, {"slack"}),
        ({"teams": {"webhook_url": "********", "disabled": "0"}}, {"teams"}),
        ({"teams": {"disabled": "0"}, "proxy": {"proxy_enabled": "1"}}, set()),
        ({"pagerduty": {"api_url": "https://events.eu.pagerduty.com"}}, {"pagerduty"}),
    ],
)
def test_a_channel_is_set_up_once_a_setting_is_not_as_shipped(stanzas, set_up):
    assert channels_set_up(stanzas) == set_up


def test_the_path_of_the_ca_file_may_begin_with_splunk_home(monkeypatch):
    monkeypatch.setenv("SPLUNK_HOME", "/opt/splunk")
    read = parse({"network": {"ca_file": "$SPLUNK_HOME/etc/auth/our-ca.pem"}})
    assert read.network.ca_file == "/opt/splunk/etc/auth/our-ca.pem"
