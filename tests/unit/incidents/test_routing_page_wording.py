"""A refused change is described with the labels of the page."""

import pytest

from incident_management.incidents.routing.page_wording import with_field_labels

LABELS = {"calendar": "Working hours", "url": "Address"}


@pytest.mark.parametrize(
    ("stanza", "sentence", "said"),
    [
        ("team:a", "calendar is 'x'; there is none.", "Working hours is 'x'; there is none."),
        ("escalation:a", "step.1 names nobody.", "Step 1 names nobody."),
        ("escalation:a", "step.12 names nobody.", "Step 12 names nobody."),
        ("sla:a", "sets no target.", "It sets no target."),
        ("channel:a", "url is empty.", "Address is empty."),
        ("general", "group_window is 'soon'.", "group_window is 'soon'."),
    ],
)
def test_the_stanza_that_is_changed_is_not_named(stanza, sentence, said):
    assert with_field_labels(f"incident_routing.conf [{stanza}] {sentence}", stanza, LABELS) == said


def test_another_stanza_is_named():
    sentence = "incident_routing.conf [team:b] calendar is 'x'."
    assert with_field_labels(sentence, "calendar:x", LABELS) == sentence
