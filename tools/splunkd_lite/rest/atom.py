"""Feeds and messages, as Atom XML and as JSON.

Source: "Accessing Splunk resources" and "Using the REST API" in the REST API User Manual; the
element names as the Splunk SDK for Python reads them.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.metadata import Acl
from tools.splunkd_lite.rest.request import RestRequest, RestResponse

__all__ = ["Entry", "Feed", "error_response", "render", "xml_text"]

GENERATOR = ("stand-in", "9.4.0")


@dataclass
class Entry:
    """One resource. ``path`` is its address after the namespace, ``search/jobs`` and the like."""

    name: str
    content: dict[str, Any]
    acl: Acl = field(default_factory=lambda: Acl("system"))
    path: str = ""
    links: tuple[str, ...] = ("list", "edit", "remove")
    updated: float = 0.0
    can_write: bool = True
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Feed:
    """A list of entries; ``total`` counts those of other pages too."""

    title: str
    entries: list[Entry]
    total: int | None = None
    offset: int = 0
    per_page: int = 30
    messages: list[tuple[str, str]] = field(default_factory=list)
    links: tuple[str, ...] = ("create", "_reload", "_acl")
    status: int = 200


def xml_text(text: object) -> str:
    """Escaped text without the characters that XML 1.0 cannot hold."""
    clean = "".join(c for c in str(text) if c in "\t\n\r" or " " <= c not in "\ufffe\uffff")
    return escape(clean)


def render(feed: Feed, request: RestRequest) -> RestResponse:
    """The feed in the ``output_mode`` asked for."""
    mode = request.param("output_mode", "xml") or "xml"
    if mode == "json":
        return RestResponse.of_json(_feed_json(feed, request), feed.status)
    if mode not in ("xml", "atom"):
        raise SplunkdError(400, f"Unsupported output_mode '{mode}': use json or xml.")
    return RestResponse.of_xml(_feed_xml(feed, request), feed.status)


def error_response(error: SplunkdError, json_wanted: bool) -> RestResponse:
    """splunkd's way to say no (recorded)."""
    return message_response([(error.kind, error.text)], error.status, json_wanted)


def message_response(
    messages: list[tuple[str, str]], status: int, json_wanted: bool
) -> RestResponse:
    if json_wanted:
        body = {"messages": [{"type": kind, "text": text} for kind, text in messages]}
        return RestResponse.of_json(body, status)
    lines = "".join(
        f"    <msg type={quoteattr(kind)}>{xml_text(text)}</msg>\n" for kind, text in messages
    )
    text = f"<response>\n  <messages>\n{lines}  </messages>\n</response>\n"
    return RestResponse.of_xml(text, status)


# Addresses


def _link(entry: Entry) -> str:
    owner = quote(entry.acl.owner, safe="")
    name = quote(entry.name.replace("/", "%2F"), safe="")
    return f"/servicesNS/{owner}/{quote(entry.acl.app, safe='')}/{entry.path}/{name}"


def _iso(when: float) -> str:
    moment = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
    return moment.isoformat(timespec="seconds")


def _acl_dict(entry: Entry) -> dict[str, Any]:
    acl = entry.acl
    private = acl.sharing == "user"
    return {
        "app": acl.app,
        "can_change_perms": entry.can_write,
        "can_list": True,
        "can_share_app": entry.can_write,
        "can_share_global": entry.can_write,
        "can_share_user": entry.can_write and private,
        "can_write": entry.can_write,
        "modifiable": entry.can_write,
        "owner": acl.owner,
        "perms": None if private else {"read": list(acl.read), "write": list(acl.write)},
        "removable": entry.can_write,
        "sharing": acl.sharing,
    }


# JSON


def _feed_json(feed: Feed, request: RestRequest) -> dict[str, Any]:
    entries = [_entry_json(entry) for entry in feed.entries]
    base = request.path.rstrip("/")
    return {
        "links": {name: f"{base}/{name.replace('create', '_new')}" for name in feed.links},
        "origin": base,
        "updated": _iso(max((e.updated for e in feed.entries), default=0.0)),
        "generator": {"build": GENERATOR[0], "version": GENERATOR[1]},
        "entry": entries,
        "paging": {
            "total": len(entries) if feed.total is None else feed.total,
            "perPage": feed.per_page,
            "offset": feed.offset,
        },
        "messages": [{"type": kind, "text": text} for kind, text in feed.messages],
    }


def _entry_json(entry: Entry) -> dict[str, Any]:
    link = _link(entry)
    return {
        "name": entry.name,
        "id": f"https://127.0.0.1{link}",
        "updated": _iso(entry.updated),
        "links": {"alternate": link, **{name: _action(link, name) for name in entry.links}},
        "author": entry.acl.owner,
        "acl": _acl_dict(entry),
        "content": {"eai:acl": None, **entry.content},
        **entry.extra,
    }


def _action(link: str, name: str) -> str:
    return link if name in ("list", "edit", "remove") else f"{link}/{name}"


# XML


def _feed_xml(feed: Feed, request: RestRequest) -> str:
    total = len(feed.entries) if feed.total is None else feed.total
    base = request.path.rstrip("/")
    links = "".join(
        f'  <link href={quoteattr(base + "/" + name.replace("create", "_new"))} rel="{name}"/>\n'
        for name in feed.links
    )
    messages = "".join(
        f"    <s:msg type={quoteattr(kind)}>{xml_text(text)}</s:msg>\n"
        for kind, text in feed.messages
    )
    entries = "".join(entry_xml(entry) for entry in feed.entries)
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:s="http://dev.splunk.com/ns/rest"'
        ' xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">\n'
        f"  <title>{xml_text(feed.title)}</title>\n"
        f"  <id>https://127.0.0.1{xml_text(base)}</id>\n"
        f"  <updated>{_iso(max((e.updated for e in feed.entries), default=0.0))}</updated>\n"
        f'  <generator build="{GENERATOR[0]}" version="{GENERATOR[1]}"/>\n'
        "  <author><name>Splunk</name></author>\n"
        f"{links}"
        f"  <opensearch:totalResults>{total}</opensearch:totalResults>\n"
        f"  <opensearch:itemsPerPage>{feed.per_page}</opensearch:itemsPerPage>\n"
        f"  <opensearch:startIndex>{feed.offset}</opensearch:startIndex>\n"
        f"  <s:messages>\n{messages}  </s:messages>\n"
        f"{entries}</feed>\n"
    )


def entry_xml(entry: Entry, namespaces: str = "") -> str:
    """One ``<entry>``; ``namespaces`` is for an entry that stands alone, as a job's does."""
    link = _link(entry)
    links = "".join(
        f'    <link href={quoteattr(_action(link, name))} rel="{name}"/>\n'
        for name in ("alternate", *entry.links)
    ).replace("/alternate", "")
    content = {**entry.content, "eai:acl": _acl_dict(entry)}
    return (
        f"  <entry{namespaces}>\n"
        f"    <title>{xml_text(entry.name)}</title>\n"
        f"    <id>https://127.0.0.1{xml_text(link)}</id>\n"
        f"    <updated>{_iso(entry.updated)}</updated>\n"
        f"{links}"
        f"    <author><name>{xml_text(entry.acl.owner)}</name></author>\n"
        f'    <content type="text/xml">{_value(content)}</content>\n'
        "  </entry>\n"
    )


def _value(value: Any) -> str:
    if isinstance(value, dict):
        keys = "".join(
            f"<s:key name={quoteattr(str(key))}>{_value(item)}</s:key>\n"
            for key, item in value.items()
        )
        return f"<s:dict>\n{keys}</s:dict>"
    if isinstance(value, (list, tuple)):
        items = "".join(f"<s:item>{_value(item)}</s:item>\n" for item in value)
        return f"<s:list>\n{items}</s:list>"
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else xml_text(value)
