"""A whole review: the timeline's account, people's texts and the follow-ups."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence

from ...channels import NAMES
from ...ports import Document, Stores
from ...utc import to_the_second as utc
from .. import timeline
from ..editing import WITHDRAWN, version
from ..model import Incident
from ..report import (
    escape_lines,
    escape_markdown,
    format_duration,
    format_utc,
    markdown_link,
    response_times,
    roles_held,
)
from ..routing import CustomFields
from ..signal import SIMULATED, TEXT_CHARACTERS
from ..stored_shapes import read_analysis
from .review_state import ENDING, SECTIONS, due_day
from .statements import Account, ReviewedTimeline, Statement
from .timeline_account import TITLES, account_of, newest_analysis

__all__ = ["Review", "needs_review", "read_review"]

# No review is due if the finding was rated as one of these.
NO_PROBLEM = ("false_positive", "duplicate")
MOST_PROBLEMS = 10
_STATES = {"": "not begun", "begun": "begun", "done": "done", "not_needed": "not needed"}


def needs_review(incident: Incident, severities: Collection[str]) -> bool:
    """Tell whether an incident needs a review when it is over.

    ``severities``: ``review_severities`` of incident_routing.conf. A merged incident is reviewed
    with the one it was merged into. Withdrawn, test and false-positive incidents need none.
    """
    return (
        incident.severity in severities
        and not incident.merged_into
        and SIMULATED not in incident.rules
        and incident.feedback not in NO_PROBLEM
        and not incident.resolution.startswith(WITHDRAWN)
    )


class Review:
    """One incident's review in its current state.

    ``problems`` say why the timeline may be incomplete, as far as that is known. ``fields``: the
    currently defined custom fields.
    """

    def __init__(
        self,
        story: ReviewedTimeline,
        analysis: Optional[Mapping[str, Any]],
        severities: Collection[str],
        problems: Sequence[str],
        fields: Optional[CustomFields] = None,
    ) -> None:
        self.story = story
        self.incident = story.incident
        self.problems = list(problems)
        self.etag = version(self.incident.head)
        self.wanted = needs_review(self.incident, severities)
        self.found: Account = account_of(story, analysis, self._empty(fields or CustomFields()))

    def _empty(self, fields: CustomFields) -> List[str]:
        """Return the labels of required fields that are empty although the incident is over."""
        one = self.incident
        if one.is_open or one.merged_into or one.resolution.startswith(WITHDRAWN):
            return []
        return [field.label for field in fields.lacking(one.severity, one.team, one.fields)]

    @property
    def due(self) -> bool:
        """Whether a review is needed, the incident is over, and the review was not ended."""
        said = self.incident.review in ENDING
        return self.wanted and not self.incident.is_open and not said

    def to_document(self) -> Document:
        """Return the review as the API shows it."""
        incident, after = self.incident, self.story.state.review_state
        said = after.said
        return {
            "incident_id": incident.id,
            "title": incident.title,
            "severity": incident.severity,
            "status": incident.status,
            "problems": self.problems,
            "state": incident.review,
            "wanted": self.wanted,
            "due": self.due,
            "said_by": said.actor if said else "",
            "said_at": said.time if said else 0.0,
            "reason": str(said.data.get("reason") or "") if said else "",
            "measures": response_times(incident),
            "lives": [life.to_document() for life in self.story.lives],
            "account": [
                {
                    "name": name,
                    "title": title,
                    "statements": [one.to_document() for one in self.found[name]],
                }
                for name, title in TITLES.items()
            ],
            "written": self._written(),
            "follow_ups": incident.follow_ups,
        }

    def _written(self) -> List[Document]:
        written = self.story.state.review_state.written
        return [
            {
                "name": name,
                "title": title,
                "text": str(written[name].data[name]) if name in written else "",
                "by": written[name].actor if name in written else "",
                "at": written[name].time if name in written else 0.0,
            }
            for name, title in SECTIONS.items()
        ]

    def to_markdown(self) -> str:
        """Return the review as one document for a wiki; people's texts are masked and escaped."""
        incident = self.incident
        lines = [f"# Review of {incident.id}: {_cell(incident.title)}", "", *self._facts(), ""]
        for one in self._written():
            if one["text"]:
                lines += [f"## {one['title']}", "", *escape_lines(one["text"], TEXT_CHARACTERS), ""]
                lines += [f"— {_cell(one['by'])}, {utc(one['at'])}", ""]
        lines += ["## Follow-ups", "", *self._follow_ups(), ""]
        lines += ["# What the timeline says", ""]
        lines += ["Generated from the incident's timeline; each line names its entry.", ""]
        if self.problems:
            lines += ["**The timeline is incomplete, so parts of this review may be missing.**", ""]
            lines += [*(f"- {_cell(problem)}" for problem in self.problems[:MOST_PROBLEMS]), ""]
        for name, title in TITLES.items():
            lines += [f"## {title}", "", *_table(self.found[name]), ""]
        return "\n".join(lines).rstrip("\n") + "\n"

    def _facts(self) -> List[str]:
        incident, after = self.incident, self.story.state.review_state
        state = _STATES[incident.review]
        if after.said is not None:
            state += f", set by {after.said.actor} at {utc(after.said.time)}"
        reason = str(after.said.data.get("reason") or "") if after.said else ""
        took = {
            name: format_duration(seconds) for name, seconds in response_times(incident).items()
        }
        rows: Dict[str, str] = {
            "Severity": incident.severity,
            "Status": incident.status.replace("_", " "),
            "Owner, team": ", ".join(one for one in (incident.owner, incident.team) if one),
            "Roles": roles_held(incident),
            "Review": f"{state}: {reason}" if reason else state,
            "Time to detect": took["detect"],
            "Time to acknowledge": took["acknowledge"],
            "Time to resolve": took["resolve"],
            **{
                escape_markdown(name.replace("_", " ")): value
                for name, value in incident.fields.items()
            },
        }
        return ["| | |", "|---|---|", *(f"| {n} | {_cell(t) or '–'} |" for n, t in rows.items())]

    def _follow_ups(self) -> List[str]:
        if not self.incident.follow_ups:
            return ["None."]
        lines = ["| | what | owner | due | state | tickets |", "|---|---|---|---|---|---|"]
        for one in self.incident.follow_ups:
            state = ": ".join(part for part in (one["state"], one["reason"]) if part)
            cells = (one["id"], one["title"], one["owner"], due_day(one), state)
            tickets = ", ".join(map(_ticket, one.get("tickets") or ()))
            lines.append("| " + " | ".join([*map(_cell, cells), tickets or "–"]) + " |")
        return lines


def read_review(
    stores: Stores,
    incident_id: str,
    severities: Collection[str],
    fields: Optional[CustomFields] = None,
) -> Review:
    """Read the review of an incident. Raises NotFound for an unknown id."""
    entries, verdict = timeline.read_verified(stores, incident_id)
    story = ReviewedTimeline(entries)
    analysis = read_analysis(stores, newest_analysis(story))
    return Review(story, analysis, severities, verdict.problems, fields)


def _table(statements: List[Statement]) -> List[str]:
    lines = ["| | time (UTC) | who | entry |", "|---|---|---|---|"]
    for one in statements:
        cells = ("–", "–", "–")
        if one.sources:
            source, more = one.sources[0], len(one.sources) - 1
            key = source.key[:12] + (f" and {more} more" if more else "")
            cells = (format_utc(source.time), _cell(source.actor), key)
        lines.append(f"| {_cell(one.text)} | {' | '.join(cells)} |")
    return lines


def _ticket(one: Mapping[str, Any]) -> str:
    """Return a ticket's name, as a link if its service has reported the address."""
    service, url = NAMES[one["channel"]], str(one.get("url") or "")
    if one["state"] != "made":
        return _cell(f"{service}: {one['state']}")
    return markdown_link(f"{service} {one['number']}", url)


def _cell(value: Any) -> str:
    """Return a text as one line, with secrets masked and syntax escaped."""
    return escape_markdown(value, TEXT_CHARACTERS)
