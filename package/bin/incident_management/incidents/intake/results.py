"""Turns the result rows of a detection into findings, the JSON of ``POST /signals``.

Both ways into ingest use this: the alert action, whose findings travel through the REST API, and
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
"""Usual names of the entity field in searches, the likeliest first."""

# The longest entity that the API accepts.
ENTITY_CHARACTERS = 1000
# The most entities of one problem in one run.
MAX_ENTITIES = 50
SAMPLES = 5
SAMPLE_FIELDS = 50
SHOWN_HIDDEN = ("_raw", "_time")
SAMPLE_CHARACTERS = 1000


class _Columns(NamedTuple):
    """A row's columns by purpose: those shown to people, and those with custom fields."""

    shown: Tuple[str, ...]
    of_fields: Tuple[str, ...]


@lru_cache(maxsize=100)
def _columns(names: Tuple[str, ...]) -> _Columns:
    """Sort column names by purpose; cached, because most rows of a search share their columns."""
    shown = tuple(name for name in names if name[:1] != "_" or name in SHOWN_HIDDEN)
    return _Columns(shown, tuple(name for name in names if name.startswith(FIELD)))


def findings(rows: Iterable[Mapping[str, Any]], alert: Alert, now: float) -> List[Document]:
    """Return one finding for each problem among the rows, without :meth:`Alert.common`'s fields.

    Rows with the same values of the dedup fields are one finding: their counts add up and the span
    covers all. A row counts as its ``count``, or as 1; its span is ``first_time`` to ``last_time``,
    else ``_time``, else ``now``. A row without the entity field is about the detection itself. Only
    the first few rows of a finding are kept in memory, as samples.

    As a dedup field and in a title, ``entity`` is the row's entity if the row has no such field, so
    an administrator need not name another entity field three times. Rows that have none of the
    dedup fields are distinguished by their entity, so that no problem is lost.

    A problem of several entities, in one row or in several, has a finding for each of the first
    MAX_ENTITIES. All have its dedup values; all but the first have a run of their own.

    Several rows that have neither can't be distinguished and become one finding. Its description
    says so, because the search most often names its entity field differently.

    Without ``per_result``, all rows are one finding; it is about the entity that all of them share,
    or about the detection itself.
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
        # A row of several entities counts for each; a row of another single entity only for that
        # one.
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
    """Explain in a finding that it combines several rows, and suggest an entity field."""
    filled_in = {name.lower(): name for name, value in finding["rows"][0].items() if text_of(value)}
    likely = [filled_in[name] for name in ENTITY_NAMES if name in filled_in]
    such_as = f" (here perhaps {likely[0]})" if likely else ""
    told = (
        f"{rows} results were combined into one problem, because their field "
        f"'{alert.entity_field}' is empty or missing. If each result is a problem of its own, "
        f"set the field that distinguishes them{such_as} as the Entity field of the alert "
        "action Open incident."
    )
    parts = [part for part in (finding.get("description", ""), told) if part]
    finding["description"] = "\n".join(parts)[:TEXT_CHARACTERS]


def _further_entities(row: Mapping[str, Any], alert: Alert, first: Optional[Document]) -> List[str]:
    """Return a row's entities that need a finding besides the first one of its problem."""
    if first is None and not isinstance(row.get(alert.entity_field), list):
        return []
    known = first["entity"] if first else _entity(row, alert)
    return [one for one in _entities(row, alert) if one not in (known, alert.rule)]


def _finding_about(
    entity: str, values: Tuple[str, ...], row: Mapping[str, Any], alert: Alert, now: float
) -> Document:
    """Return the finding about one more entity of a problem."""
    # A digest, because a run's name is shorter than an entity may be.
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
    """Return the signals that the alert action would send for a run.

    Args:
        params: the action's parameters as the search has them, tokens included.
        who: the search's name, its app and owner.
        for_each: whether it triggers for each result; then splunkd runs the action once for each
            result, numbered from 0.
    Raises:
        Invalid: as :func:`.findings.signals_from`.
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
    """Return the finding of one row; texts are cut to what the API accepts."""
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
        # The values of a multivalue field are on separate lines.
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
    """Return a row's custom field values: ``region`` from its column ``field_region``."""
    named = {name[len(FIELD) :]: text_of(row[name]) for name in _columns(tuple(row)).of_fields}
    return {name: text[:SAMPLE_CHARACTERS] for name, text in named.items() if text}


def _fill_from_entity(
    values: Tuple[str, ...], row: Mapping[str, Any], alert: Alert
) -> Tuple[str, ...]:
    """Return the dedup values, with missing ones filled as :func:`findings` describes."""
    entity = _comparable(row.get(alert.entity_field))[:ENTITY_CHARACTERS]
    if not any(values):
        return (entity, *values[1:])
    return tuple(
        value or (entity if name == ENTITY else "")
        for name, value in zip(alert.dedup_fields, values)
    )


def _comparable(value: Any) -> str:
    """Return a field's value as text, so that the same values in any order compare equal.

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
    """Add a row's values of the grouping fields; each value of a multivalue field is separate."""
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
    """Return a whole number as int: its JSON is written and read several times as fast."""
    return int(number) if number.is_integer() else number


def _count(row: Mapping[str, Any]) -> int:
    value = _float(row.get("count"))
    return int(value) if value is not None and value >= 1 else 1


def _sample(row: Mapping[str, Any]) -> Document:
    """Return a row as it is stored for people: no hidden or empty fields, long values cut.

    An event has a dozen fields of splunkd's own (``_bkt``, ``_cd``, ``_serial``). In an action's
    file, it also has every field that any other row has. These would fill all of the first fields.
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
    """Return a time in epoch seconds, or None; a time before the epoch would be refused."""
    number = _float(value)
    if number is None and isinstance(value, str):
        number = _iso_8601(value)
    return number if number is not None and number >= 0 else None


def _iso_8601(text: str) -> Optional[float]:
    """Parse a time with a zone, as in ``_time`` of splunkd's REST API or from ``%z`` of strftime.

    The CSV file of results has epoch seconds instead. Returns None for other texts.
    """
    # Before Python 3.11, fromisoformat accepts a zone only with a colon.
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
