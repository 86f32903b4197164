"""Check that the arguments of an inverse have a value when a plan is rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING, List

from .executors.traits import traits_of

if TYPE_CHECKING:
    from .catalogue import Action

__all__ = ["argument_without_value"]


def argument_without_value(action: Action, inverse: Action) -> str:
    """Return which argument of an inverse would have no value; empty if each has one."""
    usable = _usable(action)
    for argument in inverse.arguments:
        if "$" in argument.source and argument.source not in usable:
            return (
                f"don't fit: argument.{argument.name} of the latter is {argument.source}, "
                f"which has no value at rollback; use one of {', '.join(usable)}."
            )
    return ""


def _usable(action: Action) -> List[str]:
    """Return the sources that have a value when an action's plan is undone."""
    traits = traits_of(action.executor)
    given = [argument.name for argument in action.arguments]
    states = [one for one in traits.state_facts if one != "cluster" or one in given]
    named = {"plan": given, "before": states, "result": traits.result_fields}
    return [f"${where}.{name}$" for where, names in named.items() for name in names]
