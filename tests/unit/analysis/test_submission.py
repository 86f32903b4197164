from __future__ import annotations

import copy
from typing import Any

import pytest

from incident_management.analysis.submission import MAX_CITATIONS, read
from incident_management.incidents.errors import Invalid

GOOD: dict[str, Any] = {
    "sid": "1.2",
    "onset": 1.0,
    "evidence": [{"finder": "f", "looked_for": "x", "found": [], "not_found": []}],
    "hypotheses": [{"id": "H1", "kind": "change", "score": 0.5, "citations": ["C1", "C9"]}],
    "citations": [{"id": "C1", "kind": "event", "quote": "q"}],
}


def test_a_good_body_is_read_and_unknown_citations_are_dropped():
    submission = read(GOOD)
    assert submission.hypotheses[0]["citations"] == ["C1"]
    assert submission.hypotheses[0]["source"] == "ranking"


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("sid",), "", "'sid'"),
        (("sid",), 5, "'sid'"),
        (("onset",), "soon", "'onset'"),
        (("onset",), True, "'onset'"),
        (("evidence",), {}, "'evidence' must be a list"),
        (("hypotheses",), ["x"], "'hypotheses' must be a list of objects"),
        (("citations",), [{"kind": "rumour"}], "kind must be"),
        (("citations",), [{"kind": "event"}], "id of its own"),
        (("citations",), [{"kind": "event", "id": "C1", "time": "x"}], "'time'"),
        (("citations",), [{"kind": "event", "id": "C1"}] * 2, "id of its own"),
        (("citations",), [{"kind": "event", "id": "C"}] * (MAX_CITATIONS + 1), "at most"),
        (("hypotheses", 0, "kind"), "model", "kind change or condition"),
        (("hypotheses", 0, "score"), None, "'score'"),
        (("hypotheses", 0, "cause"), "x" * 3000, "'cause'"),
        (("hypotheses", 0, "for"), "because", "'for'"),
    ],
)
def test_a_bad_body_is_refused_with_the_name_of_the_field(path, value, says):
    body = copy.deepcopy(GOOD)
    place: Any = body
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(Invalid, match=says):
        read(body)


def test_a_score_is_held_within_its_bounds():
    body = copy.deepcopy(GOOD)
    body["hypotheses"][0]["score"] = 99
    assert read(body).hypotheses[0]["score"] == 1.0
