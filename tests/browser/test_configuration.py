"""UCC's own configuration page, from the built package, in the stand-in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from incident_management.notify.services.signing import signed
from tests.contract.services.receiver import Receiver
from tools.splunkd_lite.core import Options, Splunk

from .conftest import APP, PASSWORD, WAIT_MS, tab_beside

DIST = Path(__file__).resolve().parents[2] / "dist"
SECRETS_OF_A_CHANNEL = {
    "secret": "no-secret-of-a-channel",
    "signing_secret": "no-secret-to-sign-with",
}


def _saves(form: str) -> Callable[[Any], bool]:
    """Whether an answer is to a form that is sent: the page sends other requests, too."""
    return lambda reply: reply.request.method == "POST" and f"/{APP}_{form}" in reply.url


def _is(row: Any, status: str) -> None:
    """The row's switch says ``Active`` or ``Inactive``."""
    expect(row.locator("[data-test=status]")).to_have_text(status)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Splunk]:
    packages = sorted(DIST.glob(f"{APP}-*.tar.gz"), key=lambda path: path.stat().st_mtime)
    if not packages:
        pytest.skip("There is no built package: run ./build.sh package first.")
    options = Options(
        mgmt_port=0, web_port=0, https=True, admin_password=PASSWORD, parts=frozenset({"web"})
    )
    core = Splunk(tmp_path_factory.mktemp("built") / "home", options)
    core.install([packages[-1]])
    core.start()
    yield core
    core.stop()


@pytest.fixture(scope="module")
def keeper(browser: Any, built: Splunk) -> Iterator[Any]:
    """A page of an administrator, who was asked to sign in by the app's own."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{built.web_port}/en-US/app/{APP}/configuration")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/configuration")
    yield page
    context.close()


@pytest.fixture
def tab(keeper: Any) -> Iterator[Any]:
    with tab_beside(keeper) as page:
        page.goto(keeper.url)
        yield page


def test_an_account_is_added_through_the_form(tab: Any, built: Splunk, shoot: Any) -> None:
    tab.get_by_role("tab", name="AWS accounts", exact=True).click()
    tab.get_by_role("button", name="Add").click()
    tab.locator("[data-name=name] input, input[name=name]").first.fill("production")
    tab.locator("[data-name=aws_access_key_id] input").first.fill("AKIA" + "IOSFODNN7EXAMPLE")
    tab.locator("[data-name=aws_secret_access_key] input").first.fill("not-a-real-secret")
    shoot(tab, "configuration-form")
    tab.get_by_role("button", name="Add").last.click()
    tab.get_by_role("cell", name="production").wait_for()
    shoot(tab, "configuration-light")

    answer = httpx.get(
        f"{built.mgmt_uri}/servicesNS/nobody/{APP}/{APP}_account",
        params={"output_mode": "json"},
        auth=("admin", PASSWORD),
        verify=False,  # noqa: S501 - a self-signed certificate on loopback
    )
    entry = answer.json()["entry"][0]
    assert entry["name"] == "production"
    assert entry["content"]["aws_access_key_id"] == "AKIA" + "IOSFODNN7EXAMPLE"
    assert "not-a-real-secret" not in answer.text
    conf = built.home / "etc" / "apps" / APP / "local" / f"{APP}_account.conf"
    assert "not-a-real-secret" not in conf.read_text(encoding="utf-8")


def test_every_tab_of_the_configuration_opens(tab: Any, shoot: Any) -> None:
    # What most people are here for is what it opens on.
    first = tab.get_by_role("tab", selected=True)
    first.wait_for()
    assert first.inner_text() == "Slack"
    for name in (
        "Microsoft Teams",
        "PagerDuty",
        "ServiceNow",
        "Jira",
        "E-mail",
        "Proxy",
        "Logging",
    ):
        tab.get_by_role("tab", name=name, exact=True).click()
        tab.get_by_role("button", name="Save").wait_for()
    shoot(tab, "configuration-logging")


@pytest.mark.parametrize("host", ["proxy.example.com", "10.0.0.8"])
def test_a_proxy_with_a_login_is_saved_through_the_form(
    tab: Any, built: Splunk, shoot: Any, host: str
) -> None:
    tab.get_by_role("tab", name="Proxy", exact=True).click()
    values = {"proxy_url": host, "proxy_port": "3128", "proxy_username": "mia"}
    for field, value in {**values, "proxy_password": "not-a-real-secret"}.items():
        tab.locator(f"[data-name={field}] input").first.fill(value)
    shoot(tab, "configuration-proxy")
    with tab.expect_response(_saves("settings/proxy")) as saved:
        tab.get_by_role("button", name="Save").click()
    assert saved.value.ok, saved.value.text()

    settings = built.home / "etc" / "apps" / APP / "local" / f"{APP}_settings.conf"
    text = settings.read_text(encoding="utf-8")
    assert f"proxy_url = {host}" in text and "proxy_username = mia" in text
    assert "not-a-real-secret" not in text


def test_a_mail_server_is_saved_through_the_form(tab: Any, built: Splunk, shoot: Any) -> None:
    tab.get_by_role("tab", name="E-mail", exact=True).click()
    values = {"server": "smtp.example.com", "username": "mia", "sender": "splunk@example.com"}
    for field, value in {**values, "password": "not-a-real-secret"}.items():
        tab.locator(f"[data-name={field}] input:visible").fill(value)
    recipients = tab.locator("[data-name=recipients] textarea:visible").first
    recipients.fill("ops@example.com, b@example.com")
    shoot(tab, "configuration-email")
    with tab.expect_response(_saves("settings/email")) as saved:
        tab.get_by_role("button", name="Save").click()
    assert saved.value.ok, saved.value.text()

    settings = built.home / "etc" / "apps" / APP / "local" / f"{APP}_settings.conf"
    text = settings.read_text(encoding="utf-8")
    assert "recipients = ops@example.com, b@example.com" in text and "port = 587" in text
    assert "not-a-real-secret" not in text


def test_the_inputs_page_opens_in_the_dark(tab: Any, built: Splunk, shoot: Any) -> None:
    tab.click("#theme")
    tab.goto(f"http://127.0.0.1:{built.web_port}/en-US/app/{APP}/inputs")
    tab.get_by_role("button", name="Create New Input").wait_for()
    tab.get_by_role("cell", name="worker", exact=True).wait_for()
    shoot(tab, "inputs-dark")


def test_the_monitor_form_shows_the_fields_of_its_detector(tab: Any, built: Splunk) -> None:
    tab.goto(f"http://127.0.0.1:{built.web_port}/en-US/app/{APP}/inputs")
    tab.get_by_role("button", name="Create New Input").click()
    tab.get_by_role("menuitem", name="Incident monitor").click()
    field = lambda name: tab.locator(f"[data-name={name}]")  # noqa: E731
    expect(field("sensitivity")).to_be_visible()
    expect(field("objective")).to_be_hidden()

    for chosen, value in (("sensitivity", "High"), ("detector", "An error budget")):
        field(chosen).locator("button").first.click()
        tab.get_by_role("option", name=value).click()
    expect(field("objective")).to_be_visible()
    for name in ("sensitivity", "season", "direction", "time_zone", "threshold"):
        expect(field(name)).to_be_hidden()
    given = {"name": "slo", "interval": "60", "value": "bad"}
    for name, value in given.items():
        field(name).locator("input:visible").first.fill(value)
    field("monitor_search").locator("textarea:visible").fill("index=main | eval bad=0")
    with tab.expect_response(_saves("incident_monitor")) as sent:
        tab.get_by_role("button", name="Add").last.click()
    assert sent.value.ok, sent.value.text()
    assert not built.conf.stanzas("inputs")["incident_monitor://slo"].get("sensitivity")


def test_a_team_and_its_rule_are_made_through_the_forms(
    tab: Any, built: Splunk, shoot: Any
) -> None:
    tab.get_by_role("tab", name="Response teams", exact=True).click()
    row = tab.get_by_role("row").filter(has=tab.get_by_role("cell", name="operations", exact=True))
    _is(row, "Active")
    tab.get_by_role("button", name="Add").click()
    values = {"name": "payments", "members": "dana, lee", "slack_channel": "#payments"}
    for field, value in values.items():
        tab.locator(f"[data-name={field}] input:visible").first.fill(value)
    shoot(tab, "configuration-team")
    tab.get_by_role("button", name="Add").last.click()
    tab.get_by_role("cell", name="payments", exact=True).wait_for()
    shoot(tab, "configuration-teams")

    tab.get_by_role("tab", name="Routing rules", exact=True).click()
    tab.get_by_role("cell", name="default", exact=True).wait_for()
    tab.get_by_role("button", name="Add").click()
    for field, value in {"name": "pay", "order": "soon", "entity": "pay*"}.items():
        tab.locator(f"[data-name={field}] input:visible").first.fill(value)
    tab.locator("[data-name=team] button").first.click()
    tab.get_by_role("option", name="payments", exact=True).click()
    tab.get_by_role("button", name="Add").last.click()
    tab.get_by_text("Order is 'soon'; set a number.", exact=True).wait_for()
    shoot(tab, "configuration-rule")
    tab.locator("[data-name=order] input:visible").first.fill("10")
    tab.get_by_role("button", name="Add").last.click()
    tab.get_by_role("cell", name="pay*", exact=True).wait_for()

    conf = built.home / "etc" / "apps" / APP / "local" / "incident_routing.conf"
    text = conf.read_text(encoding="utf-8")
    assert "[team:payments]" in text and "members = dana, lee" in text
    assert "[rule:pay]" in text and "team = payments" in text and "order = 10" in text


def test_a_value_is_removed_in_the_form(tab: Any, built: Splunk) -> None:
    tab.get_by_role("tab", name="Response teams", exact=True).click()
    tab.get_by_role("cell", name="operations", exact=True).wait_for()
    tab.get_by_role("button", name="Add").click()
    for field, value in {"name": "night", "members": "dana", "email": "night@example.com"}.items():
        tab.locator(f"[data-name={field}] input:visible").first.fill(value)
    tab.locator("[data-name=fallback] button").first.click()
    tab.get_by_role("option", name="operations", exact=True).click()
    tab.get_by_role("button", name="Add").last.click()
    row = tab.get_by_role("row").filter(has=tab.get_by_role("cell", name="night", exact=True))
    row.get_by_role("button", name="Edit").click()
    tab.locator("[data-name=email] input:visible").first.fill("")
    tab.locator("[data-name=fallback]").get_by_role("button", name="Clear").click()
    with tab.expect_response(_saves("team")) as saved:
        tab.get_by_role("button", name="Update").click()
    assert saved.value.ok, saved.value.text()
    conf = built.home / "etc" / "apps" / APP / "local" / "incident_routing.conf"
    lines = conf.read_text(encoding="utf-8").partition("[team:night]")[2].partition("\n[")[0]
    assert "members = dana\n" in lines
    assert "fallback = \n" in lines and "email = \n" in lines, lines


def test_a_custom_field_is_not_required_by_default(tab: Any, built: Splunk) -> None:
    tab.get_by_role("tab", name="Custom fields", exact=True).click()
    tab.get_by_role("button", name="Add", exact=True).click()
    tab.locator("[data-name=name] input").first.fill("vendor_case")
    needed = tab.locator("[data-name=required]")
    expect(needed).to_contain_text("never")
    needed.locator("[data-test=select]").click()
    tab.locator("[data-test=option]").first.click()
    with tab.expect_response(_saves("field")) as saved:
        tab.get_by_role("button", name="Add", exact=True).last.click()
    assert saved.value.ok, saved.value.text()
    conf = built.home / "etc" / "apps" / APP / "local" / "incident_routing.conf"
    assert "[field:vendor_case]" in conf.read_text(encoding="utf-8")
    assert "required = never" in conf.read_text(encoding="utf-8")


def test_a_service_level_is_enabled_in_its_table(tab: Any, built: Splunk, shoot: Any) -> None:
    tab.get_by_role("tab", name="Service levels", exact=True).click()
    row = tab.get_by_role("row").filter(has=tab.get_by_role("cell", name="critical", exact=True))
    _is(row.first, "Inactive")
    shoot(tab, "configuration-promises")
    with tab.expect_response(_saves("sla")) as saved:
        row.first.get_by_role("switch").click()
    assert saved.value.ok, saved.value.text()
    _is(row.first, "Active")
    conf = built.home / "etc" / "apps" / APP / "local" / "incident_routing.conf"
    text = conf.read_text(encoding="utf-8")
    assert "disabled = 0" in text.partition("[sla:critical]")[2].partition("\n[")[0]
    with tab.expect_response(_saves("sla")) as saved:
        row.first.get_by_role("switch").click()
    assert saved.value.ok, saved.value.text()
    _is(row.first, "Inactive")
    text = conf.read_text(encoding="utf-8")
    assert "disabled = 1" in text.partition("[sla:critical]")[2].partition("\n[")[0]


def test_announcements_are_set_in_their_table(tab: Any, built: Splunk, shoot: Any) -> None:
    tab.get_by_role("tab", name="Announcements", exact=True).click()
    row = tab.get_by_role("row").filter(has=tab.get_by_role("cell", name="action", exact=True))
    row.get_by_role("button", name="Edit").click()
    channels = tab.locator("[data-name=value] input:visible").first
    channels.fill("slak?")
    tab.get_by_role("button", name="Update").click()
    tab.get_by_text("action names 'slak'; the channels are").wait_for()
    shoot(tab, "configuration-announcement")
    channels.fill("slack?, email")
    with tab.expect_response(_saves("announce")) as saved:
        tab.get_by_role("button", name="Update").click()
    assert saved.value.ok, saved.value.text()
    tab.get_by_role("cell", name="slack?, email", exact=True).wait_for()
    conf = built.home / "etc" / "apps" / APP / "local" / "incident_routing.conf"
    text = conf.read_text(encoding="utf-8")
    assert text.partition("[announce]\n")[2].partition("\n[")[0].strip() == "action = slack?, email"


def test_tables_of_fixed_settings_have_no_add_button(tab: Any) -> None:
    rows = (
        ("Grouping and limits", "flap_calm", "30m"),
        ("Points of work", "critical", "1"),
        ("Announcements", "edited", "nobody"),
    )
    add = tab.get_by_role("button", name="Add")
    for name, first, value in rows:
        tab.get_by_role("tab", name=name, exact=True).click()
        row = tab.get_by_role("row", name=f"row-{first}", exact=True)
        expect(row.locator("[data-column=value]")).to_have_text(value)
        expect(add).to_have_count(0)
        expect(row.get_by_role("button", name="Edit")).to_be_visible()
    tab.get_by_role("tab", name="Response teams", exact=True).click()
    expect(add).to_be_visible()


def test_an_http_channel_is_added_tested_and_used(tab: Any, built: Splunk, shoot: Any) -> None:
    desk = Receiver(default=(403, {}, {"error": "no such hook: no-secret-of-a-channel"})).start()
    tab.get_by_role("tab", name="HTTP channels", exact=True).click()
    tab.get_by_role("button", name="Add", exact=True).click()
    tab.locator("[data-name=name] input:visible").first.fill("chat")
    tab.locator("[data-name=start] button").first.click()
    tab.get_by_role("option", name="Mattermost", exact=True).click()
    tab.locator("[data-name=secret] input:visible").first.fill(f"{desk.url}/no-secret-of-a-channel")
    signing = tab.locator("[data-name=signing_secret] input:visible").first
    expect(signing).to_have_attribute("type", "password")
    signing.fill("whsec_no base64!")
    tab.locator("[data-name=test]").get_by_role("checkbox").click()
    shoot(tab, "configuration-channel")
    tab.get_by_role("button", name="Add", exact=True).last.click()
    tab.get_by_text("The signing secret is not valid base64 after whsec_.").wait_for()
    assert desk.requests == []
    signing.fill("no-secret-to-sign-with")
    tab.get_by_role("button", name="Add", exact=True).last.click()
    # What is wrong is said before anything is saved.
    tab.get_by_text("Nothing was saved because the test failed: ").wait_for()
    expect(tab.get_by_text("rejected the request with 403: ")).not_to_contain_text(
        "no-secret-of-a-channel"
    )
    desk.default = (200, {}, b"ok")
    with tab.expect_response(_saves("channel")) as saved:
        tab.get_by_role("button", name="Add", exact=True).last.click()
    assert saved.value.ok, saved.value.text()
    told = [request.json["text"].splitlines()[0] for request in desk.requests[1:]]
    assert [text.split(":")[1].strip() for text in told] == ["incident opened", "incident resolved"]
    for one in desk.requests:
        name, moment = (one.headers[f"webhook-{part}"] for part in ("id", "timestamp"))
        given = signed(b"no-secret-to-sign-with", name, float(moment), one.body)
        assert one.headers["webhook-signature"] == given["webhook-signature"]

    row = tab.get_by_role("row").filter(has=tab.get_by_role("cell", name="chat", exact=True))
    row.get_by_role("button", name="Edit").click()
    body = tab.locator("[data-name=body] textarea:visible").first
    expect(body).to_have_value(re.compile(r'\{\n  "text": '))
    shoot(tab, "configuration-channel-edit")
    body.fill('{\n  "text": "{titel}"\n}')
    tab.get_by_role("button", name="Update").click()
    tab.get_by_text("Body.text uses the unknown field {titel}").wait_for()
    body.fill('{\n  "text": "{title}"\n}')
    with tab.expect_response(_saves("channel")) as saved:
        tab.get_by_role("button", name="Update").click()
    assert saved.value.ok, saved.value.text()

    desk.stop()
    app = f"{built.mgmt_uri}/servicesNS/nobody/{APP}"
    with httpx.Client(auth=("admin", PASSWORD), verify=False) as ask:  # noqa: S501 - loopback
        asked = ask.get(f"{app}/{APP}_channel/chat", params={"output_mode": "json"})
        content = asked.json()["entry"][0]["content"]
        kept = ask.get(f"{app}/storage/passwords", params={"output_mode": "json", "count": 0})
        for name, secret in SECRETS_OF_A_CHANNEL.items():
            assert secret not in asked.text and secret in kept.text
            assert content[name] == "******"
        assert content["url"] == "{secret}"
        assert ask.delete(f"{app}/{APP}_channel/chat").status_code == 200
        kept = ask.get(f"{app}/storage/passwords", params={"output_mode": "json", "count": 0})
        assert not any(secret in kept.text for secret in SECRETS_OF_A_CHANNEL.values())
    conf = built.home / "etc" / "apps" / APP / "local" / "incident_routing.conf"
    text = conf.read_text(encoding="utf-8")
    assert not any(secret in text for secret in SECRETS_OF_A_CHANNEL.values())
