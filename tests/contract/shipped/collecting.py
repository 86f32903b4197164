"""Finds the searches in an app's folder: saved searches, macros, dashboards, help, workflow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.splunkd_lite.conffile import read
from tools.splunkd_lite.spl.registry import COMMANDS

__all__ = ["Shipped", "Shipping", "shipped_searches"]

# What a dashboard's tokens, a workflow action's fields and a macro's arguments are in the tests.
SAMPLES = {
    "limit": "10",
    "period": "7d",
    "by": "team",
    "incident": "INC-20260101-0A1B2C",
    "id": "INC-20260101-0A1B2C",
    "incident_id": "INC-20260101-0A1B2C",
    "@sid": "1700000000.12",
    "@offset": "0",
    "host": "h1",
    "service": "orders",
    "field": "region",
    "days": "7",
}
# With |s the token comes in quotes (Dashboard Studio, "Token filters").
_TOKEN = re.compile(r"\$(?!\$)(@?[A-Za-z_][\w.]*)(\|s)?\$")
_DEFINITION = re.compile(r"<definition><!\[CDATA\[(.*)\]\]></definition>", re.S)
_CLASSIC = re.compile(r"<(?:query|search)>([^<]+)</", re.S)


class Shipping(Exception):
    """An app ships something that these tests can't follow: it would go untested."""


@dataclass(frozen=True)
class Shipped:
    """One search; `place` says where it stands."""

    place: str
    spl: str


def shipped_searches(app: Path) -> list[Shipped]:
    """Every search in an app's default confs and views.

    Raises Shipping: a token without a sample value, or a view without searches where it names
    some.
    """
    default = app / "default"
    found = [*_saved(default), *_macros(default), *_help(default), *_workflow(default)]
    for view in sorted((default / "data" / "ui" / "views").glob("*.xml")):
        found += _view(view)
    return found


def _conf(path: Path) -> dict[str, dict[str, str]]:
    return read(path) if path.exists() else {}


def _saved(default: Path) -> Iterator[Shipped]:
    for name, stanza in _conf(default / "savedsearches.conf").items():
        if "search" in stanza:
            yield Shipped(f"savedsearches.conf [{name}]", stanza["search"])
        condition = stanza.get("alert_condition")
        if condition:
            yield Shipped(f"savedsearches.conf [{name}] alert_condition", f"| {condition}")


def _macros(default: Path) -> Iterator[Shipped]:
    """Each macro in a search of its own, by what its definition begins with."""
    for name, stanza in _conf(default / "macros.conf").items():
        arguments = [part.strip() for part in stanza.get("args", "").split(",") if part.strip()]
        given = ", ".join(f'"{_sample(argument, name)}"' for argument in arguments)
        call = f"`{name.partition('(')[0]}({given})`" if arguments else f"`{name}`"
        body = stanza.get("definition", "").strip()
        word = re.match(r"\|?\s*(\w*)", body)
        if word and word.group(1) in {*COMMANDS, *_conf(default / "commands.conf")}:
            generates = getattr(COMMANDS.get(word.group(1)), "generating", True)
            spl = f"| {call}" if generates else f"| makeresults | {call}"
        elif re.match(r"[\d.]+\Z|\"[^\"]*\"\Z|\w+\s*\(", body):
            spl = f"| makeresults | eval result=if(isnull({call}), 0, 1)"  # an expression
        else:
            spl = f"search {call}"  # a condition on events
        yield Shipped(f"macros.conf [{name}]", spl)


def _help(default: Path) -> Iterator[Shipped]:
    """The examples of searchbnf.conf; one that adds to a search needs rows to add to."""
    for name, stanza in _conf(default / "searchbnf.conf").items():
        for key in sorted(stanza):
            if re.fullmatch(r"example\d+", key):
                yield Shipped(f"searchbnf.conf [{name}] {key}", stanza[key])


def _workflow(default: Path) -> Iterator[Shipped]:
    for name, stanza in _conf(default / "workflow_actions.conf").items():
        if "search.search_string" in stanza:
            place = f"workflow_actions.conf [{name}]"
            yield Shipped(place, _filled(stanza["search.search_string"], place))


def _view(path: Path) -> Iterator[Shipped]:
    text = path.read_text(encoding="utf-8")
    definition = _DEFINITION.search(text)
    if definition is None:
        for number, query in enumerate(_CLASSIC.findall(text)):
            yield Shipped(f"{path.name} query {number}", _filled(query.strip(), path.name))
        return
    sources = json.loads(definition.group(1)).get("dataSources", {})
    for name in sources:
        place = f"{path.name} {name}"
        yield Shipped(place, _filled(_studio_query(sources, name, place), place))


def _studio_query(sources: dict[str, dict[str, object]], name: str, place: str) -> str:
    source = sources[name]
    options = source.get("options")
    if source.get("type") not in ("ds.search", "ds.chain") or not isinstance(options, dict):
        raise Shipping(f"{place}: data sources of type {source.get('type')} are not tested")
    query = str(options["query"])
    if source["type"] == "ds.chain":
        query = f"{_studio_query(sources, str(options['extend']), place)} {query}"
    return query


def _filled(spl: str, place: str) -> str:
    def sample(found: re.Match[str]) -> str:
        value = _sample(found.group(1), place)
        return f'"{value}"' if found.group(2) else value

    return _TOKEN.sub(sample, spl)


def _sample(token: str, place: str) -> str:
    if token not in SAMPLES:
        raise Shipping(f"{place}: SAMPLES has no value for the token ${token}$")
    return SAMPLES[token]
