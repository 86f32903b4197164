"""What our mails look like, and to whom they go."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from incident_management.notify.message import build
from tests.contract.services.messages import (
    ALL,
    INCIDENT,
    entry,
    hostile,
    message,
    notification,
    update,
)

from .sending import TO, sender, told


@pytest.mark.parametrize("name", ALL)
def test_every_message_is_taken_by_a_strict_server(server, name):
    mail = told(server, ALL[name])
    assert server.mails[0].sender == "splunk@example.com"
    assert server.mails[0].recipients == list(TO)
    # Stakeholders need not know each other.
    shown = [] if ALL[name].stakeholders else list(TO)
    assert [one.addr_spec for one in mail["To"].addresses] == shown
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_body(("plain",)).get_content()
    assert ALL[name].title in text and ALL[name].headline in text


def test_both_texts_say_what_where_since_when_how_many_and_whose(server):
    mail = told(server, message(analysed=True))
    for kind in ("plain", "html"):
        text = mail.get_body((kind,)).get_content()
        for part in ("HIGH", "Incident opened", "High Error Rate: checkout", "1,234", "payments"):
            assert part in text
        assert "2026-02-02 02:35:00 UTC" in text and "QueuePool limit of size 1" in text
        assert "https://splunk.example:8000/app/incident_management/workbench" in text


def test_a_stack_trace_keeps_its_lines_and_indents(server):
    """Each once: in a <pre> they were double, and Outlook breaks no line of one."""
    quote = "Traceback:\n   File <a>\n\tat b\nError: c"
    html = told(server, replace(message(), quote=quote)).get_body(("html",)).get_content()
    assert "<pre" not in html
    indented = "&nbsp;&nbsp; File &lt;a&gt;<br>\n&nbsp;&nbsp;&nbsp;&nbsp;at b"
    shown = f">Traceback:<br>\n{indented}<br>\nError: c</p>"
    assert shown in html.replace("\r\n", "\n")


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("event", ["opened", "note"])
def test_what_an_attacker_wrote_adds_no_header_recipient_or_markup(server, event):
    injected = "x\r\nBcc: all@evil.example\r\n\r\n<script>alert(1)</script>\u2028\x00\x85"
    one = replace(hostile(event), title=injected, headline=injected, severity=injected)
    one = replace(one, incident_id=injected, event=injected, text=".\r\n.\n<b>x</b>")
    mail = told(server, one)
    assert mail["Bcc"] is None and server.mails[0].recipients == list(TO)
    tags = _Tags()
    tags.feed(mail.get_body(("html",)).get_content())
    assert not {"script", "img"} & {tag for tag, _ in tags.found}
    links = [str(attributes["href"]) for tag, attributes in tags.found if tag == "a"]
    assert links and all(link.startswith(f"{one.url}") for link in links)
    assert b"hunter2hunter2" not in server.mails[0].content


@pytest.mark.parametrize("character", ["x", "错", "🔥", "\u200f"])
def test_a_long_message_arrives_whole_in_every_script(server, character):
    text, name = character * 6000, character * 80
    incident = {**INCIDENT, "title": text, "entities": [name] * 9, "team": name, "owner": name}
    one = build(incident, entry("note", text=f"{text}\n.\n..\n{text}"), None, "https://s.example")
    mail = told(server, one)
    assert one.text.splitlines()[0] in mail.get_body(("plain",)).get_content()
    assert len(server.mails[0].content) < 100_000


@pytest.mark.parametrize("domain", ["example.com", f"{'a' * 60}.{'b' * 60}.example"])
def test_an_incidents_mails_are_one_conversation(server, domain):
    """Gmail wants the same subject, but for Re:, and an id that both name; Outlook the id."""
    own = sender(server, sender=f"splunk@{domain}")
    for key, kind in (("a" * 40, "opened"), ("b" * 40, "note"), ("a" * 40, "opened")):
        own.send(replace(notification(message(kind)), id=key))
    first, second, again = (one.parsed for one in server.mails)
    assert second["Subject"] == f"Re: {first['Subject']}"
    thread = f"<INC-20260202-0A1B2C@{domain}>"
    assert {str(one["References"]) for one in (first, second)} == {thread}
    assert {str(one["In-Reply-To"]) for one in (first, second)} == {thread}
    assert first["Message-ID"] == again["Message-ID"] != second["Message-ID"]
    assert f"Message-ID: {first['Message-ID']}\r\n".encode() in server.mails[0].content
    assert f"References: {thread}\r\n".encode() in server.mails[0].content


def test_a_teams_own_addresses_take_the_place_of_the_settings(server):
    told(server, message(), target="a@payments.example,b@payments.example")
    assert server.mails[0].recipients == ["a@payments.example", "b@payments.example"]


@pytest.mark.parametrize(
    ("event", "recipients"),
    [
        ("escalation", [*TO, "mia@example.com"]),
        ("assigned", []),
        ("follow_up_overdue", []),
        ("handover", []),
    ],
)
def test_the_owner_is_notified_of_what_calls_them_and_alone_of_what_they_were_given(
    server, event, recipients
):
    told(server, replace(message(event), mention="mia@example.com"))
    assert server.mails[0].recipients == (recipients or ["mia@example.com"])


def test_a_mail_names_no_recipient_and_no_inside(server):
    mail = told(server, update(next_by=1_770_001_800.0), target="a@one.example,b@two.example")
    assert server.mails[0].recipients == ["a@one.example", "b@two.example"]
    assert mail["To"] == "undisclosed-recipients:;"
    assert mail["Subject"] == "[INC-20260202-0A1B2C] Problem with checkout"
    for kind in ("plain", "html"):
        text = mail.get_body((kind,)).get_content()
        assert "Card payments fail for some." in text
        assert "Next update by" in text and "2026-02-02 03:10:00 UTC" in text
        for inside in ("mia", "payments ·", "High Error Rate", "CHG-1042", "http"):
            assert inside not in text
    assert b"a@one.example" not in server.mails[0].content
