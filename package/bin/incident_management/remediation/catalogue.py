"""The remediation catalogue, ``incident_actions.conf``: every action that may ever be executed.

Only its actions can be proposed. A malformed stanza makes only its own action unusable, with one
sentence that says why.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..conf_values import listed
from ..durations import seconds_of
from ..incidents.canonical import digest
from .executors.traits import TRAITS, traits_of
from .inverse_arguments import argument_without_value

__all__ = [
    "SAMPLE_FIELDS",
    "Action",
    "Argument",
    "Catalogue",
    "CatalogueError",
    "check_value",
]

CONF = "incident_actions.conf"
SAMPLE_FIELDS = ("service", "service.name", "host")
"""The fields that name an event's entity by default, as in the shipped detections."""

# The allowed values of each argument type. Values come from logs, so everything else is rejected.
ACTION_TYPES: Dict[str, re.Pattern[str]] = {
    "name": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"),
    "version": re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}"),
    "task_definition": re.compile(r"[A-Za-z0-9_-]{1,255}:[1-9]\d{0,8}"),
    "function_version": re.compile(r"[1-9]\d{0,17}"),
    "routing": re.compile(r"[1-9]\d{0,17}(,[1-9]\d{0,17}=(0\.\d{1,30}|1(\.0)?))?"),
    "integer": re.compile(r"-?\d{1,15}"),
}
PRECONDITIONS = ("runs_the_change", "returns_to_previous", "not_there_yet")
_SOURCE = re.compile(r"\$(analysis|incident|plan|result|before)\.([a-z_]+)\$")
_TRUE, _FALSE = ("1", "true", "yes"), ("0", "false", "no")
# A source without its $ signs is a mistake, not a value.
_UNMARKED_SOURCE = re.compile(r"(analysis|incident|plan|result|before)\.")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class CatalogueError(Exception):
    """An action is unknown or its stanza malformed; the text is one sentence."""


@dataclass(frozen=True)
class Argument:
    """An argument of an action.

    ``source`` is ``$<where>.<field>$``, or the value itself, which must match ``type``.
    """

    name: str
    source: str
    type: str

    def value(self, sources: Mapping[str, Mapping[str, Any]]) -> Any:
        """Return the argument's value from ``sources``; None where there is none."""
        if "$" not in self.source:
            return self.source
        where, name = self.origin
        return sources.get(where, {}).get(name)

    @property
    def origin(self) -> Tuple[str, str]:
        """Return where the value comes from, such as ("analysis", "change_id")."""
        where, _, name = self.source.strip("$").partition(".")
        return where, name


@dataclass(frozen=True)
class Action:
    """One action's contract. Durations are in seconds; ``entity`` names the argument it acts on."""

    name: str
    label: str
    description: str
    executor: str
    arguments: Tuple[Argument, ...]
    preconditions: Tuple[str, ...]
    blast_radius: str
    entity: str = "service"
    cooldown: float = 1800.0
    approvals: int = 1
    approve_own: bool = True
    hourly_limit: int = 10
    approval_ttl: float = 1800.0
    inverse: str = ""
    inverse_only: bool = False
    allowed_in_freeze: bool = False
    undo_by_itself: bool = True
    verify_delay: float = 15.0
    verify_window: float = 60.0
    verify_limit: float = 600.0
    min_samples: int = 10
    sample_fields: Tuple[str, ...] = field(default=SAMPLE_FIELDS)

    def digest(self) -> str:
        """Return a hash of the contract.

        ``undo_by_itself`` counts only when it is off, so that hashes from before that setting still
        match.
        """
        said = asdict(self)
        if self.undo_by_itself:
            del said["undo_by_itself"]
        return digest(said, 40)


class Catalogue:
    """All usable actions, and a sentence for each action that can't be used."""

    def __init__(self, actions: Mapping[str, Action], problems: Mapping[str, str]) -> None:
        self.actions = dict(actions)
        self.problems = dict(problems)

    @classmethod
    def from_stanzas(cls, stanzas: Mapping[str, Mapping[str, str]]) -> Catalogue:
        """Read the file's stanzas; never raises, see ``problems``."""
        actions: Dict[str, Action] = {}
        problems: Dict[str, str] = {}
        for name, values in stanzas.items():
            if name == "default":
                continue
            try:
                actions[name] = _action(name, values)
            except CatalogueError as error:
                problems[name] = str(error)
        for action in list(actions.values()):
            wrong = _inverse_problem(action, actions)
            if wrong:
                problems[action.name] = (
                    f"{CONF} [{action.name}] and [{action.inverse}], which rolls it back, {wrong}"
                )
                del actions[action.name]
        while lacking := _missing_inverse(actions):
            problems[lacking.name] = (
                f"{CONF} [{lacking.name}] inverse is '{lacking.inverse}', which is not a "
                "usable action of this file; name one, or leave it blank."
            )
            del actions[lacking.name]
        return cls(actions, problems)

    def get(self, name: str) -> Action:
        """Return an action. Raises CatalogueError for an unknown or malformed one."""
        if name in self.actions:
            return self.actions[name]
        if name in self.problems:
            raise CatalogueError(f"The action '{name}' can't be used: {self.problems[name]}")
        known = ", ".join(sorted(self.proposable())) or "none"
        raise CatalogueError(
            f"There is no action '{name}' in the catalogue; the actions are: {known}."
        )

    def contract(self, action: Action) -> str:
        """Return the hash that an approval is bound to: the action's, and that of its inverse."""
        undoing = self.undoing(action)
        return f"{action.digest()}:{undoing}" if undoing else action.digest()

    def undoing(self, action: Action) -> str:
        """Return the hash of an action's inverse; empty if it has none."""
        return self.actions[action.inverse].digest() if action.inverse else ""

    def proposable(self) -> List[str]:
        """Return the names of the actions that can be proposed."""
        return [name for name, action in self.actions.items() if not action.inverse_only]


def check_value(argument: Argument, value: Any) -> str:
    """Return an argument's value as text. Raises CatalogueError if it does not match its type."""
    where, name = argument.origin
    if value is None or value == "":
        raise CatalogueError(
            f"The argument '{argument.name}' has no value: the {where} has no {name}."
        )
    text = str(value)
    if isinstance(value, (bool, list, dict)) or not ACTION_TYPES[argument.type].fullmatch(text):
        shown = "".join(c if c.isprintable() else "?" for c in text[:60])
        raise CatalogueError(
            f"The argument '{argument.name}' is '{shown}', which is not of the type "
            f"{argument.type}. Nothing was changed."
        )
    return text


def _missing_inverse(actions: Mapping[str, Action]) -> Optional[Action]:
    """Return an action whose inverse is not in ``actions``, if there is one."""
    found = (one for one in actions.values() if one.inverse and one.inverse not in actions)
    return next(found, None)


def _inverse_problem(action: Action, actions: Mapping[str, Action]) -> str:
    """Return why an action's inverse can't roll it back; empty if no reason is known."""
    inverse = actions.get(action.inverse)
    if inverse is None:
        return ""
    place = _location_mismatch(action, inverse)
    if place:
        return f"differ in argument.{place}: set the same value in both."
    lacking = argument_without_value(action, inverse)
    if lacking or inverse.executor != action.executor:
        return lacking
    mine, its = (_sources(each) for each in (action, inverse))
    for name, source in traits_of(action.executor).restored.items():
        if its.get(name) != source:
            return f"must restore the previous state: the latter needs argument.{name} = {source}."
    for name, choices in traits_of(action.executor).choices.items():
        if mine[name] == its[name]:
            each = " and the other to ".join(choices)
            return f"have the same argument.{name}, {mine[name]}: set one to {each}."
    return ""


def _sources(action: Action) -> Dict[str, str]:
    return {argument.name: argument.source for argument in action.arguments}


def _location_mismatch(action: Action, inverse: Action) -> str:
    """Return the argument by which the inverse would act on another object; empty if none."""
    mine, its = (_sources(each) for each in (action, inverse))
    for name, unless in traits_of(action.executor).located_by.items():
        if name not in traits_of(inverse.executor).located_by:
            continue
        taken_over = name in mine and its.get(name) in (f"$plan.{name}$", f"$before.{name}$")
        if not taken_over and mine.get(name, unless) != its.get(name, unless):
            return name
    return ""


def _action(name: str, values: Mapping[str, str]) -> Action:
    where = f"{CONF} [{name}]"
    if not _NAME.fullmatch(name):
        raise CatalogueError(
            f"{where}: an action's name starts with a lower-case letter, followed by "
            "lower-case letters, digits or _."
        )
    arguments = _arguments(where, values)
    executor = _executor(where, values, arguments)
    entity = values.get("entity", "").strip() or "service"
    if entity not in [argument.name for argument in arguments]:
        raise CatalogueError(f"{where} entity is '{entity}', which is not one of its arguments.")
    preconditions = listed(values.get("preconditions"))
    if preconditions and executor != "deploy_api":
        raise CatalogueError(
            f"{where} preconditions work only with deploy_api, not with {executor}: leave "
            "them blank."
        )
    for condition in preconditions:
        if condition not in PRECONDITIONS:
            raise CatalogueError(
                f"{where} preconditions contains '{condition}'; the preconditions are: "
                f"{', '.join(PRECONDITIONS)}."
            )
    return Action(
        name=name,
        label=_required(where, values, "label"),
        description=values.get("description", "").strip(),
        executor=executor,
        arguments=arguments,
        preconditions=preconditions,
        blast_radius=_required(where, values, "blast_radius"),
        entity=entity,
        cooldown=_duration(where, values, "cooldown", "30m"),
        approvals=_number(where, values, "approvals", 1, 1, 10),
        approve_own=_flag(where, values, "approve_own", True),
        hourly_limit=_number(where, values, "hourly_limit", 10, 1, 1000),
        approval_ttl=_duration(where, values, "approval_ttl", "30m"),
        inverse=values.get("inverse", "").strip(),
        inverse_only=_flag(where, values, "inverse_only", False),
        allowed_in_freeze=_flag(where, values, "allowed_in_freeze", False),
        undo_by_itself=_flag(where, values, "undo_by_itself", True),
        verify_delay=_duration(where, values, "verify_delay", "15s"),
        verify_window=_duration(where, values, "verify_window", "60s"),
        verify_limit=_duration(where, values, "verify_limit", "10m"),
        min_samples=_number(where, values, "min_samples", 10, 1, 1_000_000),
        sample_fields=_fields(where, values),
    )


def _arguments(where: str, values: Mapping[str, str]) -> Tuple[Argument, ...]:
    arguments = []
    for key, source in sorted(values.items()):
        if not key.startswith("argument.") or key.endswith(".type"):
            continue
        kind = values.get(f"{key}.type", "name").strip()
        if kind not in ACTION_TYPES:
            raise CatalogueError(
                f"{where} {key}.type is '{kind}'; the types are {', '.join(ACTION_TYPES)}."
            )
        given = source.strip()
        form = _SOURCE if "$" in given or _UNMARKED_SOURCE.match(given) else ACTION_TYPES[kind]
        if not form.fullmatch(given):
            raise CatalogueError(
                f"{where} {key} is '{source}'; set a source, such as $analysis.service$, "
                f"or a value of the type {kind}."
            )
        arguments.append(Argument(key[len("argument.") :], given, kind))
    if not arguments:
        raise CatalogueError(f"{where} has no arguments; add one, such as argument.service = …")
    return tuple(arguments)


def _executor(where: str, values: Mapping[str, str], arguments: Tuple[Argument, ...]) -> str:
    """Return the name of the executor. Raises CatalogueError unless the arguments fit it."""
    name = _required(where, values, "executor")
    if name not in TRAITS:
        known = ", ".join(TRAITS)
        raise CatalogueError(f"{where} executor is '{name}'; the executors are: {known}.")
    traits = TRAITS[name]
    given = {argument.name for argument in arguments}
    for needed in traits.required:
        if needed not in given:
            raise CatalogueError(f"{where} lacks argument.{needed}, which {name} needs; set it.")
    for argument in arguments:
        choices = traits.choices.get(argument.name, ())
        if choices and argument.source not in choices:
            raise CatalogueError(
                f"{where} argument.{argument.name} is '{argument.source}'; set it to "
                f"{' or '.join(choices)}."
            )
    told = (
        values.get("entity", "").strip(),
        *re.findall(r"\$(\w+)\$", values.get("blast_radius", "")),
    )
    taken = tuple(given) if traits.accepted is None else traits.accepted
    for other in sorted(given - {*taken, *told}):
        raise CatalogueError(
            f"{where} has argument.{other}, which {name} does not accept; it accepts "
            f"{', '.join(taken)}."
        )
    return name


def _required(where: str, values: Mapping[str, str], key: str) -> str:
    value = values.get(key, "").strip()
    if not value:
        raise CatalogueError(f"{where} lacks {key}; set it.")
    return value


def _duration(where: str, values: Mapping[str, str], key: str, default: str) -> float:
    try:
        return seconds_of(values.get(key, "").strip() or default)
    except ValueError as error:
        raise CatalogueError(f"{where} {key} {error}.") from None


def _number(
    where: str, values: Mapping[str, str], key: str, default: int, low: int, high: int
) -> int:
    text = values.get(key, "").strip() or str(default)
    if not text.isdigit() or not low <= int(text) <= high:
        raise CatalogueError(f"{where} {key} is '{text}'; set a whole number from {low} to {high}.")
    return int(text)


def _flag(where: str, values: Mapping[str, str], key: str, default: bool) -> bool:
    text = values.get(key, "").strip().lower()
    if text not in ("", *_TRUE, *_FALSE):
        raise CatalogueError(f"{where} {key} is '{text}'; set 1 or 0.")
    return text in _TRUE if text else default


def _fields(where: str, values: Mapping[str, str]) -> Tuple[str, ...]:
    names = listed(values.get("sample_fields")) or SAMPLE_FIELDS
    for name in names:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", name):
            raise CatalogueError(
                f"{where} sample_fields contains '{name}', which is not a valid field name."
            )
    return names
