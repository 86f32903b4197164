"""Signing in, and what a page may not do: over HTTP, without a browser."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tools.splunkd_lite.web.splunkd import longest_wait

from .conftest import APP, PASSWORD

RAW = "/en-US/splunkd/__raw"


@pytest.fixture
def anonymous(splunk: Any) -> Any:
    with httpx.Client(base_url=splunk.web) as client:
        yield client


@pytest.fixture
def signed_in(anonymous: httpx.Client) -> httpx.Client:
    assert sign_in(anonymous).status_code == 303
    return anonymous


def sign_in(client: httpx.Client, password: str = PASSWORD, **changed: str) -> httpx.Response:
    page = client.get("/en-US/account/login").text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    fields |= {"username": "admin", "password": password} | changed
    return client.post("/en-US/account/login", data=fields)


def form_key(client: httpx.Client) -> str:
    return next(v for k, v in client.cookies.items() if k.startswith("splunkweb_csrf_token_"))


def test_a_page_redirects_to_the_login_and_back(anonymous: httpx.Client) -> None:
    answer = anonymous.get(f"/en-US/app/{APP}/search?q=x")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/en-US/account/login?return_to=")
    login = anonymous.get(answer.headers["location"]).text
    assert f'value="/en-US/app/{APP}/search?q=x"' in login


def test_an_apps_own_templates_can_be_switched_off(splunk: Any, signed_in: httpx.Client) -> None:
    """web-features.conf.spec 10.4."""
    page = f"/en-US/app/{APP}/workbench"
    assert signed_in.get(page).status_code == 200
    switch = "deactivate_custom_mako_templates"
    conf, feature = splunk.core.conf, "feature:appserver_security"
    conf.write("web-features", feature, {switch: "true"}, "system", create=True)
    try:
        answer = signed_in.get(page)
    finally:
        conf.delete("web-features", feature, "system")
    assert answer.status_code == 404
    assert switch in answer.text


@pytest.mark.parametrize(("given", "seconds"), [(None, 30), ("", 30), ("5", 30), ("90", 90)])
def test_splunk_web_waits_for_splunkd_as_web_conf_says(given: str | None, seconds: float) -> None:
    """web.conf.spec: at least 30, the default."""

    class Conf:
        def get(self, conf: str, stanza: str, key: str) -> str | None:
            assert (conf, stanza, key) == ("web", "settings", "splunkdConnectionTimeout")
            return given

    assert longest_wait(Conf()) == seconds


def test_a_wrong_password_is_refused(anonymous: httpx.Client) -> None:
    answer = sign_in(anonymous, password="wrong")
    assert answer.status_code == 401
    assert "The user name or the password is wrong." in answer.text
    assert not any(name.startswith("splunkd_") for name in anonymous.cookies)


def test_a_login_form_from_elsewhere_is_refused(anonymous: httpx.Client) -> None:
    assert sign_in(anonymous, cval="forged").status_code == 403


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/en-US//evil"])
def test_login_returns_only_to_this_server(anonymous: httpx.Client, target: str) -> None:
    answer = sign_in(anonymous, return_to=target)
    assert answer.headers["location"] == "/en-US/app/launcher/home"


def test_the_session_key_never_reaches_the_browser(splunk: Any, signed_in: httpx.Client) -> None:
    values = list(signed_in.cookies.values())
    for value in values:
        answer = httpx.get(
            f"{splunk.core.mgmt_uri}/services/authentication/current-context",
            headers={"Authorization": f"Splunk {value}"},
            verify=False,  # noqa: S501 - a self-signed certificate on loopback
        )
        assert answer.status_code == 401


def test_the_proxy_needs_a_session(anonymous: httpx.Client) -> None:
    assert anonymous.get(f"{RAW}/services/server/info").status_code == 401


def test_the_proxy_acts_as_the_signed_in_user(signed_in: httpx.Client) -> None:
    path = f"{RAW}/services/authentication/current-context"
    answer = signed_in.get(path, params={"output_mode": "json"})
    assert answer.json()["entry"][0]["content"]["username"] == "admin"


def test_a_write_without_the_form_key_is_refused(signed_in: httpx.Client) -> None:
    path, form = f"{RAW}/servicesNS/-/search/search/jobs", {"search": "| makeresults"}
    assert signed_in.post(path, data=form).status_code == 403
    wrong = {"X-Splunk-Form-Key": "wrong"}
    assert signed_in.post(path, data=form, headers=wrong).status_code == 403
    right = {"X-Splunk-Form-Key": form_key(signed_in)}
    assert signed_in.post(path, data=form, headers=right).status_code == 201


def test_a_link_without_a_locale_leads_to_its_file(signed_in: httpx.Client) -> None:
    answer = signed_in.get("/static/app/incident_management/runbooks.html")
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(
        "/en-US/static/app/incident_management/runbooks.html"
    )


def test_logging_out_ends_the_session(signed_in: httpx.Client) -> None:
    key = {"splunk_form_key": form_key(signed_in)}
    cookies = dict(signed_in.cookies)
    assert signed_in.post("/en-US/account/logout", data={}).status_code == 403
    assert signed_in.post("/en-US/account/logout", data=key).status_code == 303
    signed_in.cookies.update(cookies)
    assert signed_in.get(f"{RAW}/services/server/info").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/en-US/static/@1/app/incident_management/../default/app.conf",
        "/en-US/static/@1/app/incident_management/%2e%2e/default/app.conf",
        "/en-US/static/@1/app/../passwd",
        "/en-US/static/@1/lite/../app.py",
    ],
)
def test_static_files_stay_in_their_folder(anonymous: httpx.Client, path: str) -> None:
    assert anonymous.get(path).status_code == 404


def test_an_apps_icon_is_served(anonymous: httpx.Client) -> None:
    answer = anonymous.get(f"/en-US/static/app/{APP}/appIcon.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")


def test_an_unknown_view_says_so(signed_in: httpx.Client) -> None:
    answer = signed_in.get(f"/en-US/app/{APP}/nothing_here")
    assert answer.status_code == 404
    assert f"The app &#34;{APP}&#34; has no view &#34;nothing_here&#34;." in answer.text


def test_the_search_page_runs_no_script_but_its_own(signed_in: httpx.Client) -> None:
    answer = signed_in.get(f"/en-US/app/{APP}/search")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
