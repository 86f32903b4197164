"""The answer of the demo's "model": a few rules over the evidence in the request. No model at all.

Its rule: the change whose words return most often in the log lines is the cause. It says only what
stands in the text that it was given, and one thing that doesn't: its last claim quotes a line that
is in no event, so that the check of citations is seen to reject it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

WORD = re.compile(r"[a-z]{4,}|\d+(?:\.\d+)?")
LABEL = "[Rules of the demo, no language model] "
INVENTED = "kernel: Out of memory: Killed process 4711 (orders)"
QUOTE_LENGTH = 180

Event = Mapping[str, str]


def read(asked: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tool's input for the evidence in ``asked``, in the form of ``schema``.

    Raises:
        jsonschema.ValidationError: the schema wants a form that these rules don't know.
    """
    try:
        document = json.loads(asked)
    except ValueError:
        document = {}
    events: list[Event] = document.get("events") or []
    changes = [event for event in events if event["kind"] == "change"]
    lines = [event for event in events if event["kind"] != "change"]
    answer = _answer(changes, lines, document.get("hypotheses") or [])
    Draft202012Validator(schema).validate(answer)
    return answer


def _answer(
    changes: Sequence[Event], lines: Sequence[Event], hypotheses: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    answer: dict[str, Any] = {"order": [], "claims": [], "hypotheses": []}
    if not changes or not lines:
        text = "The events hold no change, or no log line, to compare."
        return {"summary": LABEL + text, "cause_found": False, **answer}
    words = [word for line in lines for word in set(_words(line["text"]))]
    best = max(changes, key=lambda change: sum(words.count(w) for w in _told(change)))
    shared = sorted(_told(best) & set(words))
    line = max(lines, key=lambda one: len(_told(best) & set(_words(one["text"]))))
    change = _parsed(best)
    named = [h["id"] for h in hypotheses if change.get("change_id", "-") in h["cause"]]
    about = {"hypothesis_id": named[0]} if named else {}
    answer["order"] = named
    answer["claims"] = [
        {
            "text": f"{change.get('change_id')} changed {change.get('service')}.",
            "citation_id": best["id"],
            "quote": _quote(best["text"], '"summary"'),
            "stance": "for",
            **about,
        },
        {
            "text": f"The service's log has words of that change: {', '.join(shared[:6])}.",
            "citation_id": line["id"],
            "quote": _telling_line(line["text"], shared),
            "stance": "for",
            **about,
        },
        {
            "text": "The machine ran out of memory.",
            "citation_id": line["id"],
            "quote": INVENTED,
        },
    ]
    text = (
        f"{change.get('change_id')} by {change.get('actor')} changed {change.get('service')}; "
        f"{len(shared)} of its words return in the log lines, more than of any other change."
    )
    return {"summary": LABEL + text, "cause_found": True, **answer}


def _telling_line(text: str, words: Sequence[str]) -> str:
    """Return the line of an event that has most of the words; a line cut short has none."""
    whole = [line for line in text.strip().splitlines() if "…" not in line]
    best = max(whole or [text], key=lambda line: len(set(words) & set(_words(line))))
    return best.strip()[:QUOTE_LENGTH]


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def _told(change: Event) -> set[str]:
    """Return the words of what a change changed, without those that only the feed itself has."""
    parsed = _parsed(change)
    return set(_words(f"{parsed.get('summary', '')} {parsed.get('diff', '')}"))


def _parsed(change: Event) -> dict[str, Any]:
    try:
        document = json.loads(change["text"])
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _quote(text: str, start: str) -> str:
    place = max(text.find(start), 0)
    return text[place : place + QUOTE_LENGTH]
