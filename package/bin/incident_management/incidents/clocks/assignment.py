"""Assign incidents to people: on request, on escalation, and incidents that wait for an owner.

:mod:`..routing` chooses the person; this module supplies everybody's open work, and writes the
timeline entry with the explanation. If two workers choose at once, the first entry counts. Open
work is read just before, so two requests at once may together exceed a capacity by one incident.
The worker does not: it counts what it assigns.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ...ports import Clock, Document, Stores
from .. import covers, lifecycle, timeline
from ..act import Act
from ..errors import Invalid
from ..fold import effective
from ..model import ACTOR, SEVERITIES, Entry, Incident
from ..routing import Choice, Path, Routing, Step
from ..routing.values import user_name
from ..stores import IS_OPEN, any_of
from .lives import lives_of

__all__ = [
    "assign",
    "assign_waiting",
    "choose_assignee",
    "escalate",
    "escalation_data",
    "loads",
    "required_skills",
    "with_covers",
]

# The most open incidents that are read to add up people's open work.
MAX_COUNTED = 20_000
# The most waiting incidents read in one round. If there are more, this many of each team: a team in
# which nobody can take any must not block the others.
MAX_WAITING = 2000
GRAVEST_FIRST = "severity_rank:-1,opened_at:1"

# The fields read of a waiting incident: its assignment, and what the rules compare.
_WAITING_FIELDS = (
    *("id", "team", "owner", "status", "severity", "handed_on", "opened_at"),
    *("entities", "rules", "tags", "fields"),
)

Explained = Tuple[str, str]


def assign(
    act: Act, routing: Routing, incident_id: str, owner: str = "", team: str = ""
) -> Incident:
    """Assign an incident to a person, a team, or both; for a team alone, choose a member.

    Raises:
        Invalid: neither is named, or a team that does not exist.
        NotFound, IllegalMove: there is no such incident, or it is over.
    """
    if not owner and not team:
        raise Invalid("Name an owner or a team to assign the incident to.")
    routing.check_team(team)
    incident = timeline.current(act.stores, incident_id)
    lifecycle.require_open(incident, "assigned")
    data: Document = {"owner": user_name(owner), "team": team}
    if team and not owner and routing.assigns(team):
        data = choose_assignee(act.stores, act.clock, routing, incident, team).to_data()
    return timeline.record(act, incident_id, "assigned", data, act.once)


def escalate(
    act: Act, routing: Routing, incident_id: str, reason: str, owner: str = "", team: str = ""
) -> Incident:
    """Escalate an open incident; without team and owner, to the next step of its path.

    Nothing happens if an entry with the act's ``once`` exists.

    Raises:
        Invalid: no reason, or a team that does not exist.
        NotFound, IllegalMove: there is no such incident, or it is over.
    """
    owner = user_name(owner)
    routing.check_team(team)
    if not reason.strip():
        raise Invalid("An escalation needs a reason for the person who gets the incident.")
    entries = timeline.read_existing(act.stores, incident_id)
    if act.once and any(entry.once == act.once for entry in entries):
        return timeline.refresh(act.stores, incident_id)
    incident = timeline.fold(entries)
    lifecycle.require_open(incident, "escalated")
    if not owner:
        routing = with_covers(act.stores, act.clock, routing)
    step = Step(0, 0.0, team, owner) if owner or team else _next_step(entries, incident, routing)
    choose = partial(
        choose_assignee, act.stores, act.clock, routing, incident, excluded=incident.owner
    )
    data = escalation_data(incident, step, reason, routing, act.clock.now(), choose)
    if step.channels:
        data["channels"] = list(step.channels)
    return timeline.record(act, incident_id, "escalation", data, act.once)


def escalation_data(
    incident: Incident,
    step: Step,
    reason: str,
    routing: Routing,
    now: float,
    choose: Callable[[str], Choice],
) -> Document:
    """Return the data of the entry that escalates an incident by a step.

    ``choose`` returns who takes the incident if the step names only a team.
    """
    owner, team = step.member, step.team
    by_rota: Document = {}
    if step.rota:
        duty, by_rota = routing.on_call.takes(step.rota, now, incident.owner)
        owner, reason = duty.person, f"{_as_sentence(reason)} {duty.reason}"
    if team and not owner and routing.assigns(team):
        choice = choose(team)
        owner, team, by_rota = choice.owner, choice.team, choice.by_rota
        reason = f"{_as_sentence(reason)} {choice.reason}"
    return {**by_rota, "level": incident.level + 1, "owner": owner, "team": team, "reason": reason}


def _as_sentence(reason: str) -> str:
    """Return a person's text with a full stop, so that another sentence may follow."""
    text = reason.strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def choose_assignee(
    stores: Stores,
    clock: Clock,
    routing: Routing,
    incident: Incident,
    team: str,
    excluded: str = "",
) -> Choice:
    """Return who of a team, or of its fallback teams, takes an incident now.

    ``excluded``: the user who must not get it, because an escalation has to reach another person.
    """
    routing = with_covers(stores, clock, routing)
    load = loads(stores, routing, _people_of_teams(routing, [team]))
    if incident.owner in load:
        # The owner's work on this incident does not count against keeping it.
        load[incident.owner] -= routing.weight(incident.severity)
    skills = required_skills(routing, incident, team)
    return routing.choose(team, incident.severity, skills, load, clock.now(), excluded)


def with_covers(
    stores: Stores, clock: Clock, routing: Routing, since: float = float("inf")
) -> Routing:
    """Return the routing with the covers that people agreed on; unchanged if it has them.

    ``since``: include covers that ended after this moment, if it is earlier than needed for now.
    """
    if not routing.rotas or routing.covers is not None:
        return routing
    found = covers.covers_since(stores, min(since, routing.on_call.lookback_start(clock.now())))
    return replace(routing, covers=found)


def required_skills(routing: Routing, incident: Incident, team: str) -> Tuple[str, ...]:
    """Return the skills that the rule requires which assigns the incident to this team."""
    named = (incident.entities, incident.rules, incident.tags, incident.field_values)
    decision = routing.decide(incident.severity, *named)
    return decision.skills if decision.team == team else ()


def loads(stores: Stores, routing: Routing, names: Iterable[str]) -> Dict[str, float]:
    """Return the points of open work by user name."""
    found = dict.fromkeys(names, 0.0)
    if not found:
        return found
    query = {"$and": [IS_OPEN, any_of("owner", sorted(found))]}
    work = stores.incidents.find(query, "opened_at:1", MAX_COUNTED, fields=("owner", "severity"))
    for document in work:
        found[str(document["owner"])] += routing.weight(str(document.get("severity")))
    return found


def assign_waiting(
    stores: Stores, clock: Clock, routing: Routing, explained: Optional[Set[Explained]] = None
) -> Dict[str, int]:
    """Assign incidents that have a team, but no owner from it, to members who can take them now.

    An incident that was handed to a team in which nobody could take it keeps its owner until then.
    An incident that nobody can take gets an entry that says why, once in its life. It is tried
    again when a shift begins or work is done. Safe to repeat and to run twice at once.

    Args:
        explained: the incidents with that entry, and their teams. Keep the set between calls: it
            saves reading the incidents again.

    Returns:
        The numbers of assigned and of explained incidents.
    """
    explained = set() if explained is None else explained
    routing = with_covers(stores, clock, routing)
    teams = [name for name in routing.teams if routing.assigns(name)]
    waiting, moving, load = _next_to_assign(stores, clock, routing, teams, explained)
    explained &= {(incident.id, incident.team) for incident in waiting.values()}
    if not moving:
        return {"incidents_assigned": 0, "incidents_unassigned": 0}
    timelines = timeline.read_many(stores, moving)
    new: List[Entry] = []
    for entries in timelines.values():
        incident = timeline.fold(entries) if entries else None
        if incident is not None and _is_waiting(incident) and routing.assigns(incident.team):
            new.extend(_waiting_entries(routing, incident, entries, load, clock.now()))
    timeline.write(stores, new)
    timeline.refresh_many(stores, [entry.incident_id for entry in new])
    given = {entry.incident_id for entry in new if entry.kind == "assigned"}
    explained |= {(key, waiting[key].team) for key in moving}
    explained -= {(key, waiting[key].team) for key in given}
    assigned = len(given)
    return {"incidents_assigned": assigned, "incidents_unassigned": len(new) - assigned}


def _next_to_assign(
    stores: Stores, clock: Clock, routing: Routing, teams: Sequence[str], explained: Set[Explained]
) -> Tuple[Dict[str, Incident], List[str], Dict[str, float]]:
    """Return waiting incidents by id, the ids to handle now, and the open work by user."""
    # A query for one team reads as many new incidents as a query for all teams.
    documents = _waiting(stores, teams) if teams else []
    if len(documents) == MAX_WAITING:
        documents = [one for team in teams for one in _waiting(stores, [team])]
    if not documents:
        return {}, [], {}
    found = sorted(map(Incident.from_document, documents), key=_gravest_first)
    load = loads(stores, routing, _people_of_teams(routing, teams))
    moving = _assignable(routing, found, dict(load), explained, clock.now())
    return {incident.id: incident for incident in found}, moving, load


def _gravest_first(incident: Incident) -> Tuple[int, float]:
    # An incident that lost its opening entry has no ``opened_at``.
    return (SEVERITIES.index(incident.severity), incident.opened_at or 0.0)


def _assignable(
    routing: Routing,
    waiting: Iterable[Incident],
    load: Dict[str, float],
    explained: Set[Explained],
    now: float,
) -> List[str]:
    """Return the ids that somebody can take now, or that do not have the explanation yet."""
    found: List[str] = []
    # If nobody can take an incident regardless of skills, the rules need not be evaluated. In a
    # night without anybody on shift that saves thousands of evaluations in each round.
    hopeless: Set[Tuple[str, str, str]] = set()
    for incident in waiting:
        kind = (incident.team, incident.severity, incident.owner)
        owner = ""
        if kind not in hopeless:
            owner = _choice(routing, incident, (), load, now).owner
            if not owner:
                hopeless.add(kind)
        if owner:
            skills = required_skills(routing, incident, incident.team)
            owner = _choice(routing, incident, skills, load, now).owner
        if owner:
            load[owner] = load.get(owner, 0.0) + routing.weight(incident.severity)
        if owner or (incident.id, incident.team) not in explained:
            found.append(incident.id)
    return found


def _choice(
    routing: Routing, incident: Incident, skills: Sequence[str], load: Dict[str, float], now: float
) -> Choice:
    """Choose who of its team, except for its owner, takes an incident now."""
    team, severity, owner = incident.team, incident.severity, incident.owner
    return routing.choose(team, severity, skills, load, now, owner)


def _waiting_entries(
    routing: Routing,
    incident: Incident,
    entries: Sequence[Entry],
    load: Dict[str, float],
    now: float,
) -> List[Entry]:
    """Return the entry that assigns an incident, or says that nobody can take it; or none."""
    skills = required_skills(routing, incident, incident.team)
    choice = _choice(routing, incident, skills, load, now)
    written: Set[str] = {entry.once for entry in entries}
    life = len(lives_of(entries))
    data = choice.to_data()
    if choice.owner:
        load[choice.owner] = load.get(choice.owner, 0.0) + routing.weight(incident.severity)
        number = sum(once.startswith("assign:") for once in written)
        kind, once = "assigned", f"assign:{life}:{number}"
        data["vacant"] = True
        if incident.owner:
            data["instead_of"] = incident.owner
    else:
        if incident.owner:
            data["reason"] += f" {incident.owner} keeps the incident until then."
        kind, once = "unassigned", f"unassigned:{life}:{choice.team}"
    if once in written:
        return []
    head = timeline.head_of(entries)
    return [Entry.create(incident.id, kind, data, ACTOR, now, head, once)]


def _is_waiting(incident: Incident) -> bool:
    return incident.status == "new" or (incident.status == "assigned" and incident.handed_on)


def _waiting(stores: Stores, teams: Sequence[str]) -> List[Document]:
    """Read the most severe incidents of these teams that wait for an owner."""
    kept_for_now: Document = {"$and": [{"status": "assigned"}, {"handed_on": True}]}
    waiting: Document = {"$or": [{"status": "new"}, kept_for_now]}
    query = {"$and": [any_of("team", teams), waiting]}
    return stores.incidents.find(query, GRAVEST_FIRST, MAX_WAITING, fields=_WAITING_FIELDS)


def _people_of_teams(routing: Routing, teams: Iterable[str]) -> Set[str]:
    """Return all people of these teams and of their fallback teams."""
    seen: Set[str] = set()
    left = list(teams)
    while left:
        name = left.pop()
        if name in routing.teams and name not in seen:
            seen.add(name)
            left.append(routing.teams[name].fallback)
    return {person for name in seen for person in routing.people_of(name)}


def _next_step(entries: Sequence[Entry], incident: Incident, routing: Routing) -> Step:
    """Return the step of an escalation for which a person named no team or owner."""
    lives = lives_of(entries)
    change = lives[-1].changes[-1] if lives else None
    path = routing.path(change.severity, change.team) if change else None
    if path is None:
        return Step(0, 0.0)
    taken = _taken_steps(entries, path)
    later = [step for step in path.steps if step.number not in taken]
    return later[0] if later else path.steps[-1]


def _taken_steps(entries: Sequence[Entry], path: Path) -> Set[int]:
    """Return the numbers of the path's steps that were taken before."""
    said: List[Mapping[str, object]] = [
        entry.data for entry in effective(entries) if entry.kind == "escalation"
    ]
    by_worker = {int(str(data["step"])) for data in said if data.get("path") == path.name}
    by_hand = [data for data in said if not data.get("path")]
    left = [step.number for step in path.steps if step.number not in by_worker]
    return by_worker | set(left[: len(by_hand)])
