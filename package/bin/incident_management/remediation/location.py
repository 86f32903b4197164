"""Where a fix acts, whether the change it answers was made there, and which locations differ."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ..incidents.signal import show_hidden_characters
from .catalogue import Action, Catalogue
from .context import Refused
from .executors.executor import base_address
from .executors.kubernetes import OBJECTS
from .executors.traits import same_service, service_of, traits_of

__all__ = ["Location", "are_distinct", "location_of", "unstated_location"]

# Where a plan acts, by its facts; empty where that is not known.
Location = Mapping[str, str]


def location_of(plan: Mapping[str, Any], catalogue: Catalogue) -> Location:
    """Return where a plan and its inverse act; empty when that is unknown."""
    executor, facts = str(plan.get("executor", "")), plan["state"]
    names = traits_of(executor).location_facts
    told = {name: str(facts.get(name) or "").lower() for name in names}
    inverse = catalogue.actions.get(plan["inverse"])
    elsewhere = bool(plan["inverse"]) and not (inverse and same_service(executor, inverse.executor))
    if not told or not all(told.values()) or elsewhere:
        return {}
    place = {"service": service_of(executor), **told}
    if place["service"] == "kubernetes":  # ECS, too, tells a deployment, but a fix changes that.
        place.update((kind, str(facts[kind])) for kind in OBJECTS if kind in facts)
    return place


def are_distinct(one: Location, other: Location) -> bool:
    """Tell whether two locations certainly differ; an unknown one may be any.

    A Kubernetes cluster may be configured under two addresses. So an object of the same name and
    namespace counts as another one only if it has the same kind and another uid.
    """
    if not one or not other or one["service"] != other["service"]:
        return False
    if one["service"] != "kubernetes" or one["namespace"] != other["namespace"]:
        return one != other
    kinds = [name for name in OBJECTS if name in one and name in other]
    return one["address"] != other["address"] and any(one[kind] != other[kind] for kind in kinds)


def unstated_location(
    action: Action, cause: Mapping[str, Any], service: Mapping[str, Any]
) -> Dict[str, str]:
    """Return as ``untold`` what the change event does not say about its location; empty if nothing.

    The version to go back to belongs to the change's cluster, namespace, account or alias. The
    approver is shown what can't be compared. Raises Refused if the change was made elsewhere.
    """
    given = {argument.name: argument.origin[0] for argument in action.arguments}
    unsaid: List[str] = []
    compared = traits_of(action.executor).change_location
    said = {name: str(cause.get(name) or "") for name in compared}
    for name, facts in compared.items():
        known = [str(service.get(fact) or "") for fact in facts]
        if said[name] and any(_same(said[name], one) for one in known if one):
            continue
        if said[name] and (known[0] or "://" in said[name]):
            raise Refused(
                f"The change was made to the {name} {_shown(said[name])}, not to "
                f"{known[-1] or known[0]}, where '{action.name}' acts. Nothing was "
                "changed.",
                "precondition",
            )
        if said[name]:
            # A cluster without a name here can't be compared with a name.
            unsaid.append(f"{name}'s address (it says '{_shown(said[name])}')")
        elif name in given and given[name] != "analysis":
            unsaid.append(name)
    # An ARN says its account and region, too.
    in_full = any(one.startswith("arn:") for one in said.values())
    unsaid = [name for name in unsaid if not (in_full and name in ("account", "region"))]
    environment = _shown(str(cause.get("environment") or ""))
    hint = f", but the environment {environment}" if environment else ""
    return {"untold": ", ".join(unsaid) + hint} if unsaid else {}


def _same(one: str, other: str) -> bool:
    """Tell whether two names or addresses are of the same location."""
    return _normalized(one) == _normalized(other)


def _normalized(name: str) -> str:
    try:
        return base_address(name) if "://" in name else name.rstrip("/")
    except ValueError:
        return name  # Anybody may have written the event.


def _shown(said: str) -> str:
    """Return an event's text for people, cleaned: anyone may have written the event."""
    return " ".join(show_hidden_characters(said[:400]).split())
