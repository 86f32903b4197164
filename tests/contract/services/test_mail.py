"""Our e-mails as a strict mail server takes them, and each way in which it can refuse or break."""

from __future__ import annotations

import re
import socket
import ssl
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from incident_management.notify import smtp
from incident_management.notify.channel import NotConfigured
from incident_management.notify.mail import EmailSender
from incident_management.notify.message import build
from incident_management.notify.outbox import BATCH
from incident_management.notify.transport import Network
from incident_management.splunk.channel_settings import Email
from tests.unit.notify.services import Office

from .fake_smtp import FakeSmtp
from .messages import ALL, CLOCK, INCIDENT, entry, hostile, message, notification

TO = ("ops@example.com", "lead@example.com")
SETTINGS = Email("127.0.0.1", 25, "none", sender="splunk@example.com", recipients=TO)


@pytest.fixture
def server():
    service = FakeSmtp().start()
    yield service
    service.stop()
    assert service.complaints == []


@pytest.fixture
def tls(authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def tls_server(tls):
    service = FakeSmtp(tls, users={"splunk": "pässword\U0001f511"}).start()
    yield service
    service.stop()
    assert service.complaints == []


def sender(service, ca_file="", **changed):
    return EmailSender(replace(SETTINGS, port=service.port, **changed), Network(ca_file), CLOCK)


def secure(service, ca_file, **changed):
    known = {"server": "localhost", "encryption": "starttls", "username": "splunk"}
    return sender(service, ca_file, **{**known, "password": "pässword\U0001f511", **changed})


def told(server, one, **changed):
    assert sender(server).send(replace(notification(one), **changed)).outcome == "sent"
    return server.mails[-1].parsed


# --- what it looks like ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_every_message_is_taken_by_a_strict_server(server, name):
    mail = told(server, ALL[name])
    assert server.mails[0].sender == "splunk@example.com"
    assert server.mails[0].recipients == list(TO)
    assert [one.addr_spec for one in mail["To"].addresses] == list(TO)
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
    ("event", "recipients"), [("escalation", [*TO, "mia@example.com"]), ("assigned", [])]
)
def test_the_owner_is_told_of_what_calls_them_and_alone_of_what_they_were_given(
    server, event, recipients
):
    told(server, replace(message(event), mention="mia@example.com"))
    assert server.mails[0].recipients == (recipients or ["mia@example.com"])


# --- TLS and signing in ---------------------------------------------------------------------


@pytest.mark.parametrize("ways", ["PLAIN LOGIN", "LOGIN", "XOAUTH2 PLAIN"])
def test_it_signs_in_over_tls_with_any_password(tls_server, ca_file, ways):
    tls_server.ways = ways
    assert secure(tls_server, ca_file).send(notification(message())).outcome == "sent"


def test_tls_from_the_beginning(tls, ca_file):
    service = FakeSmtp(tls, True, {"splunk": "p"}).start()
    own = secure(service, ca_file, encryption="tls", password="p")
    assert own.send(notification(message())).outcome == "sent"
    service.stop()
    assert service.complaints == []


@pytest.mark.parametrize(
    ("trusted", "name", "said"),
    [(False, "localhost", "self-signed|self signed|unable to get"), (True, "127.0.0.1", "IP addr")],
)
def test_a_certificate_that_is_not_the_servers_gets_nothing(
    tls_server, ca_file, trusted, name, said
):
    own = secure(tls_server, ca_file if trusted else "", server=name)
    delivery = own.send(notification(message()))
    assert delivery.outcome == "retry" and tls_server.mails == []
    assert re.search(said, delivery.detail) and "ca_file" in delivery.detail
    assert not any(line.startswith(("AUTH", "MAIL")) for line in tls_server.commands)


def test_a_server_that_offers_no_tls_gets_neither_password_nor_message(server, ca_file):
    server.users = {"splunk": "p"}
    delivery = secure(server, ca_file).send(notification(message()))
    assert delivery.outcome == "dead" and "STARTTLS" in delivery.detail
    assert [line.split()[0] for line in server.commands] == ["ehlo", "quit"]


@pytest.mark.parametrize(
    ("reply", "outcome"), [("454 4.7.0 not now", "retry"), ("501 5.5.4 never", "dead")]
)
def test_a_server_that_refuses_tls_gets_neither(tls_server, ca_file, reply, outcome):
    tls_server.replies["STARTTLS"] = reply
    delivery = secure(tls_server, ca_file).send(notification(message()))
    assert delivery.outcome == outcome and f"refused STARTTLS: {reply}" in delivery.detail
    assert [line.split()[0] for line in tls_server.commands] == ["ehlo", "STARTTLS", "quit"]


def test_what_somebody_in_between_said_before_tls_is_forgotten(tls_server, ca_file):
    """Replies that are slipped in before the handshake (RFC 3207, 4.2)."""
    tls_server.ways = "PLAIN"
    tls_server.replies["STARTTLS"] = "220 go ahead\r\n250-evil\r\n250 AUTH LOGIN"
    assert secure(tls_server, ca_file).send(notification(message())).outcome == "sent"
    assert [line.split()[1] for line in tls_server.commands if line.startswith("AUTH")] == ["PLAIN"]


def test_a_wrong_password_is_final_and_not_shown(tls_server, ca_file):
    delivery = secure(tls_server, ca_file, password="hunter22").send(notification(message()))
    assert delivery.outcome == "dead" and "535" in delivery.detail
    assert "hunter22" not in delivery.detail and "hunter22" not in repr(SETTINGS)


def test_a_server_that_wants_another_way_to_sign_in_is_said(tls_server, ca_file):
    tls_server.ways = "XOAUTH2"
    delivery = secure(tls_server, ca_file).send(notification(message()))
    assert delivery.outcome == "dead" and "XOAUTH2" in delivery.detail


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"server": ""}, "mail server"),
        ({"sender": ""}, "sender"),
        ({"username": "u"}, "no password"),
        ({"server": "mail.example", "username": "u", "password": "p"}, "without TLS"),
    ],
)
def test_a_setting_that_is_missing_is_named(changed, said):
    with pytest.raises(NotConfigured, match=said):
        EmailSender(replace(SETTINGS, **changed), Network(), CLOCK)


def test_nobody_to_write_to_is_said(server):
    delivery = sender(server, recipients=()).send(notification(message()))
    assert delivery.outcome == "dead" and "recipients" in delivery.detail


# --- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(("code", "outcome"), [("451", "retry"), ("421", "retry"), ("554", "dead")])
def test_what_is_refused_for_now_is_tried_again_and_else_final(server, word, code, outcome):
    server.replies[word] = server.replies["HELO"] = f"{code} 4.7.1 said so"
    delivery = sender(server).send(notification(message()))
    assert delivery.outcome == outcome and "said so" in delivery.detail
    assert server.mails == [] and server.commands[-1] == "quit"


def test_a_server_that_knows_no_ehlo_is_greeted_as_of_old(server):
    server.replies["EHLO"] = "502 5.5.1 not here"
    assert sender(server).send(notification(message())).outcome == "sent"


@pytest.mark.parametrize(
    ("host", "said"), [("sh1", "example.com"), ("sh1.corp.example", "sh1.corp.example")]
)
def test_it_gives_a_name_that_relays_take(server, monkeypatch, host, said):
    """Google's refuses [127.0.0.1], as smtplib calls a machine of one label."""
    monkeypatch.setattr(smtp.socket, "gethostname", lambda: host)
    told(server, message())
    assert server.commands[0] == f"ehlo {said}"


@pytest.mark.parametrize(("reply", "outcome"), [("252 ok", "sent"), ("354 go on", "unknown")])
def test_only_a_refusal_proves_that_the_message_was_not_taken(server, reply, outcome):
    """It would be sent twenty times to a server that took each."""
    server.replies["."] = reply
    assert sender(server).send(notification(message())).outcome == outcome


def test_a_recipient_that_does_not_exist_keeps_it_from_nobody_and_is_named(server):
    server.replies["RCPT lead@example.com"] = "550 5.1.1 no such user"
    delivery = sender(server).send(notification(message()))
    assert delivery.outcome == "sent" and server.mails[0].recipients == ["ops@example.com"]
    assert "lead@example.com (550 5.1.1 no such user)" in delivery.receipt["note"]


def test_a_recipient_that_is_refused_for_now_is_waited_for_but_not_for_long(server):
    server.replies["RCPT lead@example.com"] = "452 4.2.2 mailbox full"
    first = replace(notification(message()), first_sent=CLOCK.now())
    assert sender(server).send(first).outcome == "retry" and server.mails == []
    later = sender(server).send(replace(first, first_sent=CLOCK.now() - 121))
    assert later.outcome == "sent" and "mailbox full" in later.receipt["note"]


def test_where_nobody_is_taken_the_one_who_may_be_later_says_when(server):
    server.replies["RCPT ops@example.com"] = "452 4.2.2 mailbox full"
    server.replies["RCPT lead@example.com"] = "550 5.1.1 no such user"
    old = replace(notification(message()), first_sent=CLOCK.now() - 121)
    delivery = sender(server).send(old)
    assert delivery.outcome == "retry" and "452 4.2.2 mailbox full" in delivery.detail


# --- what breaks ----------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_connection_that_breaks_before_the_message_proves_that_it_was_not_sent(server, word):
    server.replies[word] = "DROP"
    assert sender(server).send(notification(message())).outcome == "retry"
    assert server.mails == []


def test_an_answer_that_is_lost_is_repeated_once_and_else_left_to_people(server):
    server.replies["."] = "DROP"
    office = Office()
    office.senders["email"] = lambda: EmailSender(
        replace(SETTINGS, port=server.port), Network(), office.clock
    )
    office.outbox.enqueue("1", "email", "opened", message().to_document())
    office.run(seconds=600)
    assert office.states() == ["unconfirmed"]
    first, second = (one.parsed for one in server.mails)
    assert first["Message-ID"] == second["Message-ID"]


def test_a_goodbye_that_is_not_answered_costs_nothing(server):
    server.replies["QUIT"] = "DROP"
    assert sender(server).send(notification(message())).outcome == "sent"


@pytest.mark.parametrize(("word", "outcome"), [("GREETING", "retry"), (".", "unknown")])
def test_a_server_that_drips_holds_nothing_up(server, monkeypatch, word, outcome):
    monkeypatch.setattr(smtp, "SESSION_SECONDS", 1.0)
    server.before_reply = lambda said: time.sleep(3) if said == word else None
    began = time.monotonic()
    assert sender(server).send(notification(message())).outcome == outcome
    assert time.monotonic() - began < 2.5


def test_an_endless_answer_is_cut_off(server):
    server.replies["GREETING"] = "\r\n".join(["220-x" * 100] * 1000)
    delivery = sender(server).send(notification(message()))
    assert delivery.outcome == "retry"


def test_addresses_that_do_not_answer_share_the_time(tls, ca_file, monkeypatch):
    """Mail servers of large providers have a dozen, which a firewall drops all alike."""
    service = FakeSmtp(tls, True, {"splunk": "p"}).start()
    own = secure(service, ca_file, encryption="tls", password="p")
    # A handshake has all of the time again.
    service.before_handshake = lambda: time.sleep(1.5)
    real, tried = socket.create_connection, []

    def connect(address, timeout):
        tried.append(timeout)
        if address[0] != "127.0.0.1":
            raise TimeoutError
        return real(address, timeout)

    hosts = [f"192.0.2.{number}" for number in range(8)]
    found = [(2, 1, 6, "", (host, 25)) for host in hosts]
    monkeypatch.setattr(smtp.socket, "getaddrinfo", lambda *_: found)
    monkeypatch.setattr(smtp.socket, "create_connection", connect)
    assert "in time" in own.send(notification(message())).detail
    assert len(tried) == 8 and tried[0] <= smtp.CONNECT_SECONDS / 8
    found.insert(0, (2, 1, 6, "", ("127.0.0.1", service.port)))
    assert own.send(notification(message())).outcome == "sent"
    service.stop()


def test_nobody_listens(server):
    server.stop()
    delivery = sender(server).send(notification(message()))
    assert delivery.outcome == "retry" and "127.0.0.1" in delivery.detail


# --- several mails of a round ----------------------------------------------------------------


def round_of(server, count, **changed):
    """A round of the outbox with so many mails; returns the office."""
    office = Office()
    office.senders["email"] = lambda: EmailSender(
        replace(SETTINGS, port=server.port, **changed), Network(), office.clock
    )
    for number in range(count):
        office.outbox.enqueue(f"{number}", "email", "opened", message().to_document())
    office.run()
    return office


def words(server):
    return [line.split()[0].upper() for line in server.commands]


def test_the_mails_of_a_round_share_a_connection_and_a_sign_in(tls_server, ca_file):
    own = secure(tls_server, ca_file)
    for number in range(3):
        assert own.send(notification(message(), f"{number:040d}")).outcome == "sent"
    own.close()
    assert words(tls_server).count("AUTH") == 1 and words(tls_server).count("RSET") == 2
    assert len(tls_server.mails) == 3 and words(tls_server)[-1] == "QUIT"


def test_many_mails_to_many_people_over_one_connection_are_no_endless_answer(server):
    """The bytes of all answers were counted together: each 37th mail was put off, or doubted."""
    server.replies["RCPT"] = f"250 2.1.5 Recipient ok {'.' * 80}"
    to = tuple(f"person{number}@example.com" for number in range(50))
    assert round_of(server, BATCH, recipients=to).states() == ["sent"] * BATCH
    assert len(server.mails) == BATCH


def test_a_round_ends_its_connection(server):
    office = round_of(server, 3)
    assert office.states() == ["sent"] * 3 and len(server.mails) == 3
    assert words(server).count("EHLO") == 1 and words(server).count("QUIT") == 1
    assert words(server)[-1] == "QUIT"


@pytest.mark.parametrize("reply", ["DROP", "421 4.4.2 too many messages", "502 5.5.1 what"])
@pytest.mark.parametrize("word", ["RSET", "MAIL"])
def test_a_connection_that_takes_no_second_mail_is_replaced_at_once(server, word, reply):
    def refuse_the_second(said):
        if said == word and words(server).count("EHLO") == 1 and len(server.mails) == 1:
            server.replies[word] = reply
        elif said == "GREETING":
            server.replies.clear()

    server.before_reply = refuse_the_second
    office = round_of(server, 2)
    assert office.states() == ["sent"] * 2 and len(server.mails) == 2
    assert words(server).count("EHLO") == 2


def test_each_mail_of_a_connection_has_its_own_outcome(server):
    refusals = iter(["", "550 5.1.1 no such user", ""])

    def refuse(said):
        if said == "MAIL":
            server.replies.pop("RCPT lead@example.com", None)
            if refused := next(refusals):
                server.replies["RCPT lead@example.com"] = refused

    server.before_reply = refuse
    office = round_of(server, 3)
    notes = [(one["receipt"] or {}).get("note", "") for one in office.stores.outbox.all()]
    assert office.states() == ["sent"] * 3 and [bool(note) for note in notes].count(True) == 1
    assert sorted(len(one.recipients) for one in server.mails) == [1, 2, 2]


def test_an_answer_that_is_lost_between_two_mails_doubts_that_mail_alone(server):
    def break_at_the_second(said):
        if said == "." and len(server.mails) == 2 and words(server).count("EHLO") == 1:
            server.replies["."] = "DROP"
        elif said == "GREETING":
            server.replies.clear()

    server.before_reply = break_at_the_second
    office = round_of(server, 3)
    assert sorted(one["state"] for one in office.stores.outbox.all()) == [
        "pending", "sending", "sent",
    ]  # fmt: skip
    office.run(seconds=60)
    assert office.states() == ["sent"] * 3
    ids = [one.parsed["Message-ID"] for one in server.mails]
    assert len(ids) == 4 and len(set(ids)) == 3
