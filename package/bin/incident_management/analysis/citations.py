"""Check citations: fetch the event again by its address, compare its hash, find the quote in it.

Events are fetched with the caller's rights, so a caller who may not read an event can't have it
confirmed. But a caller can influence their own searches: a private macro, calculated field or
lookup overrides the app's ("Configuration file precedence" in the Admin Manual) and may change an
event's text. So events that the caller's search finds are fetched once more with the app's own
rights, whose searches use only shared objects.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..masking import mask
from ..ports import Searcher, SearchFailed, SearchResult
from ..splunk.searching import spl
from .changes import CHANGE_FIELDS, Change
from .evidence import Citation, Event, sha256_of, visible
from .scope import ADDRESS, EVENT_FIELDS, change_events, with_entity
from .statistics import count, sentence

__all__ = ["Checked", "check", "holds_quote"]

MAX_FETCHES = 12
"""Searches that one check may run for events; nearby events are fetched together."""
MAX_NUMBERS = 6
EVENTS_PER_FETCH = 5000
JOIN_SECONDS = 60.0
GROUP_SECONDS = 600.0
"""The longest time one search covers, as a chain of nearby events may go on for hours."""
NUMBER_TOLERANCE = 0.05
"""The share by which a count may differ when counted again, as events may arrive late."""

NOT_FOUND = "The event was not found, or you may not read it."
NOT_SHARED = (
    "The app itself finds no such event: it depends on a private macro, field or lookup of yours. "
    "Share that with the app if it is correct."
)
_INDEX_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")


@dataclass
class Checked:
    """Citations after the check, with the fetched events and changes by citation id."""

    citations: List[Citation] = field(default_factory=list)
    events: Dict[str, Event] = field(default_factory=dict)
    changes: Dict[str, Change] = field(default_factory=dict)

    def is_verified(self, citation_id: str) -> bool:
        """Return whether the citation exists and was verified."""
        return any(c.id == citation_id and c.status == "verified" for c in self.citations)


def check(
    citations: Sequence[Citation],
    searcher: Searcher,
    timeout: float = 60.0,
    first: Sequence[str] = (),
    shared: Optional[Searcher] = None,
) -> Checked:
    """Set ``status`` and ``reason`` of each citation, and return them with the fetched events.

    A citation that does not hold is rejected; nothing is raised. A citation that was not searched
    for, or whose search failed, stays unchecked. ``reason`` explains both in one sentence.

    Args:
        first: ids of the most important citations, the most important first. They are checked
            before the others, as the number of searches is limited.
        shared: a searcher with the app's rights, asked only for events that ``searcher`` found.
    """
    checked = Checked(list(citations))
    addressed = [c for c in checked.citations if c.kind != "number" and _has_address(c)]
    places = {citation_id: place for place, citation_id in enumerate(dict.fromkeys(first))}
    addressed.sort(key=lambda citation: places.get(citation.id, len(places)))
    _check_events(_groups(addressed), searcher, shared, checked, timeout)
    numbers = [c for c in checked.citations if c.kind == "number"]
    for citation in numbers[:MAX_NUMBERS]:
        _check_number(citation, searcher, timeout)
    for citation in numbers[MAX_NUMBERS:]:
        _leave(citation, f"More than {MAX_NUMBERS} numbers: this one was not counted again.")
    return checked


def holds_quote(raw: str, quote: str) -> bool:
    """Return whether an event's text, original or masked, contains the quote.

    Runs of whitespace count as one blank. A model reads the text inside JSON, so its quote may
    contain JSON escapes. Dots at an end of the quote that mark omitted text are ignored.
    """
    plain = " ".join(quote.split())
    shorter = re.sub(r"^(?:\.{3}|…) ?| ?(?:\.{3}|…)$", "", plain)
    wanted = {one for one in (plain, shorter, _unescaped(plain), _unescaped(shorter)) if one}
    return any(one in " ".join(text.split()) for text in _readings(raw) for one in wanted)


def _readings(raw: str) -> Iterator[str]:
    """Yield an event's text as it is, masked, and as a model receives it.

    The texts are made one by one, because masking takes a second for a megabyte.
    """
    yield raw
    yield mask(raw, emails=False)
    yield mask(raw)
    seen = visible(raw)
    if seen != raw:
        yield mask(seen)


def _unescaped(quote: str) -> str:
    """Return a quote with its JSON escapes resolved."""
    plain = re.sub(r"\\([\"\\/nrt])", lambda m: m[1] if m[1] in '"\\/' else " ", quote)
    return " ".join(plain.split())


def _has_address(citation: Citation) -> bool:
    if not re.fullmatch(r"[0-9a-f]{64}", citation.sha256) or citation.time <= 0:
        _reject(citation, "It has no event address: time and sha256 are required.")
        return False
    if not _INDEX_NAME.fullmatch(citation.index):
        _reject(citation, "Its index is not a valid index name.")
        return False
    return True


def _groups(citations: Sequence[Citation]) -> List[List[Citation]]:
    """Group citations of one index, one kind and nearby times; each group is sorted by time.

    The groups are in the order of their first citation in ``citations``.
    """
    places = {id(citation): place for place, citation in enumerate(citations)}
    groups: List[List[Citation]] = []
    for citation in sorted(citations, key=lambda c: (c.index, c.kind, c.time)):
        last = groups[-1][-1] if groups else None
        alike = last and (last.index, last.kind) == (citation.index, citation.kind)
        is_near = last and citation.time - last.time <= JOIN_SECONDS
        if alike and is_near and citation.time - groups[-1][0].time <= GROUP_SECONDS:
            groups[-1].append(citation)
        else:
            groups.append([citation])
    groups.sort(key=lambda group: min(places[id(citation)] for citation in group))
    return groups


def _halves(group: Sequence[Citation]) -> List[List[Citation]]:
    """Split a group by time into two, to fetch separately; [] if it spans a single second."""
    if not group or int(group[0].time) == int(group[-1].time):
        return []
    middle = (group[0].time + group[-1].time) / 2
    return [
        [citation for citation in group if citation.time <= middle],
        [citation for citation in group if citation.time > middle],
    ]


def _check_events(
    groups: List[List[Citation]],
    searcher: Searcher,
    shared: Optional[Searcher],
    checked: Checked,
    timeout: float,
) -> None:
    """Check groups of citations. A group whose time holds too many events is halved and retried."""
    for _fetch_number in range(MAX_FETCHES):
        if not groups:
            return
        group = groups.pop(0)
        _check_group(group, searcher, shared, checked, timeout)
        groups += _halves([citation for citation in group if citation.reason == _too_many()])
    for citation in (citation for group in groups for citation in group if not citation.reason):
        _leave(citation, f"It was not checked: one check runs at most {MAX_FETCHES} searches.")


def _too_many() -> str:
    return f"There were more than {EVENTS_PER_FETCH} events to search."


def _check_group(
    group: Sequence[Citation],
    searcher: Searcher,
    shared: Optional[Searcher],
    checked: Checked,
    timeout: float,
) -> None:
    try:
        group, rows = _found_of(group, _fetched(group, searcher, timeout), NOT_FOUND)
        if shared is not None and group:
            group, rows = _found_of(group, _fetched(group, shared, timeout), NOT_SHARED)
    except SearchFailed as error:
        for citation in group:
            _leave(citation, f"It could not be fetched: {error}")
        return
    for citation in group:
        _check_quote(citation, _nearest(citation, rows[citation.sha256]), checked)


def _fetched(group: Sequence[Citation], searcher: Searcher, timeout: float) -> SearchResult:
    earliest = float(int(group[0].time))
    latest = float(int(group[-1].time) + 1)
    return searcher.run(
        str(_fetch(group)),
        spl.number(earliest),
        spl.number(latest),
        limit=EVENTS_PER_FETCH,
        timeout=timeout,
    )


def _found_of(
    group: Sequence[Citation], result: SearchResult, why_not: str
) -> Tuple[List[Citation], Mapping[str, List[Mapping[str, Any]]]]:
    """Return the citations whose events were found, and all rows by the hash of their text.

    Each other citation gets the reason why its event was not found.
    """
    known: Dict[str, List[Mapping[str, Any]]] = {}
    for row in result.rows:
        known.setdefault(sha256_of(Event.from_row(row).raw), []).append(row)
    missing = [citation for citation in group if citation.sha256 not in known]
    for citation in missing:
        if len(result.rows) >= EVENTS_PER_FETCH:
            _leave(citation, _too_many())
        elif result.lacking():
            _leave(
                citation,
                f"It was not in the results, which may be incomplete: {result.lacking()[0]}",
            )
        else:
            _reject(citation, why_not)
    return [citation for citation in group if citation.sha256 in known], known


def _nearest(citation: Citation, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Choose the cited row among events with the same text: by address, else by nearest time."""

    def distance(row: Mapping[str, Any]) -> Tuple[bool, float]:
        event = Event.from_row(row)
        return event.cd != citation.cd, abs(event.time - citation.time)

    return min(rows, key=distance)


def _fetch(group: Sequence[Citation]) -> spl.Search:
    index = spl.field_is("index", group[0].index)
    # A change event counts only where change events are expected, not in every index.
    search = change_events(index) if group[0].kind == "change" else spl.Search(index)
    search = with_entity(search).pipe(ADDRESS)
    addresses = sorted({citation.cd for citation in group})
    if all(addresses):
        search = search.pipe(spl.command("search", spl.any_of("event_cd", addresses)))
    return search.pipe(
        spl.command("head", spl.number(EVENTS_PER_FETCH)),
        spl.fields("table", [*EVENT_FIELDS, *CHANGE_FIELDS]),
    )


def _check_quote(citation: Citation, row: Mapping[str, Any], checked: Checked) -> None:
    event = Event.from_row(row)
    if abs(event.time - citation.time) > 1.0:
        _reject(citation, "The event with that text has a different time.")
        return
    checked.events[citation.id] = event
    if citation.kind == "change":
        checked.changes[citation.id] = Change.from_row(row)
    if holds_quote(event.raw, citation.quote):
        citation.status, citation.reason = "verified", ""
    else:
        _reject(citation, "The event was found, but it does not contain the quote.")


def _check_number(citation: Citation, searcher: Searcher, timeout: float) -> None:
    if citation.value is None:
        _reject(citation, "It states no number.")
        return
    try:
        citation.quote = sentence(citation.statistic, citation.parameters, citation.value)
        counted = count(searcher, citation.statistic, citation.parameters, timeout)
    except ValueError as error:
        _reject(citation, f"It could not be counted again: {error}")
        return
    except SearchFailed as error:
        _leave(citation, f"It could not be counted again: {error}")
        return
    said = f"Counted again, it is {counted.number:g}, not {citation.value:g}."
    if abs(counted.number - citation.value) <= NUMBER_TOLERANCE * max(1.0, abs(citation.value)):
        citation.status, citation.reason = "verified", ""
    elif counted.warnings:
        _leave(citation, f"{said} Results may be incomplete: {counted.warnings[0]}")
    else:
        _reject(citation, said)


def _reject(citation: Citation, reason: str) -> None:
    citation.status, citation.reason = "rejected", reason


def _leave(citation: Citation, reason: str) -> None:
    citation.status, citation.reason = "unchecked", reason


def counts(citations: Sequence[Citation]) -> Dict[str, int]:
    """Return how many citations are ``verified``, ``rejected`` and ``unchecked``."""
    found = Counter(citation.status for citation in citations)
    return {status: found[status] for status in ("verified", "rejected", "unchecked")}
