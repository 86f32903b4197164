"""The check of requests says what JSON Schema says, judged by an independent validator."""

import re
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident_management.api import schema
from incident_management.api.openapi import document
from incident_management.api.router import all_routes
from incident_management.api.schema import check, convert
from incident_management.incidents.errors import Invalid

SAMPLE = schema.obj(
    {
        "name": schema.text(5, 1),
        "kind": schema.one_of(["a", "b"]),
        "size": schema.whole(0, 9),
        "share": schema.nullable(schema.number(0.5, 2)),
        "on": schema.flag(),
        "parts": schema.listed(schema.obj({"x": schema.number()}, ("x",)), 2),
        "more": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    ("name",),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 11) | st.floats(-1, 3) | st.sampled_from("ab"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "kind", "size", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)
BODIES = st.dictionaries(
    st.sampled_from([*SAMPLE["properties"], "odd"]), VALUES | st.text(max_size=7), max_size=5
)


def accepted(body, described):
    try:
        check(body, described)
    except Invalid:
        return False
    return True


# Making nested bodies takes long on a busy machine, which says nothing about the code.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(BODIES)
def test_it_agrees_with_a_validator_of_json_schema(body):
    assert accepted(body, SAMPLE) == jsonschema.Draft202012Validator(SAMPLE).is_valid(body)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(BODIES, max_size=3))
def test_so_it_does_for_the_items_of_a_list(bodies):
    """Items of a list have a quick way in."""
    for described in (schema.listed(SAMPLE), schema.listed(schema.listed(SAMPLE))):
        more = [*bodies, {"name": "x"}]
        for body in (bodies, [bodies], more, [more]):
            valid = jsonschema.Draft202012Validator(described).is_valid(body)
            assert accepted(body, described) == valid


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "'name' is missing."),
        ({"name": ""}, "'name' is empty."),
        ({"name": "x" * 6}, "'name' has 6 characters; the limit is 5."),
        ({"name": 5}, "'name' must be a string."),
        ({"name": "x", "kind": "c"}, "'kind' is 'c'; use a, b."),
        ({"name": "x", "size": 10}, "'size' is 10; give a number from 0 to 9."),
        ({"name": "x", "parts": [{"x": 1}, {}]}, "'parts[1].x' is missing."),
        (
            {"name": "x", "odd": 1},
            "Unknown field 'odd'. Known fields: name, kind, size, share, on, parts, more.",
        ),
    ],
)
def test_what_is_wrong_is_reported_in_one_sentence(body, sentence):
    with pytest.raises(Invalid) as caught:
        check(body, SAMPLE)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("raw", ["1_0", " 1", "nan", "inf", "1e999", "x", ""])
def test_a_number_of_a_query_is_json_s_kind(raw):
    with pytest.raises(Invalid):
        convert(raw, schema.number(), "since")


@pytest.mark.parametrize("raw", ["--5", "-", "5-", "٥", "1" * 20, "1.0", ""])
def test_what_is_no_whole_number_in_a_query_is_refused(raw):
    with pytest.raises(Invalid, match="give a whole number from 0 to 9"):
        convert(raw, schema.whole(0, 9), "limit")
    assert convert("5", schema.whole(0, 9), "limit") == 5


@pytest.mark.parametrize("one", all_routes(), ids=lambda one: f"{one.method} {one.path}")
def test_every_route_is_in_the_manual(one):
    """By its path, or by the end of it where one row has several."""
    manual = (Path(__file__).parents[3] / "docs" / "API.md").read_text(encoding="utf-8")
    told = re.escape(one.path)
    if "/webhooks/" in one.path:
        told = rf"`{one.path.rpartition('/')[2]}(\?|`)"
    end = one.path.rpartition("/")[2]
    row = rf"{re.escape(one.path[: -len(end)])}[^|]*`{re.escape(end)}`"
    assert re.search(rf"{told}|{row}", manual), f"docs/API.md lacks {one.method} {one.path}."


def test_every_route_is_described_whole():
    described = document()
    for route in all_routes():
        operation = described["paths"][route.path][route.method.lower()]
        assert operation["summary"], route.path
        assert operation["x-capability"] == route.capability
        assert any(status.startswith("2") for status in operation["responses"]), route.path
        for schemas in [route.body, *route.answers.values()]:
            if isinstance(schemas, dict):
                full = {**schemas, "components": described["components"]}
                jsonschema.Draft202012Validator.check_schema(full)
    names = [op["operationId"] for path in described["paths"].values() for op in path.values()]
    assert len(names) == len(set(names))
