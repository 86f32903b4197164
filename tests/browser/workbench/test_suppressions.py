"""Suppressions and change freezes on the workbench: listed, created and ended."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import APP

from .site import Site

Enter = Callable[..., Any]
HOSTILE = "<img src=x onerror=\"window.broken='reason'\">"


def suppressions(page: Any) -> Any:
    return page.get_by_role("article", name="Suppressions")


def test_suppressed_signals_are_listed_with_their_suppression(site: Site, enter: Enter) -> None:
    body = {"kind": "maintenance", "reason": f"Upgrade {HOSTILE}", "entity": "held-db*"}
    made = site.call("POST", "/suppressions", {**body, "seconds": 3600}, user="mia")
    weekly = {"days": ["fri"], "from_time": "22:00", "to_time": "06:00", "starts_at": 9e9}
    site.call("POST", "/suppressions", {**body, **weekly, "entity": "held-other"}, user="mia")
    now = time.time() + 1
    found = [{"entity": f"held-db{n}", "title": f"Held {n}", "last_time": now} for n in range(2)]
    assert site.signals(*found) == ["", ""]

    page = enter("vic", "?text=held-db")
    expect(page.get_by_text("No incident matches these filters.")).to_be_visible()
    button = page.get_by_role("button", name="Suppressions")
    expect(button).to_contain_text("1")
    button.click()
    assert page.url.endswith("?view=held&text=held-db")
    row = page.get_by_role("region", name="In force now").locator("li")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(f"“held-db*”Upgrade {HOSTILE}until ")
    expect(row).to_contain_text(f"by mia · {made['id']}")
    other = page.get_by_role("region", name="Scheduled").locator("li")
    expect(other).to_contain_text("fri from 22:00 to 06:00 (UTC), from ")
    signals = page.get_by_role("region", name="Signals").locator("li")
    expect(signals).to_have_count(2)
    expect(signals.first).to_contain_text(f"Suppressed by maintenance {made['id']}: Upgrade")
    row.get_by_role("button", name="2 signals").click()
    expect(page.get_by_text(f"Signals suppressed by {made['id']}")).to_be_visible()
    assert page.evaluate("window.broken") is None

    # who may not write is not offered what can't work
    expect(row.get_by_role("button", name="End …")).to_have_count(0)
    expect(suppressions(page).get_by_role("button", name="Suppress signals")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(suppressions(page)).to_be_hidden()
    expect(button).to_be_focused()
    page.go_back()
    expect(suppressions(page)).to_be_visible()
    for one in site.call("GET", "/suppressions")["suppressions"]:
        site.call("DELETE", f"/suppressions/{one['id']}")


def test_a_suppression_is_created_and_ended(site: Site, enter: Enter) -> None:
    page = enter("rob", width=390)
    expect(page.locator(".wb-list-pane")).to_be_visible()
    page.keyboard.press("h")
    expect(suppressions(page)).to_contain_text("No suppression is in force.")
    expect(page.get_by_role("heading", name="Suppressions", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("dialog [name=reason]").fill("Reboot")
    page.locator("dialog button[type=submit]").click()
    expect(page.locator("dialog .wb-trouble")).to_contain_text("Name a rule, an entity or a tag")
    page.locator("dialog [name=entity]").fill("begun-*")
    expect(page.locator(".wb-effects")).to_contain_text("about “begun-*” open no incident until")
    page.locator("dialog button[type=submit]").click()
    expect(page.locator(".wb-toast")).to_contain_text("Signals are suppressed now")
    (made,) = site.call("GET", "/suppressions?in_force=true")["suppressions"]
    assert (made["kind"], made["entity"], made["rule"]) == ("maintenance", "begun-*", "*")
    assert 3500 < made["ends_at"] - time.time() <= 3600
    row = page.get_by_role("region", name="In force now").locator("li")
    expect(row).to_contain_text("“begun-*”Reboot")

    wide = "document.querySelector('.workbench').scrollWidth"
    assert page.evaluate(wide) <= 390
    row.get_by_role("button", name="End …").click()
    page.locator("dialog button[type=submit]").click()
    expect(suppressions(page)).to_contain_text("No suppression is in force.")
    assert site.call("GET", "/suppressions?in_force=true")["suppressions"] == []
    page.get_by_role("button", name="List").click()
    expect(page.locator(".wb-list-pane")).to_be_visible()


def test_signals_are_suppressed_on_a_patch_night_each_week(site: Site, enter: Enter) -> None:
    page = enter("rob", "?view=held")
    page.get_by_role("button", name="Suppress signals …").click()
    fields = {"entity": "patched-*", "from": "2035-03-24T12:00", "until": "2035-04-08T00:00"}
    fields |= {"from_time": "22:00", "to_time": "06:00", "reason": "Patches"}
    for name, value in {**fields, "time_zone": "Europe/Berlin"}.items():
        page.locator(f"dialog [name={name}]").fill(value)
    effects = page.locator("dialog .wb-effects")
    expect(effects).to_contain_text("Enter the weekdays that these times of day are for.")
    page.locator("dialog [name=days]").fill("Friday")
    expect(effects).to_contain_text("on fri from 22:00 to 06:00 (Europe/Berlin)")
    page.locator("dialog button[type=submit]").click()
    other = page.get_by_role("region", name="Scheduled").locator("li")
    expect(other).to_contain_text("“patched-*”Patches")
    (made,) = site.call("GET", "/suppressions?in_force=false")["suppressions"]
    # Winter's clocks at first, summer's at the end.
    begins = datetime(2035, 3, 24, 11, tzinfo=timezone.utc).timestamp()
    ends = datetime(2035, 4, 7, 22, tzinfo=timezone.utc).timestamp()
    assert (made["kind"], made["starts_at"], made["ends_at"]) == ("maintenance", begins, ends)
    times = [made[name] for name in ("days", "from_time", "to_time", "time_zone")]
    assert times == [["fri"], "22:00", "06:00", "Europe/Berlin"]
    site.call("DELETE", f"/suppressions/{made['id']}")


def test_an_incident_links_to_its_dashboard(site: Site, enter: Enter) -> None:
    incident = site.open("Read by all")
    page = enter("vic", f"?incident={incident}")
    page.get_by_role("link", name="Dashboard", exact=True).click()
    address = f"{site.web}/en-US/app/{APP}/incident?form.incident={incident}"
    expect(page).to_have_url(address)


def test_the_report_of_an_incident_is_downloaded(site: Site, enter: Enter) -> None:
    incident = site.open("Written up afterwards")
    page = enter("vic", f"?incident={incident}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Report").click()
    assert download.value.suggested_filename == f"{incident}.md"
    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith(f"# {incident}: Written up afterwards")
    assert "Time to acknowledge (MTTA)" in text


def test_a_change_freeze_is_created_and_ended(site: Site, enter: Enter) -> None:
    page = enter("mia", "?view=held")
    part = page.get_by_role("region", name="Change freezes")
    expect(part).to_contain_text("No change freezes.")
    part.get_by_role("button", name="Freeze changes").click()
    effects = page.locator("dialog .wb-effects")
    expect(effects).to_contain_text("No fix is executed until ")
    page.locator("dialog [name=service]").fill("shop-*")
    page.locator("dialog [name=days]").fill("Sat, Sun")
    page.locator("dialog [name=seconds]").select_option("")
    page.locator("dialog [name=reason]").fill(f"Nobody is in {HOSTILE}")
    expect(effects).to_contain_text("No fix of “shop-*” is executed")
    page.locator("dialog button[type=submit]").click()
    expect(page.locator(".wb-toast")).to_contain_text("“shop-*” is frozen")
    row = part.locator("li")
    expect(row).to_contain_text("sat, sun, all day (")
    assert page.evaluate("window.broken") is None
    made = frozen(site, "shop-*")
    assert (made["days"], made["created_by"]) == (["sat", "sun"], "mia")

    viewer = enter("vic", "?view=held")
    shown = viewer.get_by_role("region", name="Change freezes")
    expect(shown.locator("li")).to_have_count(1)
    expect(shown.get_by_role("button")).to_have_count(0)

    row.get_by_role("button", name="End …").click()
    page.locator("dialog button[type=submit]").click()
    expect(part).to_contain_text("No change freezes.")
    assert frozen(site, "shop-*")["ended_by"] == "mia"


def test_a_freeze_uses_the_chosen_time_zone(site: Site, enter: Enter) -> None:
    page = enter("mia", "?view=held")
    part = page.get_by_role("region", name="Change freezes")
    part.get_by_role("button", name="Freeze changes").click()
    fields = {
        "service": "till-*",
        "from": "2035-03-24T22:30",
        "until": "2035-04-02T06:00",
        "days": "Friday, sat",
        "from_time": "22:00",
        "to_time": "06:30",
        "time_zone": "Nowhere/Land",
        "reason": "Easter",
    }
    for name, value in fields.items():
        page.locator(f"dialog [name={name}]").fill(value)
    submit = page.locator("dialog button[type=submit]")
    submit.click()
    expect(page.locator("dialog .wb-trouble")).to_contain_text("“Nowhere/Land” is not a time zone")
    page.locator("dialog [name=time_zone]").fill("Europe/Berlin")
    effects = page.locator("dialog .wb-effects")
    expect(effects).to_contain_text("on fri, sat from 22:00 to 06:30 (Europe/Berlin)")
    submit.click()
    expect(page.locator(".wb-toast")).to_contain_text("“till-*” is frozen")
    made = frozen(site, "till-*")
    # Winter's clocks at first, summer's at the end.
    begins = datetime(2035, 3, 24, 21, 30, tzinfo=timezone.utc).timestamp()
    ends = datetime(2035, 4, 2, 4, 0, tzinfo=timezone.utc).timestamp()
    assert (made["starts_at"], made["ends_at"]) == (begins, ends)
    times = [made[name] for name in ("days", "from_time", "to_time", "time_zone")]
    assert times == [["fri", "sat"], "22:00", "06:30", "Europe/Berlin"]
    site.call("DELETE", f"/freezes/{made['id']}")


def test_the_freeze_form_shows_what_the_api_would_refuse(site: Site, enter: Enter) -> None:
    page = enter("mia", "?view=held")
    part = page.get_by_role("region", name="Change freezes")
    part.get_by_role("button", name="Freeze changes").click()
    effects = page.locator("dialog .wb-effects")
    page.locator("dialog [name=seconds]").select_option("")
    expect(effects).to_contain_text("A change freeze needs an end or weekdays")
    expect(effects).not_to_contain_text("No fix ")
    page.locator("dialog [name=days]").fill("fri, someday")
    expect(effects).to_contain_text("“someday” is not a weekday")
    page.locator("dialog [name=days]").fill("fri, sa")
    expect(effects).to_contain_text("“sa” is not a weekday")
    page.locator("dialog [name=days]").fill("fr")
    expect(effects).to_contain_text("“fr” is not a weekday")
    page.locator("dialog [name=days]").fill("fri")
    expect(effects).to_contain_text("No fix is executed until it is ended, on fri, all day")
    # From a Saturday's noon to its evening there is no Friday.
    page.locator("dialog [name=from]").fill("2035-03-24T12:00")
    page.locator("dialog [name=until]").fill("2035-03-24T18:00")
    expect(effects).to_contain_text("The end is before the first of these weekdays")
    page.locator("dialog [name=reason]").fill("Nobody is in")
    page.locator("dialog button[type=submit]").click()
    expect(page.locator("dialog .wb-trouble")).to_contain_text("The end is before")


def test_a_weekly_freeze_is_shown_in_the_users_time_zone(site: Site, enter: Enter) -> None:
    every = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    wanted = {"days": every, "from_time": "00:00", "to_time": "00:00", "time_zone": "Asia/Kolkata"}
    made = site.call("POST", "/freezes", {"reason": "Audit", "service": "vault", **wanted})
    row = enter("mia", "?view=held").locator(".wb-suppression", has_text="Audit")
    # India's midnight is half past six in the evening before by the clocks of UTC.
    expect(row).to_contain_text(re.compile(r"\(Asia/Kolkata\), now until .*18:30 \(UTC\)"))
    site.call("DELETE", f"/freezes/{made['id']}")


def test_an_unknown_time_zone_hides_nothing(site: Site, enter: Enter) -> None:
    wanted = {"reason": "Old clocks", "days": ["mon"], "time_zone": "posix/Europe/Berlin"}
    made = site.call("POST", "/freezes", {**wanted, "service": "mill"})
    row = enter("mia", "?view=held").locator(".wb-suppression", has_text="Old clocks")
    expect(row).to_contain_text("mon, all day (posix/Europe/Berlin) · by admin")
    site.call("DELETE", f"/freezes/{made['id']}")


def frozen(site: Site, service: str) -> Any:
    """The freeze of a service, among those that other tests have ended."""
    freezes = site.call("GET", "/freezes")["freezes"]
    (found,) = (one for one in freezes if one["service"] == service)
    return found


def test_the_form_suggests_entities_of_the_list(site: Site, enter: Enter) -> None:
    site.signals({"rule": "Offered Errors", "entity": "offered-1", "title": "Errors of offered"})
    page = enter("rob", "?view=held&text=offered")
    expect(page.locator(".wb-item")).to_have_count(1)
    page.get_by_role("button", name="Suppress signals …").click()
    for name in ("Offered Errors", "offered-1"):
        expect(page.locator(f'dialog datalist option[value="{name}"]')).to_have_count(1)
