"""What the configuration page accepts, the code accepts: the same values go through both."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from incident_management.splunk.configuration.settings import (
    Account,
    Cluster,
    Remediation,
    SettingsError,
    parse,
)

PAGE = json.loads((Path(__file__).parents[4] / "globalConfig.json").read_text(encoding="utf-8"))
TABS = {tab.get("name"): tab for tab in PAGE["pages"]["configuration"]["tabs"]}


def page_accepts(tab, field, value):
    """As splunktaucclib's validators do: a pattern is matched, a number has a range."""
    (entity,) = [one for one in TABS[tab]["entity"] if one["field"] == field]
    for validator in entity["validators"]:
        if validator["type"] == "regex" and not re.match(validator["pattern"], value):
            return False
        if validator["type"] == "number":
            low, high = validator["range"]
            if not (value.isdigit() and low <= int(value) <= high):
                return False
    return True


def code_accepts(tab, field, value):
    switched_on = {"proxy": {"proxy_enabled": "1", "proxy_url": "p", "proxy_port": "1"}}
    try:
        parse({tab: {**switched_on.get(tab, {}), field: value}}).need(tab)
    except SettingsError:
        return False
    return True


# What takes no address.
FORMS = {"role_arn": "arn:aws:iam::123456789012:role/ops/fixes", "account_id": "123456789012"}

GOOD = [
    *[("lifecycle", "keep", value) for value in ("7d", "7.5d", "90d", "3650d", "1w", "519w")],
    *[("lifecycle", "keep", value) for value in ("never", "10 d", "999d", "2557d")],
    *[("lifecycle", "resolve_after", value) for value in ("never", "300s", "5m", "24h", "1.5h")],
    *[("lifecycle", "close_after", value) for value in ("999999m", "9999h", "1d", "3650d", "52 w")],
    *[("lifecycle", "resolve_not", value) for value in ("critical", "critical, high", "low,info")],
    *[("network", "web_url", f"{how}://splunk.example.com:8000") for how in ("http", "https")],
    ("network", "web_url", "https://10.0.0.8/splunk"),
    ("slack", "api_url", "https://slack.com/api/"),
    ("slack", "api_url", "http://127.0.0.1:9000/api/"),
    ("pagerduty", "api_url", "https://events.eu.pagerduty.com"),
    ("bedrock", "endpoint_url", "https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com"),
    ("remediation", "deploy_api_url", "https://[2001:db8::8]:8443/v1?x=1"),
    ("bedrock", "timeout_seconds", "5"),
    ("bedrock", "max_output_tokens", "8000"),
    ("bedrock", "calls_per_incident", "1"),
    ("bedrock", "calls_per_day", "10000"),
    *[("proxy", "proxy_url", host) for host in ("proxy", "proxy.example.com", "10.0.0.8")],
    ("proxy", "proxy_url", "[2001:db8::8]"),
    *[("proxy", "no_proxy", one) for one in ("awx", "awx, .a.example,10.0.0.0/8", "::1, fd00::/8")],
    ("servicenow", "instance_url", "https://example.service-now.com"),
    *[("servicenow", "table", name) for name in ("incident", "u_incident_2", "em_event")],
    ("jira", "site_url", "https://example.atlassian.net"),
    *[("jira", "project", key) for key in ("OPS", "A", "OPS_2")],
    *[
        (system, "look_every", value)
        for system in ("servicenow", "jira")
        for value in ("never", "5s", "10s", "2m", "1.5h", "1d", "3650d", "519w")
    ],
    ("proxy", "proxy_port", "65535"),
    *[("email", "server", host) for host in ("smtp.example.com", "localhost", "10.0.0.8", "::1")],
    *[("email", "sender", one) for one in ("splunk@example.com", "a.b+c@localhost")],
    ("email", "recipients", "a@b.example, c@d.example;\n e@f.example"),
    ("email", "port", "465"),
    *[("bedrock", "region", name) for name in ("us-east-1", "us-gov-west-1", "eusc-de-east-1")],
]
BAD = [
    *[("lifecycle", "keep", value) for value in ("1d", "6.9d", "3651d", "522w", "7", "soon", "0w")],
    *[("lifecycle", "resolve_after", value) for value in ("1s", "299s", "4m", "4.9m", "3650.5d")],
    *[("lifecycle", "close_after", value) for value in ("1m", "0h", "522w", "-1d")],
    *[("servicenow", "table", name) for name in ("incident?x=1", "Incident", "../x", "a b")],
    *[("jira", "project", key) for key in ("ops", 'OPS" OR "1', "OPS-1", "2OPS")],
    ("jira", "site_url", "http://jira.example.com"),
    *[
        ("jira", "look_every", value)
        for value in ("4s", "4.9s", "0s", "2", "soon", "3651d", "522w")
    ],
    *[("lifecycle", "resolve_not", value) for value in ("urgent", "critical high", "high, urgent")],
    ("network", "web_url", "splunk.example.com:8000"),
    ("network", "web_url", "ftp://splunk.example.com"),
    ("slack", "api_url", "http://slack.com/api/"),
    ("slack", "api_url", "https://[bad"),
    ("slack", "api_url", "https://"),
    ("remediation", "deploy_api_url", "https:///v1"),
    ("bedrock", "endpoint_url", "bedrock.example.com"),
    ("proxy", "proxy_port", "0"),
    *[("proxy", "no_proxy", one) for one in ("http://awx", "awx 10.0.0.1", "a;b", "10.0.0.0/8/8")],
    *[("email", "server", host) for host in ("smtp.example.com:25", "smtp://x", "a b", "-a")],
    *[
        ("email", "sender", one)
        for one in ("Ops <a@b.example>", "a@b\nX: y", "a", "a@b@c", "a..b@c")
    ],
    *[("email", "recipients", text) for text in ("Ann <a@b.example>", "a@b.example c@d.example")],
    ("email", "recipients", ",".join(f"a{number}@b.example" for number in range(51))),
    ("email", "port", "0"),
]


@pytest.mark.parametrize(("tab", "field", "value"), GOOD)
def test_what_is_well_formed_is_accepted_by_both(tab, field, value):
    assert page_accepts(tab, field, value) and code_accepts(tab, field, value)


@pytest.mark.parametrize(("tab", "field", "value"), BAD)
def test_what_the_code_refuses_can_not_be_saved(tab, field, value):
    assert not code_accepts(tab, field, value)
    assert not page_accepts(tab, field, value)


@pytest.mark.parametrize("host", ["http://proxy.example.com", "proxy.example.com:3128", "a b", ""])
def test_a_proxys_host_is_a_name_or_an_address_alone(host):
    assert not page_accepts("proxy", "proxy_url", host)


PAGES = {
    "servicenow": ["/nav_to.do", "/nav_to.do?uri=x", "/now/nav/ui/home", "/api/now", "?x=1"],
    "jira": ["/jira/projects/OPS/boards/1", "/browse/OPS-1", "/secure/Dashboard.jspa", "/?x=1"],
}


@pytest.mark.parametrize(
    ("system", "field", "host"),
    [
        ("servicenow", "instance_url", "example.service-now.com"),
        ("jira", "site_url", "example.atlassian.net"),
    ],
)
def test_a_ticket_system_is_not_named_by_one_of_its_pages(system, field, host):
    """Whose address is what people copy out of a browser; a gateway may have a path."""
    for good in (f"https://{host}", f"https://{host}/", "http://127.0.0.1:8080"):
        assert page_accepts(system, field, good)
    for path in ("tickets", "ex/jira/11223344-a1b2"):
        assert page_accepts(system, field, f"https://gateway.example.com/{path}")
    for page in PAGES[system]:
        assert not page_accepts(system, field, f"https://{host}{page}"), page


@pytest.mark.parametrize("system", ["servicenow", "jira", "pagerduty"])
def test_what_a_resolved_ticket_may_do_is_known_to_the_code(system):
    (choice,) = [one for one in TABS[system]["entity"] if one["field"] == "when_resolved"]
    words = [one["value"] for one in choice["options"]["autoCompleteFields"]]
    assert words == ["note", "resolve"] and choice["defaultValue"] == "note"
    assert all(code_accepts(system, "when_resolved", word) for word in words)
    assert not code_accepts(system, "when_resolved", "close")


def test_what_an_acknowledgement_in_pagerduty_may_do_is_known_to_the_code():
    (choice,) = [one for one in TABS["pagerduty"]["entity"] if one["field"] == "when_acknowledged"]
    words = [one["value"] for one in choice["options"]["autoCompleteFields"]]
    assert words == ["acknowledge", "note"] and choice["defaultValue"] == "acknowledge"
    assert all(code_accepts("pagerduty", "when_acknowledged", word) for word in words)
    assert not code_accepts("pagerduty", "when_acknowledged", "resolve")


@pytest.mark.parametrize("system", ["servicenow", "jira"])
@pytest.mark.parametrize("name", ["more_fields", "follow_up_fields"])
def test_more_fields_are_a_json_object(system, name):
    for good in ("", '{"a": {"high": "b"}}', ' {\n"a": [1]\n}\n'):
        assert page_accepts(system, name, good) and code_accepts(system, name, good)
    for bad in ("a=b", "[1]", '"a"'):
        assert not page_accepts(system, name, bad)
        assert not code_accepts(system, name, bad)
    assert not code_accepts(system, name, "{a}")


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("account_id", ["123456789012"], ["12", "1234567890123", "12345678901a"]),
        ("role_arn", [FORMS["role_arn"], "arn:aws-us-gov:iam::123456789012:role/a"],
         ["role/a", "arn:aws:iam::12:role/a", "arn:aws:iam::123456789012:user/a"]),
        ("external_id", ["7f:a/b=c", "ab"], ["a", "a b", "a\u00e9"]),
    ],
)  # fmt: skip
def test_what_an_account_of_aws_is_known_by_is_held_to_its_form(field, good, bad):
    for value in (*good, *bad):
        known = parse({}, {"ops": {field: value}})
        assert page_accepts("account", field, value) == (value in good)
        assert ("account ops" in known.problems) == (value in bad)


@pytest.mark.parametrize("system", ["servicenow", "jira", "pagerduty"])
def test_a_ticket_system_as_it_is_shipped_is_not_set_up(system):
    shipped = {one["field"]: one.get("defaultValue", "") for one in TABS[system]["entity"]}
    assert parse({system: shipped}).set_up == frozenset()


def test_the_proxys_types_are_those_that_work():
    (kind,) = [one for one in TABS["proxy"]["entity"] if one["field"] == "proxy_type"]
    assert [one["value"] for one in kind["options"]["autoCompleteFields"]] == ["http", "https"]


@pytest.mark.parametrize(
    ("tab", "kept"), [("remediation", Remediation), ("account", Account), ("cluster", Cluster)]
)
def test_what_fixes_and_models_are_reached_by_is_on_the_page_and_is_read(tab, kept):
    """Each field into its own place, and those that are secret into the password store."""
    page = {one["field"]: one.get("encrypted", False) for one in TABS[tab]["entity"]}
    assert page == {one.name: not one.repr for one in fields(kept)}
    given = {name: f"https://{name}.example" for name in page if name != "name"}
    given.update({name: value for name, value in FORMS.items() if name in page})
    files = [{tab: given} if tab == one else {} for one in ("remediation", "account", "cluster")]
    known = parse(*files)
    places = {"remediation": known.remediation, **known.accounts, **known.clusters}
    assert vars(places[tab]) == {**given, **({"name": tab} if "name" in page else {})}


# What UCC's pages make 0 or 1 of, wherever it is chosen.
MADE_A_SWITCH = {"0", "F", "FALSE", "N", "NO", "NONE", "", "1", "T", "TRUE", "Y", "YES"}


def test_no_choice_of_the_page_has_a_value_that_it_sends_as_0_or_1():
    choices = [
        (tab["name"], entity["field"], option["value"])
        for tab in TABS.values()
        for entity in tab.get("entity", ())
        for options in (entity.get("options", {}),)
        for option in (*options.get("autoCompleteFields", ()), *options.get("items", ()))
    ]
    assert len(choices) > 20
    assert [one for one in choices if one[2].upper() in MADE_A_SWITCH] == []
