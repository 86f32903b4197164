"""Read a fired saved search and the settings of its action ``open_incident``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ...conf_values import listed
from ..errors import Invalid, RoutingError
from ..model import Document
from ..severities import DEFAULT_SEVERITY, configured_severity
from ..signal import LINK_CHARACTERS, MAX_ACTIONS, NAME_CHARACTERS

__all__ = ["Alert", "first_names", "params_of", "run_of"]

PARAM = "action.open_incident.param."
DEFAULT_WINDOW = "15m"

# scheduler__<owner>__<app>__RMD5<hash>_at_<scheduled time>_<number>, see Splunk's Search Manual,
# "Dispatch directory and search artifacts".
_SCHEDULED = re.compile(r"_at_(\d+)_")


@dataclass(frozen=True)
class Alert:
    """A fired saved search with the settings of its action (param.* of ``open_incident``).

    ``result`` is the number of its result if the search triggers for each result
    (``alert.digest_mode = 0``), so that each result is a finding of its own; else empty.
    """

    rule: str
    app: str
    owner: str
    sid: str
    severity: str = "medium"
    entity_field: str = "entity"
    dedup_fields: Tuple[str, ...] = ("entity",)
    title: str = ""
    description: str = ""
    group: bool = True
    search: Mapping[str, Any] = field(default_factory=dict)
    runbook: str = ""
    actions: Tuple[str, ...] = ()
    problems: Tuple[str, ...] = ()
    tags: str = ""
    after: Mapping[str, Any] = field(default_factory=dict)
    group_fields: Tuple[str, ...] = ()
    per_result: bool = True
    result: str = ""

    @classmethod
    def from_params(
        cls,
        params: Mapping[str, Any],
        rule: str,
        app: str,
        owner: str,
        sid: str,
        search: Optional[Mapping[str, Any]] = None,
        result: str = "",
    ) -> Alert:
        """Read ``param.*`` (without that prefix).

        A malformed value does not prevent the incident: its default is used, and ``problems`` gets
        a sentence.
        """
        setting = f"Alert '{rule}': action.open_incident.param.severity"
        severity, unknown = configured_severity(params.get("severity"), DEFAULT_SEVERITY, setting)
        problems = [unknown] if unknown else []
        entity_field = str(params.get("entity_field") or "entity").strip()
        after, wrong = _condition(params)
        problems.extend(f"Alert '{rule}': {sentence}" for sentence in wrong)
        return cls(
            rule=rule,
            app=app,
            owner=owner,
            sid=sid,
            severity=severity,
            entity_field=entity_field,
            dedup_fields=listed(params.get("dedup_fields")) or (entity_field,),
            # "$name$: " is ": " where | sendalert runs the action for a search without a name.
            title=str(params.get("title") or "").removeprefix(": "),
            description=str(params.get("description") or ""),
            group=_is_on(params, "group"),
            search=dict(search or {"name": rule, "app": app, "owner": owner}),
            runbook=str(params.get("runbook") or "").strip()[:LINK_CHARACTERS],
            actions=first_names(params.get("actions"), MAX_ACTIONS),
            problems=tuple(problems),
            tags=str(params.get("tags") or ""),
            after=after,
            group_fields=listed(params.get("group_fields")),
            per_result=bool(result) or _is_on(params, "per_result"),
            result=result,
        )

    @property
    def run(self) -> str:
        """The run's name; if each result triggers, each has a run of its own."""
        run = run_of(self.sid)
        return f"{run}:{self.result}" if self.result else run

    def common(self) -> Document:
        """Return what all findings of this run share, in the JSON of ``POST /signals``."""
        more: Document = {"after": dict(self.after)} if self.after else {}
        return {
            **more,
            "rule": self.rule,
            "app": self.app,
            "owner": self.owner,
            "severity": self.severity,
            "sid": self.sid,
            "run": self.run,
            "search": dict(self.search),
            "group": self.group,
            "runbook": self.runbook,
            "actions": list(self.actions),
        }


def _is_on(params: Mapping[str, Any], name: str) -> bool:
    """Read a setting that is on by default."""
    return str(params.get(name, "1")).strip().lower() not in ("0", "false", "no")


def _condition(params: Mapping[str, Any]) -> Tuple[Document, List[str]]:
    """Read ``after_signals``, ``after_rules`` and ``after_window``; if malformed, none applies."""
    texts = [str(params.get(f"after_{name}") or "").strip() for name in ("signals", "rules")]
    if not any(texts):
        return {}, []
    from ..routing import duration
    from . import conditions

    for text in texts:
        if text and not text.isdecimal():
            sentence = f"after_signals and after_rules must be whole numbers, not '{text[:40]}'."
            return {}, [f"{sentence} Its incidents open at once."]
    try:
        window = str(params.get("after_window") or "").strip() or DEFAULT_WINDOW
        seconds = duration(window, "action.open_incident.param.after_window")
        signals, rules = (int(text or 0) for text in texts)
        given = {"signals": signals, "rules": rules, "seconds": seconds}
        return conditions.check(given), []
    except (Invalid, RoutingError) as error:
        return {}, [f"{error} Its incidents open at once."]


def params_of(settings: Mapping[str, str]) -> Dict[str, str]:
    """Return a saved search's settings for the alert action, without their prefix."""
    return {key[len(PARAM) :]: value for key, value in settings.items() if key.startswith(PARAM)}


def first_names(text: Any, most: int) -> Tuple[str, ...]:
    """Return the first ``most`` names of a list, each cut to the length that the API accepts."""
    return tuple(name[:NAME_CHARACTERS] for name in listed(text)[:most])


@lru_cache(maxsize=100)
def run_of(sid: str) -> str:
    """Return the name of a detection's run: its scheduled time, else the search id.

    The scheduled time, because a run that is repeated after a restart has another search id. A
    real-time search has no such time: the ids of all its triggers contain the time of its start,
    and end in ``_<number>.<trigger>``.
    """
    match = None if sid.startswith("rt_") else _SCHEDULED.search(sid)
    return f"at:{match.group(1)}" if match else f"sid:{sid}"
