"""From the result rows of a detection to findings, the JSON of ``POST /signals``.

Both ways into ingest share this: the alert action, whose findings travel through the REST API, and
the worker, which reads the results of runs that never arrived. So a run gives the same signals,
with the same keys, whichever way it takes.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..canonical import digest
from ..model import Document
from ..signal import (
    MAX_GROUP_VALUES,
    MAX_TAGS,
    NAME_CHARACTERS,
    TEXT_CHARACTERS,
    TITLE_CHARACTERS,
    Signal,
)
from .alert import Alert, first_names
from .findings import signals_from
from .row_text import filled, text_of, with_tokens

__all__ = ["ENTITY_CHARACTERS", "findings", "signals_of_run"]

ENTITY = "entity"
FIELD = "field_"
ENTITY_NAMES = ("service", "host", "dest", "device", "src", "user", "index", "sourcetype")
"""What searches call that which is affected, the likeliest first."""

# What the API takes of an entity.
ENTITY_CHARACTERS = 1000
# Of one problem in one run.
MAX_ENTITIES = 50
SAMPLES = 5
SAMPLE_FIELDS = 50
SHOWN_HIDDEN = ("_raw", "_time")
SAMPLE_CHARACTERS = 1000


class _Columns(NamedTuple):
    """The names of a row's columns by what they are for: those people see, custom fields."""

    shown: Tuple[str, ...]
    of_fields: Tuple[str, ...]


@lru_cache(maxsize=100)
def _columns(names: Tuple[str, ...]) -> _Columns:
    """Sort the names of the columns, which most rows of a search have in common."""
    shown = tuple(name for name in names if name[:1] != "_" or name in SHOWN_HIDDEN)
    return _Columns(shown, tuple(name for name in names if name.startswith(FIELD)))


def findings(rows: Iterable[Mapping[str, Any]], alert: Alert, now: float) -> List[Document]:
    """Return one finding for each problem among the rows, without what :meth:`Alert.common` says.

    Rows with the same values of the dedup fields are one finding: their counts add up and the
    span covers all. A row counts as its ``count``, or as 1; its span is ``first_time`` to
    ``last_time``, else ``_time``, else ``now``. A row without the entity field is about the
    detection itself. Of a finding's rows only the first few are kept in memory, as samples.

    As a dedup field and in a title, ``entity`` is the row's entity where the row has no such field:
    who names another entity field need not name it three times. Rows that have none of the dedup
    fields are told apart by their entity, or what befell the others would be lost.

    A problem of several entities, in one row or in several, has a finding for each of the first
    MAX_ENTITIES: all have its dedup values, and are runs of their own but for the first.

    Several rows that have neither can't be told apart and are one; its description says so, as most
    often the search calls its entity otherwise.

    Where not each result is a finding (``per_result``), all rows are one; it is about the entity
    that all of them have, or about the detection itself.
    """
    found: Dict[Tuple[str, ...], Document] = {}
    further: Dict[Tuple[str, ...], int] = {}
    fields = alert.dedup_fields if alert.per_result else ()
    unidentified = 0
    for row in rows:
        values = tuple([_comparable(row.get(name)) for name in fields])
        if fields and not all(values):
            values = _fill_from_entity(values, row, alert)
            unidentified += not any(values)
        first = found.get(values)
        entities = _further_entities(row, alert, first) if fields else []
        # A row of several entities counts for each; one of another entity alone, for that.
        is_counted = first is None
        if first is None:
            first = found[values] = _finding(values, row, alert, now)
        for entity in entities:
            key = (*values, entity)
            if key in found:
                _add_row(found[key], row, alert, now)
            elif further.get(values, 1) < MAX_ENTITIES:
                further[values] = further.get(values, 1) + 1
                found[key] = _finding_about(entity, values, row, alert, now)
            else:
                continue
            is_counted = is_counted or not isinstance(row.get(alert.entity_field), list)
        if not is_counted:
            _add_row(first, row, alert, now)
    if unidentified > 1:
        _explain_merged_rows(found[("",) * len(fields)], unidentified, alert)
    return list(found.values())


def _explain_merged_rows(finding: Document, rows: int, alert: Alert) -> None:
    """Say on a finding that it is of several rows, and which of their fields to name perhaps."""
    filled_in = {name.lower(): name for name, value in finding["rows"][0].items() if text_of(value)}
    likely = [filled_in[name] for name in ENTITY_NAMES if name in filled_in]
    such_as = f" (here perhaps {likely[0]})" if likely else ""
    told = (
        f"{rows} results were taken for one problem, as their field '{alert.entity_field}' is "
        f"empty or missing. If each is one of its own, name the field that tells them apart"
        f"{such_as} as the Entity field of the alert's action Open incident."
    )
    parts = [part for part in (finding.get("description", ""), told) if part]
    finding["description"] = "\n".join(parts)[:TEXT_CHARACTERS]


def _further_entities(row: Mapping[str, Any], alert: Alert, first: Optional[Document]) -> List[str]:
    """Return the entities of a row that the first finding of its problem is not about."""
    if first is None and not isinstance(row.get(alert.entity_field), list):
        return []
    known = first["entity"] if first else _entity(row, alert)
    return [one for one in _entities(row, alert) if one not in (known, alert.rule)]


def _finding_about(
    entity: str, values: Tuple[str, ...], row: Mapping[str, Any], alert: Alert, now: float
) -> Document:
    """Return the finding about one more entity of a problem."""
    # By a digest, as a run has fewer characters than an entity may have.
    run = f"{alert.run}:{digest(entity, 16)}"
    return {**_finding(values, row, alert, now), "entity": entity, "run": run}


def signals_of_run(
    rows: Sequence[Mapping[str, Any]],
    params: Mapping[str, str],
    who: Tuple[str, str, str],
    sid: str,
    now: float,
    *,
    for_each: bool,
) -> List[Signal]:
    """Return the signals that the action gives of a run, from parameters as the search has them.

    ``who``: the search's name, its app and owner. ``for_each``: it triggers for each result, so
    splunkd runs the action once a result, which it numbers from 0.

    Raises what :func:`.findings.signals_from` does.
    """

    def alert_of(row: Mapping[str, Any], result: str = "") -> Alert:
        given = with_tokens(params, who[0], row)
        return Alert.from_params(given, *who, sid=sid, result=result)

    if not for_each:
        alert = alert_of(rows[0] if rows else {})
        return signals_from(findings(rows, alert, now), now, alert.common())
    found: List[Document] = []
    for number, row in enumerate(rows):
        one = alert_of(row, str(number))
        found.extend({**one.common(), **finding} for finding in findings([row], one, now))
    return signals_from(found, now)


def _finding(values: Sequence[str], first: Mapping[str, Any], alert: Alert, now: float) -> Document:
    """The finding of one row; texts are cut to what the API takes."""
    start, end = _span(first, now)
    entity = _entity(first, alert)
    told = first
    if not first.get(ENTITY):
        told = {**first, ENTITY: text_of(first.get(alert.entity_field)) or entity}
    finding: Document = {
        "entity": entity,
        "first_time": start,
        "last_time": end,
        "count": _count(first),
        "dedup": dict(zip(alert.dedup_fields, values)) if alert.per_result else {"run": "all"},
        "rows": [_sample(first)],
    }
    if alert.title:
        # A field of several values has each on a line of its own.
        title = ", ".join(filled(alert.title, told).splitlines())
        finding["title"] = title[:TITLE_CHARACTERS]
    if alert.description:
        finding["description"] = filled(alert.description, told)[:TEXT_CHARACTERS]
    tags = first_names(filled(alert.tags, first), MAX_TAGS) if alert.tags else ()
    if tags:
        finding["tags"] = list(tags)
    fields = _fields(first)
    if fields:
        finding["fields"] = fields
    if alert.group_fields:
        _add_group_values(finding, first, alert)
    return finding


def _fields(row: Mapping[str, Any]) -> Document:
    """Return what a row says of custom fields: ``region`` in its column ``field_region``."""
    named = {name[len(FIELD) :]: text_of(row[name]) for name in _columns(tuple(row)).of_fields}
    return {name: text[:SAMPLE_CHARACTERS] for name, text in named.items() if text}


def _fill_from_entity(
    values: Tuple[str, ...], row: Mapping[str, Any], alert: Alert
) -> Tuple[str, ...]:
    """Return the values of the dedup fields, those that the row lacks filled as findings() says."""
    entity = _comparable(row.get(alert.entity_field))[:ENTITY_CHARACTERS]
    if not any(values):
        return (entity, *values[1:])
    return tuple(
        value or (entity if name == ENTITY else "")
        for name, value in zip(alert.dedup_fields, values)
    )


def _comparable(value: Any) -> str:
    """Return what two rows have in common whose field has the same values, in whatever order.

    ``values()`` of stats sorts them, ``list()`` does not.
    """
    return text_of(sorted(map(str, value)) if isinstance(value, list) else value)


def _entity(row: Mapping[str, Any], alert: Alert) -> str:
    entities = _entities(row, alert)
    return entities[0] if alert.per_result or len(entities) == 1 else alert.rule


def _entities(row: Mapping[str, Any], alert: Alert) -> List[str]:
    """Return what a row is about, at least one: the values of its entity field, else the rule."""
    value = row.get(alert.entity_field)
    if not isinstance(value, list):
        return [text_of(value)[:ENTITY_CHARACTERS] or alert.rule]
    texts = dict.fromkeys(text_of(one)[:ENTITY_CHARACTERS] for one in value)
    return [text for text in texts if text][:MAX_ENTITIES] or [alert.rule]


def _add_group_values(finding: Document, row: Mapping[str, Any], alert: Alert) -> None:
    """Take over a row's values of the grouping fields, each of several values by itself."""
    known = finding.setdefault("group_values", [])
    for name in alert.group_fields:
        value = row.get(name)
        for one in value if isinstance(value, list) else [value]:
            text = text_of(one)
            pair = f"{name}={text}"[:NAME_CHARACTERS]
            if text and pair not in known and len(known) < MAX_GROUP_VALUES:
                known.append(pair)


def _add_row(finding: Document, row: Mapping[str, Any], alert: Alert, now: float) -> None:
    start, end = _span(row, now)
    finding["first_time"] = min(finding["first_time"], start)
    finding["last_time"] = max(finding["last_time"], end)
    finding["count"] += _count(row)
    if len(finding["rows"]) < SAMPLES:
        finding["rows"].append(_sample(row))
    if not alert.per_result and finding["entity"] != _entity(row, alert):
        finding["entity"] = alert.rule
    if alert.group_fields:
        _add_group_values(finding, row, alert)


def _span(row: Mapping[str, Any], now: float) -> Tuple[float, float]:
    first, last = _moment(row.get("first_time")), _moment(row.get("last_time"))
    if first is None or last is None:
        moment = _moment(row.get("_time"))
        known = [value for value in (first, last, moment) if value is not None] or [float(now)]
        first = first if first is not None else min(known)
        last = last if last is not None else max(known)
    return _compact(first), _compact(max(first, last))


def _compact(number: float) -> float:
    """A whole number without its fraction: as JSON it is written and read several times as fast."""
    return int(number) if number.is_integer() else number


def _count(row: Mapping[str, Any]) -> int:
    value = _float(row.get("count"))
    return int(value) if value is not None and value >= 1 else 1


def _sample(row: Mapping[str, Any]) -> Document:
    """A row as it is stored for people: hidden and empty fields left out, long values cut.

    An event comes with a dozen fields of splunkd's own (``_bkt``, ``_cd``, ``_serial``), and in an
    action's file with each field that any other row has: these would be all of the first fields.
    """
    shown = [name for name in _columns(tuple(row)).shown if row[name] not in ("", None)]
    return {
        name: value[:SAMPLE_CHARACTERS] if type(value := row[name]) is str else _shown(value)
        for name in shown[:SAMPLE_FIELDS]
    }


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [str(part)[:SAMPLE_CHARACTERS] for part in value]
    return str(value)[:SAMPLE_CHARACTERS]


def _moment(value: Any) -> Optional[float]:
    """A time, or None: one before the epoch is no time of an event, and would be refused."""
    number = _float(value)
    if number is None and isinstance(value, str):
        number = _iso_8601(value)
    return number if number is not None and number >= 0 else None


def _iso_8601(text: str) -> Optional[float]:
    """Read a time with its zone, as splunkd's REST API writes ``_time`` and ``strftime``'s ``%z``
    ends; the results' CSV has epoch seconds there."""
    # Before Python 3.11 a zone is read with its colon alone.
    zoned = re.sub(r"([+-]\d\d)(\d\d)\Z", r"\1:\2", text.strip().replace("Z", "+00:00"))
    try:
        moment = datetime.fromisoformat(zoned)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None


def _float(value: Any) -> Optional[float]:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < 1e11 else None
