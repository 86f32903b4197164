"""Which REST endpoints a page may reach: web.conf's expose stanzas."""

from __future__ import annotations

import pytest

from tools.splunkd_lite.web.expose import judge, pattern_matches, rest_path


class Conf:
    def __init__(self, **confs: dict[str, dict[str, str]]) -> None:
        self._confs = confs

    def stanzas(self, conf: str) -> dict[str, dict[str, str]]:
        return self._confs.get(conf, {})


HANDLER = {"script:api": {"match": "/incident_management/v1", "scripttype": "persist"}}


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/*", "a/b", True),
        ("a/*", "a/b/c", False),
        ("a/*/c", "a/b/c", True),
        ("a/**", "a/b/c/d", True),
        ("a/**", "a", False),
        ("a/item-*", "a/item-7", True),
        ("a/item-*", "a/thing-7", False),
        ("a.b/*", "axb/c", False),
    ],
)
def test_a_pattern_matches_path_elements(pattern: str, path: str, fits: bool) -> None:
    assert pattern_matches(pattern, path) is fits


def test_both_forms_of_a_path_name_the_same_endpoint() -> None:
    assert rest_path("/services/a/b") == rest_path("/servicesNS/nobody/app/a/b") == "a/b"
    assert rest_path("/en-US/app") is None


def test_splunks_own_endpoints_pass() -> None:
    assert judge(Conf(restmap=HANDLER), "POST", "/servicesNS/-/search/search/jobs").exposed


def test_an_apps_endpoint_needs_an_expose_stanza() -> None:
    verdict = judge(Conf(restmap=HANDLER), "GET", "/services/incident_management/v1/incidents")
    assert not verdict.exposed
    assert "expose" in verdict.reason


def test_an_exposed_endpoint_passes_for_its_methods_only() -> None:
    web = {"expose:api": {"pattern": "incident_management/v1/**", "methods": "GET, POST"}}
    conf = Conf(restmap=HANDLER, web=web)
    path = "/services/incident_management/v1/incidents"
    assert judge(conf, "POST", path).exposed
    assert not judge(conf, "DELETE", path).exposed


def test_methods_default_to_get() -> None:
    conf = Conf(restmap=HANDLER, web={"expose:api": {"pattern": "incident_management/v1/*"}})
    assert judge(conf, "GET", "/services/incident_management/v1/health").exposed
    assert not judge(conf, "POST", "/services/incident_management/v1/health").exposed


def test_members_of_an_admin_stanza_are_an_apps_own_endpoints() -> None:
    restmap = {"admin:my_app": {"match": "/", "members": "my_settings"}}
    assert not judge(Conf(restmap=restmap), "GET", "/services/my_settings").exposed
    assert judge(Conf(restmap=restmap), "GET", "/services/server/info").exposed


def test_a_path_outside_splunkds_rest_api_is_refused() -> None:
    assert not judge(Conf(), "GET", "/debug/refresh").exposed
