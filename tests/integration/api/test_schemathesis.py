"""Schemathesis makes requests out of the served OpenAPI document and judges the answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from incident_management.api.router import Route, all_routes
from tests.integration.api.conftest import Client

# More by hand: SCHEMATHESIS_EXAMPLES=200 pytest tests/integration/api
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "6"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def api_schema(client: Client) -> schemathesis.BaseSchema:
    reply = client("GET", "/openapi.json")
    assert reply.status_code == 200
    client.open()
    document = reply.json()
    # Or half of the requests would be without a session, which tests splunkd and not the API.
    del document["security"]
    return schemathesis.openapi.from_dict(document)


def cases() -> Iterator[object]:
    """Every route with good requests and, where it takes anything at all, with bad ones."""
    for route in all_routes():
        name = f"{route.method} {route.path}"
        yield pytest.param(route, GenerationMode.POSITIVE, id=f"{name} good")
        if route.method != "GET" or route.query:
            yield pytest.param(route, GenerationMode.NEGATIVE, id=f"{name} bad")


@pytest.mark.parametrize(("route", "mode"), list(cases()))
def test_every_answer_is_documented_and_none_is_a_server_error(
    route: Route, mode: GenerationMode, api_schema: schemathesis.BaseSchema, client: Client
) -> None:
    operation = api_schema[route.path][route.method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    def judge(case: schemathesis.Case) -> None:
        headers = {"Authorization": f"Splunk {client.token}"}
        # The stand-in's web framework knows no path with a line break; it never comes to the API.
        path = "".join(str(value) for value in (case.path_parameters or {}).values())
        assume("\n" not in unquote(path))
        reply = case.call(base_url=client.base, headers=headers, timeout=60)
        case.validate_response(reply, checks=CHECKS)
        assert reply.status_code not in (401, 403), "the caller was not logged in"

    judge()
