from __future__ import annotations

import pytest

from benchmarks import template_corpora
from incident_management.detection.templates.known_templates import KnownTemplates
from incident_management.detection.templates.miner import TemplateMiner


def test_what_was_learned_is_known_afterwards_with_its_id():
    for name, lines in template_corpora.all_systems():
        contents = [content for content, _raw, _truth in lines]
        learned = TemplateMiner().match_all(contents)
        baseline = KnownTemplates([{"template": match.template} for match in learned])

        found = TemplateMiner(known=baseline.templates).match_all(contents)

        new = {match.template for match in found if baseline.is_new(match.template)}
        assert not new, name
        assert {m.template_id for m in found} <= {m.template_id for m in learned}


def test_a_line_of_another_kind_is_new():
    baseline = KnownTemplates([{"template": "took <*> ms"}])
    miner = TemplateMiner(known=baseline.templates)
    assert not baseline.is_new(miner.learn("took 7 ms").template)
    assert baseline.is_new(miner.learn("disk /dev/sda1 is gone").template)


def test_a_known_template_is_not_widened():
    miner = TemplateMiner(known=["connection opened"])
    lines = [f"connection {word}" for word in ["opened", "alpha", "beta", "gamma", "delta", "zeta"]]
    assert miner.learn(lines[0]).template == "connection opened"
    for line in lines:
        miner.learn(line)
    assert miner.learn(lines[0]).template == "connection opened"


def test_rates_are_over_the_time_that_the_baseline_covers():
    rows = [
        {"template": "a", "count": "10", "first_time": "1000000", "last_time": "1003600"},
        {"template": "b", "count": "4", "first_time": "1003600", "last_time": "1007200"},
    ]
    baseline = KnownTemplates(rows)
    assert baseline.usual_per_hour("a") == "5"
    assert baseline.usual_per_hour("b") == "2"
    assert baseline.usual_per_hour("c") == "0"
    assert KnownTemplates([{"template": "a", "count": "3"}]).usual_per_hour("a") == ""


@pytest.mark.parametrize("row", [{"count": "3"}, {"template": " "}, {"template": ["a", "b"]}])
def test_a_lookup_without_templates_is_refused(row):
    with pytest.raises(ValueError, match="no row has the field template"):
        KnownTemplates([row])


def test_an_empty_lookup_knows_nothing():
    assert KnownTemplates([]).is_new("anything")
