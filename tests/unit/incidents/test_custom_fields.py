"""Custom fields: their definitions, their values, and an incident's folded values."""

import itertools
from functools import partial

import pytest

from incident_management.incidents import editing, timeline
from incident_management.incidents.act import Act
from incident_management.incidents.errors import Invalid
from incident_management.incidents.fold import fold
from incident_management.incidents.intake.alert import Alert
from incident_management.incidents.intake.findings import signals_from
from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.intake.results import findings
from incident_management.incidents.joining import merging
from incident_management.incidents.model import Entry, Head
from incident_management.incidents.report import to_markdown
from incident_management.incidents.routing import Routing
from incident_management.incidents.story import Story
from tests.fakes import FakeStores, ManualClock, Unavailable
from tests.fakes.turns import orders
from tests.unit.incidents.builders import START, signal

STANZAS = {
    "team:payments": {},
    "team:emea": {},
    "rule:europe": {"field": "region=eu*", "team": "emea", "order": "1"},
    "rule:default": {"team": "payments"},
    "field:customer_impact": {
        "label": "Customer impact",
        "kind": "choice",
        "options": "none, some, all",
        "severity": "critical, high",
        "required": "resolve",
        "shown": "list, messages",
        "order": "1",
    },
    "field:region": {"label": "Region"},
    "field:regulatory": {"kind": "yes_no"},
    "field:seats": {"kind": "number"},
    "field:due_day": {"kind": "date"},
    "field:contact": {"kind": "person"},
}
ROUTING = Routing.from_stanzas(STANZAS)
FIELDS = ROUTING.fields


def test_they_are_read_in_their_order_with_a_name_for_people():
    assert not ROUTING.problems
    assert [one.name for one in FIELDS.all][:2] == ["customer_impact", "contact"]
    assert {one.name: one.label for one in FIELDS.all}["due_day"] == "Due day"


@pytest.mark.parametrize(
    ("name", "values", "wrong"),
    [
        ("Region", {}, "lowercase letters"),
        ("a-b", {}, "lowercase letters"),
        ("region", {"kind": "colour"}, "kind is 'colour'"),
        ("region", {"kind": "choice"}, "options needs 1 to 50 values"),
        ("region", {"kind": "choice", "options": "eu, EU"}, "differ only in case"),
        ("region", {"options": "eu"}, "for the kind choice"),
        ("region", {"shown": "everywhere"}, "the places are list, messages, stakeholders"),
        ("region", {"required": "always"}, "required is 'always'"),
        ("region", {"label": "x" * 61}, "label has 61 characters"),
        ("region", {"labels": "x"}, "no setting 'labels'"),
        ("region", {"order": "first"}, "order is 'first'"),
    ],
)
def test_a_malformed_one_is_named_and_the_others_work(name, values, wrong):
    routing = Routing.from_stanzas({f"field:{name}": values, "field:other": {}})
    (problem,) = routing.problems
    assert f"[field:{name}]" in problem
    assert wrong in problem
    assert [one.name for one in routing.fields.all] == ["other"]


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("customer_impact", "ALL", "all"),
        ("customer_impact", None, ""),
        ("region", "  eu \n west ", "eu west"),
        ("region", "a\u202eb", "a\ufffdb"),
        ("region", 7, "7"),
        ("regulatory", True, "yes"),
        ("regulatory", "No", "no"),
        ("seats", "0042.50", "42.5"),
        ("seats", 1000, "1000"),
        ("seats", "-0", "0"),
        ("due_day", "2026-12-01", "2026-12-01"),
        ("contact", "Mia", "mia"),
    ],
)
def test_a_value_has_one_spelling(name, given, kept):
    assert FIELDS.checked({name: given}) == {name: kept}


@pytest.mark.parametrize(
    ("name", "given", "takes"),
    [
        ("customer_impact", "huge", "one of none, some, all"),
        ("region", "x" * 501, "at most 500 characters"),
        ("region", ["eu"], "one value"),
        ("region", {"$gt": ""}, "one value"),
        ("regulatory", "maybe", "one of yes, no"),
        *(("seats", one, "a number") for one in ("many", "1e400", "NaN", "1_000", "٣", 1e22)),
        *(("due_day", one, "a day") for one in ("2026-02-30", "20261201", "tomorrow")),
        ("nothing", "x", "the fields are customer_impact"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_the_accepted_ones(name, given, takes):
    with pytest.raises(Invalid, match=takes):
        FIELDS.checked({name: given})


def test_what_is_no_longer_defined_can_be_taken_away_only():
    assert FIELDS.checked({"old": None}) == {"old": ""}


def entries_of(*told):
    """Return consecutive entries from pairs of kind and data."""
    made: list[Entry] = []
    for number, (kind, data, once) in enumerate(told):
        head = Head(number, (made[-1].key,) if made else ())
        made.append(Entry.create("INC-1", kind, data, "ann", START + number, head, once))
    return made


TOLD = entries_of(
    ("opened", {"title": "x", "fields": {"region": "eu"}}, "opened"),
    ("signal", {"fields": {"region": "us", "seats": "5"}}, ""),
    ("fields", {"set": {"region": "apac", "regulatory": "yes"}, "was": {"region": "eu"}}, "a"),
    ("fields", {"set": {"region": "apac"}, "was": {}}, "a"),
    ("fields", {"set": {"seats": ""}, "was": {"seats": "5"}}, ""),
    ("signal", {"fields": {"seats": "7", "region": "us", "contact": "mia"}}, ""),
)


def test_a_detections_first_value_stands_unless_a_person_sets_another_or_takes_it_away():
    assert fold(TOLD[:2]).fields == {"region": "eu", "seats": "5"}
    assert fold(TOLD).fields == {"region": "apac", "regulatory": "yes", "contact": "mia"}
    document = fold(TOLD).to_document()
    assert document["field_values"] == ["contact=mia", "region=apac", "regulatory=yes"]


@pytest.mark.one_python
def test_entries_that_arrive_in_any_order_give_the_same_values():
    wanted = fold(TOLD).fields
    for order in itertools.permutations(TOLD):
        assert fold(order).fields == wanted


def test_a_story_that_is_gone_on_with_gives_what_the_whole_gives():
    story = Story()
    for number, entry in enumerate(TOLD, 1):
        story.add(entry)
        assert story.incident and story.incident.fields == fold(TOLD[:number]).fields


@pytest.fixture
def site():
    return FakeStores(), ManualClock(START + 100)


def by(site, actor, once=""):
    stores, clock = site
    return Act(stores, clock, actor, once)


def ingest(site, *found):
    stores, clock = site
    outcomes = Ingest(stores, clock, ROUTING).ingest(list(found))
    return timeline.current(stores, outcomes[0].incident_id)


def test_a_search_brings_values_by_its_columns_and_rules_match_them(site):
    row = {"entity": "pay", "field_region": "eu-west", "field_seats": "x", "field_nothing": "1"}
    alert = Alert("Errors", "app", "ann", "sid", group=False)
    (made,) = signals_from(findings([row], alert, now=START), START, alert.common())
    incident = ingest(site, made)
    assert incident.fields == {"region": "eu-west"}
    assert incident.team == "emea"
    # Whoever is told of the incident reads that: a field need not be shown to them.
    assert incident.description == "Seats is not set: it takes a number, such as 42 or 0.5."
    # Delivered again it changes nothing, and so it is with another value.
    assert ingest(site, made).entries == incident.entries
    later = signal("pay", 1, rule="Errors", app="app", fields={"region": "us"})
    assert ingest(site, later).fields == {"region": "eu-west"}


def test_hostile_names_and_values_of_a_finding_reach_no_document(site):
    fields = {"$where": "1", "a.b": "x", "region": "eu<script>", "regulatory": {"$gt": 1}}
    incident = ingest(site, signal("pay", fields={**fields, "seats": "9" * 600}))
    assert incident.fields == {"region": "eu<script>"}
    (stored,) = site[0].signals.all()
    assert stored["fields"] == {"region": "eu<script>"}


def test_a_person_sets_values_once_with_what_was_before(site):
    stores = site[0]
    one = ingest(site, signal("pay", fields={"region": "eu"})).id
    for _attempt in range(2):
        after = editing.edit(by(site, "mia", "key-1"), one, {"fields": {"region": "us"}})
    (entry,) = (entry for entry in timeline.read(stores, one) if entry.kind == "fields")
    assert (entry.actor, entry.data["was"]) == ("mia", {"region": "eu"})
    assert entry.data["text"] == "region: us (was eu)"
    assert after.fields == {"region": "us"}
    assert "region: us (was eu)" in to_markdown(timeline.read(stores, one))
    assert "| region | us |" in to_markdown(timeline.read(stores, one))


def test_a_kill_at_any_call_leaves_all_or_nothing_and_a_repeat_finishes(site):
    stores = site[0]
    one = ingest(site, signal("pay")).id
    for calls in itertools.count():
        region = f"r{calls}"
        for collection in (stores.timeline, stores.incidents):
            collection.fail_after(calls)
        try:
            editing.edit(by(site, "mia", region), one, {"fields": {"region": region}})
        except Unavailable:
            broken = True
        else:
            broken = False
        for collection in (stores.timeline, stores.incidents):
            collection.heal()
        if not broken:
            break
        editing.edit(by(site, "mia", region), one, {"fields": {"region": region}})
        assert stores.incidents.get(one)["fields"] == {"region": region}
        assert [e.once for e in timeline.read(stores, one)].count(f"{region}:fields") == 1
    assert calls > 2


@pytest.mark.one_python
def test_two_people_and_a_finding_at_once_end_in_what_the_entries_say():
    def begun():
        site = FakeStores(), ManualClock(START + 100)
        one = ingest(site, signal("pay", fields={"seats": "1"})).id
        ann = partial(editing.edit, by(site, "ann", "a"), one, {"fields": {"region": "eu"}})
        bob = partial(editing.edit, by(site, "bob", "b"), one, {"fields": {"region": "us"}})
        again = signal("pay", 1, fields={"seats": "2", "contact": "mia"})
        return site[0], [ann, bob, partial(ingest, site, again)]

    for stores, order in orders(begun, 1, ("timeline", "claims", "signals")):
        (document,) = stores.incidents.all()
        entries = timeline.read(stores, document["id"])
        assert sum(entry.kind == "fields" for entry in entries) == 2, order
        assert document["fields"] == fold(entries).fields, order
        assert document["fields"]["seats"] == "1" and document["fields"]["contact"] == "mia", order
        assert document["fields"]["region"] in ("eu", "us"), order


def test_a_merge_fills_what_the_other_lacks_and_a_split_takes_its_signals_values(site):
    stores = site[0]
    a = ingest(site, signal("a", fields={"region": "eu"})).id
    b = ingest(site, signal("b", fields={"region": "us", "seats": "4"})).id
    merging.merge(by(site, "mia"), b, a)
    assert timeline.current(stores, a).fields == {"region": "eu", "seats": "4"}
    ingest(site, signal("a", 1, fields={"region": "eu"}))
    found = next(one for one in stores.signals.all() if one["entity"] == "b")
    made = merging.split(by(site, "mia"), ROUTING, a, [found["_key"]])
    assert made.fields == {"region": "us", "seats": "4"}


def test_what_is_needed_is_needed_where_it_is_asked_for():
    with pytest.raises(Invalid, match=r"Set Customer impact \(customer_impact\)"):
        FIELDS.check_resolvable("high", "payments", {})
    FIELDS.check_resolvable("high", "payments", {"customer_impact": "none"})
    FIELDS.check_resolvable("low", "payments", {})
