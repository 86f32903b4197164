"""The ordered rules that choose the team of an incident."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Sequence, Tuple

from ...conf_values import listed
from ..errors import RoutingError
from .values import CONF, matching

__all__ = ["Rule"]


@dataclass(frozen=True)
class Rule:
    """A rule matches if all of its patterns (``*`` and ``?``, any case) do; the first match wins.

    ``skills`` are required of the person who takes the incident.
    """

    name: str
    team: str
    order: float = 100.0
    severity: str = "*"
    entity: str = "*"
    rule: str = "*"
    tag: str = "*"
    field: str = "*"
    skills: Tuple[str, ...] = ()

    @classmethod
    def read(cls, name: str, values: Mapping[str, str], teams: Mapping[str, object]) -> Rule:
        """Read a stanza. Raises RoutingError."""
        where = f"{CONF} [rule:{name}]"
        team = values.get("team", "").strip()
        if team not in teams:
            raise RoutingError(f"{where} team is '{team}'; choose an existing team.")
        try:
            order = float(values.get("order", "100") or "100")
        except ValueError:
            raise RoutingError(f"{where} order is '{values['order']}'; set a number.") from None
        named = ("severity", "entity", "rule", "tag", "field")
        patterns = {key: values.get(key, "").strip() or "*" for key in named}
        return cls(name, team, order, skills=listed(values.get("skills", "")), **patterns)

    def explain(
        self,
        severity: str,
        entities: Sequence[str],
        rules: Sequence[str],
        tags: Sequence[str] = (),
        fields: Sequence[str] = (),
    ) -> str:
        """Return why this rule matches, or an empty text if it does not.

        ``fields``: the values of custom fields, each as ``region=eu``.
        """
        reasons = []
        for name, patterns, values in (
            ("severity", self.severity, [severity]),
            ("entity", self.entity, entities),
            ("rule", self.rule, rules),
            ("tag", self.tag, tags),
            ("field", self.field, fields),
        ):
            if patterns == "*":
                continue
            value, pattern = matching(patterns, values)
            if not pattern:
                return ""
            reasons.append(f"{name} '{value}' matches '{pattern}'")
        why = " and ".join(reasons) or "no other rule matches"
        return f"Rule '{self.name}' assigns it to team '{self.team}': {why}."
