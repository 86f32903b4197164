"""Gives incidents to people: on request, on escalation, and those that wait for somebody.

:mod:`..routing` chooses; this module tells it who has how much open work, and writes the timeline
entry with the explanation. Of two workers that choose at once the first entry counts. How much
somebody has is read just before, so two requests at once may each give one incident more than a
capacity allows; the worker alone, which gives out what waits, counts as it goes.
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

# More open incidents of one team's people than this are not counted one by one.
MAX_COUNTED = 20_000
# How many waiting incidents are read in one turn; where there are more, this many of each team, as
# those of a team in which nobody can take any must not keep the others waiting.
MAX_WAITING = 2000
GRAVEST_FIRST = "severity_rank:-1,opened_at:1"

# What is read of a waiting incident: whose it is, and what the rules look at.
_WAITING_FIELDS = (
    *("id", "team", "owner", "status", "severity", "handed_on", "opened_at"),
    *("entities", "rules", "tags", "fields"),
)

Explained = Tuple[str, str]


def assign(
    act: Act, routing: Routing, incident_id: str, owner: str = "", team: str = ""
) -> Incident:
    """Give an incident to a person, a team, or both; of a team alone, whoever can take it.

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
    """Hand an open incident one level up; without a team and an owner to the next step of its path.

    Where an entry of the act's ``once`` is there, nothing happens.

    Raises:
        Invalid: no reason, or a team that does not exist.
        NotFound, IllegalMove: there is no such incident, or it is over.
    """
    owner = user_name(owner)
    routing.check_team(team)
    if not reason.strip():
        raise Invalid("An escalation needs a reason, for whoever gets the incident.")
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
    """Return the data of the entry that hands an incident up by a step.

    ``choose`` says who takes it, of a team that the step names alone.
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
    """What a person wrote, so that a sentence may follow."""
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
    """Return who of a team, or of those it falls back to, takes an incident now.

    ``excluded``: who must not get it, because an escalation is to reach somebody else.
    """
    routing = with_covers(stores, clock, routing)
    load = loads(stores, routing, _people_of_teams(routing, [team]))
    if incident.owner in load:
        # What somebody has already is no reason against keeping it.
        load[incident.owner] -= routing.weight(incident.severity)
    skills = required_skills(routing, incident, team)
    return routing.choose(team, incident.severity, skills, load, clock.now(), excluded)


def with_covers(
    stores: Stores, clock: Clock, routing: Routing, since: float = float("inf")
) -> Routing:
    """Return the routing with what people have agreed on: who covers for whom.

    One that has it already, of this moment, comes back as it is.

    ``since``: with what ended after this moment, too, where that is long ago.
    """
    if not routing.rotas or routing.covers is not None:
        return routing
    found = covers.covers_since(stores, min(since, routing.on_call.looks_back_to(clock.now())))
    return replace(routing, covers=found)


def required_skills(routing: Routing, incident: Incident, team: str) -> Tuple[str, ...]:
    """Return what the rule that gives an incident to this team asks for."""
    named = (incident.entities, incident.rules, incident.tags, incident.field_values)
    decision = routing.decide(incident.severity, *named)
    return decision.skills if decision.team == team else ()


def loads(stores: Stores, routing: Routing, names: Iterable[str]) -> Dict[str, float]:
    """Return the points of open work of each of these people."""
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
    """Give incidents that have a team, and no owner of it, to whoever can take them now.

    Of those that were handed on to a team when nobody of it could take them, somebody else is the
    owner until then. One that nobody can take gets an entry that says why, once in its life, and
    is looked at again when somebody's shift begins or work is done. Safe to repeat and to run
    twice at once.

    Args:
        explained: incidents that have that entry, and their teams; kept between calls, it saves
            reading them.
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
    """Return what waits, the gravest first, the ids of what can be placed, and who has how much."""
    # A query of one team looks at all that are new, as one of all teams does.
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
    # One that has lost the entry which opened it has no such time.
    return (SEVERITIES.index(incident.severity), incident.opened_at or 0.0)


def _assignable(
    routing: Routing,
    waiting: Iterable[Incident],
    load: Dict[str, float],
    explained: Set[Explained],
    now: float,
) -> List[str]:
    """Those that somebody can take now, or whose timeline does not say yet that nobody can."""
    found: List[str] = []
    # Of what nobody could take whatever it asked for, the rules need not be asked what that is: in
    # a night without anybody on shift that is thousands of incidents, again and again.
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
    """Choose who of its team takes an incident now, but whoever has it."""
    team, severity, owner = incident.team, incident.severity, incident.owner
    return routing.choose(team, severity, skills, load, now, owner)


def _waiting_entries(
    routing: Routing,
    incident: Incident,
    entries: Sequence[Entry],
    load: Dict[str, float],
    now: float,
) -> List[Entry]:
    """The entry that gives an incident to somebody, or says that nobody can take it."""
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
            data["reason"] += f" {incident.owner} keeps it until then."
        kind, once = "unassigned", f"unassigned:{life}:{choice.team}"
    if once in written:
        return []
    head = timeline.head_of(entries)
    return [Entry.create(incident.id, kind, data, ACTOR, now, head, once)]


def _is_waiting(incident: Incident) -> bool:
    return incident.status == "new" or (incident.status == "assigned" and incident.handed_on)


def _waiting(stores: Stores, teams: Sequence[str]) -> List[Document]:
    """Read the gravest open incidents that nobody of their team, one of these, owns."""
    kept_for_now: Document = {"$and": [{"status": "assigned"}, {"handed_on": True}]}
    waiting: Document = {"$or": [{"status": "new"}, kept_for_now]}
    query = {"$and": [any_of("team", teams), waiting]}
    return stores.incidents.find(query, GRAVEST_FIRST, MAX_WAITING, fields=_WAITING_FIELDS)


def _people_of_teams(routing: Routing, teams: Iterable[str]) -> Set[str]:
    """Everybody in these teams and in those that they fall back to."""
    seen: Set[str] = set()
    left = list(teams)
    while left:
        name = left.pop()
        if name in routing.teams and name not in seen:
            seen.add(name)
            left.append(routing.teams[name].fallback)
    return {person for name in seen for person in routing.people_of(name)}


def _next_step(entries: Sequence[Entry], incident: Incident, routing: Routing) -> Step:
    """The step that a person means who says only that it must go up."""
    lives = lives_of(entries)
    change = lives[-1].changes[-1] if lives else None
    path = routing.path(change.severity, change.team) if change else None
    if path is None:
        return Step(0, 0.0)
    taken = _taken_steps(entries, path)
    later = [step for step in path.steps if step.number not in taken]
    return later[0] if later else path.steps[-1]


def _taken_steps(entries: Sequence[Entry], path: Path) -> Set[int]:
    """The numbers of the path's steps that were taken before."""
    said: List[Mapping[str, object]] = [
        entry.data for entry in effective(entries) if entry.kind == "escalation"
    ]
    by_worker = {int(str(data["step"])) for data in said if data.get("path") == path.name}
    by_hand = [data for data in said if not data.get("path")]
    left = [step.number for step in path.steps if step.number not in by_worker]
    return by_worker | set(left[: len(by_hand)])
