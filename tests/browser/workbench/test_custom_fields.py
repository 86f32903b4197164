"""Custom fields on the page: set, needed before a resolve, in the list, filtered by, gone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from .gestures import expect_toast, press, submit
from .site import Site

Enter = Callable[..., Any]
HOSTILE = "<img src=x onerror=alert(1)>"


def field(page: Any, name: str) -> Any:
    return page.locator(f"dialog [name='field.{name}']")


def asked(page: Any, name: str) -> Any:
    """A field of a form, with its label and what is wrong with it."""
    return page.locator(f"dialog .wb-field:has([name='field.{name}'])")


def facts(page: Any) -> Any:
    return page.locator(".wb-facts")


def set_fields(site: Site, incident: str, user: str = "admin", **fields: Any) -> None:
    now = site.incident(incident)
    kept = {name: now[name] for name in ("title", "severity", "team")}
    site.call("PUT", f"/incidents/{incident}", {**kept, "fields": fields, "if_match": "*"}, user)


def test_values_are_set_shown_and_lead_to_all_that_have_the_same(site: Site, enter: Enter) -> None:
    incident = site.open("Fields of one", severity="medium")
    other = site.open("Fields of another", severity="medium")
    set_fields(site, other, region="eu, west=1", customer_impact="some")
    page = enter("rob", f"?incident={incident}&status=all&text=Fields%20of")
    expect(page.locator("[data-move=resolve]")).to_be_visible()
    expect(page.locator("select[name='field.regulatory']")).to_be_visible()
    page.keyboard.press("v")
    # What is asked for on others alone is not asked for here.
    expect(field(page, "region")).to_be_visible()
    assert field(page, "customer_impact").count() == 0
    expect(page.locator("dialog")).to_contain_text("As in the contract.")
    field(page, "region").fill("eu, west=1")
    field(page, "regulatory").select_option("yes")
    field(page, "vendor_case").fill(HOSTILE)
    submit(page)
    expect_toast(page, f"Fields of {incident} saved.")
    expect(facts(page)).to_contain_text(HOSTILE)
    expect(facts(page)).to_contain_text("Region")
    expect(page.locator(".wb-timeline")).to_contain_text("Fields set")
    row = page.locator(".wb-item", has_text="Fields of one")
    expect(row).to_contain_text("Regulatory: yes")
    assert site.kinds(incident).count("fields") == 1

    facts(page).get_by_role("link", name="eu, west=1").click()
    expect(page.locator(".wb-item")).to_have_count(2)
    assert "field.region=eu" in page.url
    page.locator("select[name='field.regulatory']").select_option("yes")
    expect(page.locator(".wb-item")).to_have_count(1)
    assert "field.regulatory=yes" in page.url
    page.reload()
    expect(page.locator(".wb-item")).to_have_count(1)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.locator("select[name='field.region']")).to_have_count(0)
    assert "field." not in page.url


def test_what_is_needed_is_asked_for_by_the_resolve(site: Site, enter: Enter) -> None:
    incident = site.open("Needs to be told", severity="info")
    page = enter("rob", f"?incident={incident}")
    expect(facts(page)).to_contain_text("Customer impact")
    expect(page.get_by_role("button", name="required: set")).to_be_visible()
    press(page, "resolve")
    expect(field(page, "customer_impact")).to_have_attribute("required", "")
    field(page, "customer_impact").select_option("all")
    submit(page)
    expect_toast(page, " resolved.")
    shown = site.incident(incident)
    assert (shown["status"], shown["fields"]) == ("resolved", {"customer_impact": "all"})


def test_who_sets_second_sees_what_the_first_has_set(site: Site, enter: Enter) -> None:
    incident = site.open("Two set fields", severity="medium")
    page = enter("rob", f"?incident={incident}")
    press(page, "fields")
    field(page, "region").fill("eu")
    set_fields(site, incident, "mia", region="us")
    submit(page)
    trouble = page.locator("dialog .wb-trouble")
    expect(trouble).to_contain_text("mia: Fields set – region: us")
    expect(field(page, "region")).to_have_value("eu")
    submit(page)
    expect_toast(page, "saved.")
    assert site.incident(incident)["fields"] == {"region": "eu"}


def test_what_the_same_person_did_elsewhere_meanwhile_stays(site: Site, enter: Enter) -> None:
    incident = site.open("Mine twice", severity="medium")
    page = enter("rob", f"?incident={incident}")
    press(page, "fields")
    field(page, "region").fill("eu")
    site.call("POST", f"/incidents/{incident}/acknowledge", {}, "rob")
    submit(page)
    expect_toast(page, "saved.")
    now = site.incident(incident)
    assert (now["fields"], now["owner"], now["status"]) == ({"region": "eu"}, "rob", "in_progress")


def test_a_value_that_does_not_fit_is_refused_with_what_it_takes(site: Site, enter: Enter) -> None:
    incident = site.open("Does not fit", severity="medium")
    page = enter("rob", f"?incident={incident}")
    press(page, "fields")
    field(page, "seats").fill("many")
    submit(page)
    wrong = asked(page, "seats").locator(".wb-wrong")
    expect(wrong).to_contain_text("it takes a number")
    expect(page.locator("dialog .wb-trouble")).to_be_empty()
    expect(field(page, "seats")).to_be_focused()
    expect(field(page, "seats")).to_have_value("many")
    field(page, "seats").fill("4")
    expect(wrong).to_be_empty()


def test_a_new_incident_asks_for_the_fields_of_its_severity(site: Site, enter: Enter) -> None:
    page = enter("rob", "?text=With%20a%20field")
    page.get_by_role("button", name="New incident").click()
    page.locator("dialog [name=title]").fill("With a field of its own")
    impact = asked(page, "customer_impact")
    kind = field(page, "outage_kind")
    expect(impact).to_be_hidden()
    expect(kind).to_be_hidden()
    expect(field(page, "region")).to_be_hidden()  # too many are defined
    page.locator("dialog summary").click()
    expect(field(page, "region")).to_be_visible()
    page.locator("dialog [name=severity]").select_option("high")
    expect(kind).to_be_visible()
    kind.select_option("full")
    page.locator("dialog [name=severity]").select_option("info")
    expect(kind).to_be_hidden()
    expect(impact).to_contain_text("(required to resolve)")
    # Nobody has to know that yet, and what is not asked for is not set.
    field(page, "vendor_case").fill(HOSTILE)
    field(page, "region").fill(f'C:\\temp, x="1" {"eu " * 200}'[:500])
    field(page, "seats").fill("many")
    field(page, "due_day").fill("2026-12-01")
    page.locator("dialog summary").click()
    submit(page)
    # What is wrong is seen, and what is folded does not hide it.
    wrong = asked(page, "seats").locator(".wb-wrong")
    expect(wrong).to_be_visible()
    expect(wrong).to_have_text("'many' does not fit Seats: it takes a number, such as 42 or 0.5.")
    expect(page.locator("dialog > form > .wb-trouble")).to_be_empty()
    expect(field(page, "seats")).to_be_focused()
    assert site.call("GET", "/incidents?text=With%20a%20field")["incidents"] == []
    field(page, "seats").fill("1.50")
    submit(page)
    expect_toast(page, " opened.")
    (made,) = site.call("GET", "/incidents?text=With%20a%20field")["incidents"]
    assert {**made["fields"], "region": ""} == {
        "vendor_case": HOSTILE, "region": "", "seats": "1.5", "due_day": "2026-12-01",
    }  # fmt: skip
    assert made["fields"]["region"].startswith('C:\\temp, x="1" eu eu')
    expect(facts(page)).to_contain_text(HOSTILE)


def test_a_field_that_is_not_asked_for_any_more_holds_up_no_form(site: Site, enter: Enter) -> None:
    page = enter("rob", "?text=Half%20a%20day")
    page.get_by_role("button", name="New incident").click()
    page.locator("dialog [name=title]").fill("Half a day")
    page.locator("dialog summary").click()
    field(page, "due_day").press("1")
    assert field(page, "due_day").evaluate("input => input.validity.badInput")
    page.locator("dialog summary").click()
    expect(field(page, "due_day")).to_be_hidden()
    submit(page)
    # While it is asked for, the browser leads there, whether it was folded or not.
    expect(field(page, "due_day")).to_be_focused()
    page.locator("dialog [name=severity]").select_option("high")
    expect(field(page, "due_day")).to_be_hidden()
    submit(page)
    expect_toast(page, " opened.")


def test_a_key_is_heard_right_after_a_form_was_closed(site: Site, enter: Enter) -> None:
    page = enter("rob", "?text=Right%20after")
    page.get_by_role("button", name="New incident").click()
    expect(page.locator("dialog [name=title]")).to_be_focused()
    page.evaluate(
        """() => {
            const input = document.querySelector('dialog [name=title]');
            input.closest('dialog').close();
            input.dispatchEvent(new KeyboardEvent('keydown', { key: '?', bubbles: true }));
        }"""
    )
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()


@pytest.mark.parametrize("end", ["\\", "\\\\", "\\,", ", region=x"])
def test_a_value_is_searched_for_however_it_ends(site: Site, enter: Enter, end: str) -> None:
    mark = f"Ends so {len(end)} {ord(end[0])}"
    incident = site.open(mark, severity="medium", fields={"region": f"a{end}", "regulatory": "yes"})
    site.open(mark, severity="medium", fields={"regulatory": "yes"})
    page = enter("rob", f"?incident={incident}&text={mark}")
    facts(page).get_by_role("link", name=f"a{end}", exact=True).click()
    page.locator("select[name='field.regulatory']").select_option("yes")
    expect(page.locator("select[name='field.region']")).to_have_value(f"a{end}")
    expect(page.locator(".wb-item", has_text=mark)).to_have_count(1)
    page.reload()
    expect(page.locator("select[name='field.region']")).to_have_value(f"a{end}")
    expect(page.locator(".wb-item", has_text=mark)).to_have_count(1)


PLACES = """
window.places = [];
const topOf = (selector) => document.querySelector(selector)?.getBoundingClientRect().top;
const look = () => {
    // Within the page: Splunk's own bars above it come when they come.
    const top = topOf('.wb-item') - topOf('.workbench');
    if (!Number.isNaN(top) && top !== window.places.at(-1)) window.places.push(top);
    requestAnimationFrame(look);
};
look();
"""


def test_the_list_stays_where_it_is_while_the_page_loads(site: Site, enter: Enter) -> None:
    fields = {"region": "loads", "regulatory": "yes", "vendor_case": "17"}
    for number in range(3):
        site.open(f"Loads {number}", severity="medium", fields=fields)
    query = "?field.region=loads&field.regulatory=yes&field.vendor_case=17"
    page = enter("rob", query)
    page.add_init_script(PLACES)
    assert len(places(page, site.page + query)) == 1
    # Where they can't be read at first they come later, and are seen to move it.
    refused: list[Any] = []

    def refuse_once(route: Any) -> None:
        first = not refused
        refused.append(route)
        route.abort() if first else route.continue_()

    page.route("**/v1/fields", refuse_once)
    assert len(places(page, site.page + "?text=Loads")) > 1


def places(page: Any, address: str) -> Any:
    """Where the list's first row was until the page has all that it reads."""
    page.goto(address)
    expect(page.locator(".wb-item")).to_have_count(3)
    expect(page.locator("select[name=owner] option", has_text="mia")).to_have_count(1)
    expect(page.locator("select[name='field.regulatory']")).to_be_visible()
    return page.evaluate("new Promise((done) => setTimeout(() => done(window.places), 500))")


def test_one_field_of_several_is_set_at_once(site: Site, enter: Enter) -> None:
    ids = [site.open(f"Many fields {n}", severity="medium") for n in range(2)]
    page = enter("rob", "?text=Many%20fields")
    expect(page.locator(".wb-item")).to_have_count(2)
    page.get_by_label("Select all shown incidents").check()
    page.locator(".wb-bulk summary").click()
    page.locator("[data-bulk=field]").click()
    page.locator("dialog [name=field]").select_option("regulatory")
    page.locator("dialog [name=value]").fill("yes")
    expect(page.locator(".wb-effects")).to_contain_text("Regulatory accepts one of yes, no.")
    submit(page)
    expect_toast(page, "2 incidents changed")
    assert [site.incident(one)["fields"] for one in ids] == [{"regulatory": "yes"}] * 2


def test_a_field_that_is_gone_says_so_and_who_may_only_look_sets_nothing(
    site: Site, enter: Enter
) -> None:
    incident = site.open("Once had a field", severity="info")
    site.write(incident, "fields", "mia", set={"old_name": "kept"}, was={}, text="old name: kept")
    page = enter("vic", f"?incident={incident}")
    expect(facts(page)).to_contain_text("old name (no longer defined)")
    expect(facts(page)).to_contain_text("kept")
    expect(facts(page)).to_contain_text("not set")
    assert page.locator("[data-move=fields]").count() == 0


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_has_room(site: Site, enter: Enter, width: int, theme: str) -> None:
    incident = site.open(f"Has room {width} {theme}", severity="info")
    values = {"region": "eu " * 60, "regulatory": "yes", "seats": "42", "due_day": "2026-12-01"}
    set_fields(site, incident, **values)
    page = enter("rob", f"?incident={incident}&field.regulatory=yes", width)
    expect(facts(page)).to_contain_text("2026-12-01")
    expect(facts(page)).to_contain_text("Customer impact")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    picture(page, f"facts-{width}-{theme}")
    press(page, "fields")
    expect(field(page, "due_day")).to_have_value("2026-12-01")
    picture(page, f"form-{width}-{theme}")
    wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
    assert not wide
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.keyboard.press("c")  # on a telephone the incident lies over the list
    page.locator("dialog [name=title]").fill("Cards are refused")
    page.locator("dialog [name=severity]").select_option("info")
    page.locator("dialog summary").click()
    field(page, "seats").fill("many")
    submit(page)
    expect(page.locator(".wb-wrong", has_text="Seats")).to_be_visible()
    picture(page, f"new-{width}-{theme}")
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")


def picture(page: Any, name: str) -> None:
    """For people to look at, in the folder that INCIDENT_SCREENSHOTS names."""
    folder = os.environ.get("INCIDENT_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"fields-{name}.png")
