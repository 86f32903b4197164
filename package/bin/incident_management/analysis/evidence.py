"""Evidence of an analysis: events with an address, citations, and findings."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional

from ..detection.templates.miner import exception_line
from ..masking import mask

__all__ = [
    "Citation",
    "Event",
    "Finding",
    "first_text",
    "masked_line",
    "number",
    "sha256_of",
    "visible",
]

QUOTE_LIMIT = 400
"""Longest quote kept in a citation, in characters."""
READ_LIMIT = 20_000
"""Characters that are masked for it: what is masked before the limit is shorter then, and a secret
that is cut off at the end of these is far behind it."""

_HIDING = {"Cf", "Co", "Cs", "Cn"}
"""Unicode's categories of format characters, and of those that no script has."""
# Invisible marks and letters. Variation selectors can spell any text behind one emoji; a single one
# after a sign is part of normal emoji.
_SHAPELESS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]"
    "|(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]"
)
LOOKED_AT = 4000
"""Characters of an event that ranking looks at: a megabyte would take it seconds."""


def sha256_of(raw: str) -> str:
    """Return the SHA-256 of an event's text as 64 hex digits; it is part of the event's address."""
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


def number(value: Any, default: float = 0.0) -> float:
    """Return a search result's value as a number, or ``default`` if it is none."""
    try:
        return float(first_text(value))
    except ValueError:
        return default


def first_text(value: Any) -> str:
    """Return a search result's value as text: the first of several values, "" for none."""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    return "" if value is None else str(value)


def visible(text: str) -> str:
    """Return a text without characters that are invisible or that reorder others.

    With such characters, a log line can say something to a model that no reader sees, or hide the
    name of a secret.
    """
    if text.isascii():
        return text
    seen = "".join(c for c in text if unicodedata.category(c) not in _HIDING)
    return _SHAPELESS.sub("", seen)


def masked_line(sentence: str) -> str:
    """Return a sentence as it is stored: one line, secrets masked.

    It may quote changes and logs. Invisible and reordering characters become �, so that a verdict
    says what it shows.
    """
    line = " ".join(mask(sentence).splitlines())
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return line if line.isascii() else _SHAPELESS.sub("\N{REPLACEMENT CHARACTER}", line)


@dataclass(frozen=True)
class Event:
    """One indexed event and its address.

    ``time`` is epoch seconds. ``cd`` and ``bkt`` are splunkd's own address of the event (fields
    ``_cd`` and ``_bkt``), "" if the search did not return them.
    """

    time: float
    raw: str
    index: str = ""
    entity: str = ""
    sourcetype: str = ""
    cd: str = ""
    bkt: str = ""

    @property
    def begins(self) -> str:
        """Return the part of the text that is examined: the first :data:`LOOKED_AT` characters."""
        return self.raw[:LOOKED_AT]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Event:
        """Build an event from a result row of one of the finders' searches."""
        return cls(
            time=number(row.get("event_time") or row.get("_time")),
            raw=first_text(row.get("_raw")),
            index=first_text(row.get("index")),
            entity=first_text(row.get("entity")),
            sourcetype=first_text(row.get("sourcetype")),
            cd=first_text(row.get("event_cd")),
            bkt=first_text(row.get("event_bkt")),
        )


@dataclass
class Citation:
    """The proof of a claim: an event's address and a quote, or a number and how it was counted.

    A number names a statistic of :mod:`.statistics` and its parameters, never SPL, so that checking
    it runs only searches that this app wrote.

    Attributes:
        kind: ``event``, ``change`` (a change event) or ``number``.
        status: ``unchecked`` until code has looked for it again, then ``verified`` or ``rejected``.
        reason: why it is not verified.
    """

    kind: str
    quote: str
    time: float = 0.0
    index: str = ""
    entity: str = ""
    sourcetype: str = ""
    cd: str = ""
    bkt: str = ""
    sha256: str = ""
    statistic: str = ""
    parameters: Dict[str, Any] = field(default_factory=dict)
    value: Optional[float] = None
    id: str = ""
    status: str = "unchecked"
    reason: str = ""

    @classmethod
    def of_event(cls, event: Event, quote: str = "", kind: str = "event") -> Citation:
        """Cite an event, with secrets masked.

        Without a quote, the line that names its exception is quoted, or else the beginning of its
        text. A quote is read by people who may see the incident, but not the index.
        """
        return cls(
            kind=kind,
            quote=mask(
                (quote or exception_line(event.raw) or event.raw)[:READ_LIMIT], emails=False
            )[:QUOTE_LIMIT],
            time=event.time,
            index=event.index,
            entity=event.entity,
            sourcetype=event.sourcetype,
            cd=event.cd,
            bkt=event.bkt,
            sha256=sha256_of(event.raw),
        )

    @classmethod
    def of_number(
        cls, statistic: str, parameters: Dict[str, Any], value: float, said: str
    ) -> Citation:
        """Cite a counted number; ``said`` is the sentence that states it."""
        return cls(
            kind="number", quote=said, statistic=statistic, parameters=parameters, value=value
        )

    def identity(self) -> str:
        """Return a value that is equal for two citations of the same thing."""
        return repr((self.kind, self.sha256, self.time, self.cd, self.quote, self.statistic))

    def to_document(self) -> Dict[str, Any]:
        """Return the citation as a JSON object without empty fields."""
        return {k: v for k, v in vars(self).items() if v not in ("", None, {}) and v != 0.0}


@dataclass
class Finding:
    """What one finder found.

    Attributes:
        found, not_found: plain sentences.
        searches: the SPL texts that were run.
        incomplete: splunkd's warnings about searches that may lack results, or why one failed.
    """

    finder: str
    looked_for: str
    found: List[str] = field(default_factory=list)
    not_found: List[str] = field(default_factory=list)
    citations: List[Citation] = field(default_factory=list)
    searches: List[str] = field(default_factory=list)
    incomplete: List[str] = field(default_factory=list)

    def to_document(self) -> Dict[str, Any]:
        """Return what is stored: the sentences, with secrets masked, and the searches."""
        lacks = [f"Results may be incomplete: {reason}" for reason in self.incomplete]
        return {
            "finder": self.finder,
            "looked_for": self.looked_for,
            "found": [masked_line(sentence) for sentence in self.found],
            "not_found": [masked_line(sentence) for sentence in (*lacks, *self.not_found)],
            "incomplete": [masked_line(reason) for reason in self.incomplete],
            "searches": self.searches,
        }
