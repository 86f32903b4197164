"""Which effect of a change can cause which symptom, and how strongly that supports the hypothesis.

The table is engineering knowledge in plain sight: ``(effect, symptom): strength`` with a strength
from 0 (no tie) to 1 (the textbook cause). Anything not in it counts as 0.
"""

# ruff: noqa: E501  (a table: one rule a line reads better)
from __future__ import annotations

from typing import Dict, Iterable, List, Mapping, NamedTuple, Tuple

from .effects import Effect

__all__ = ["Tie", "ties"]

_TABLE: Dict[str, Dict[str, float]] = {
    "room_lowered": {
        "pool_exhausted": 1.0, "timeout": 0.95, "retries_exhausted": 1.0, "memory": 0.9,
        "rate_limited": 0.9, "handles_exhausted": 0.9, "slow": 0.6, "backlog": 0.8, "cpu": 0.7,
        "upstream_5xx": 0.5, "panic": 0.4, "unreachable": 0.5, "expired": 0.7, "disk_full": 0.5,
        "auth_rejected": 0.3, "race": 0.4, "data_gone": 0.9, "too_large": 1.0, "server_full": 0.9, "no_room": 0.7,
    },
    "wait_raised": {"pool_exhausted": 0.9, "handles_exhausted": 0.6, "backlog": 0.7, "slow": 0.7, "memory": 0.3},
    "room_raised": {
        "memory": 0.6, "pool_exhausted": 0.3, "rate_limited": 0.4, "disk_full": 0.5, "cpu": 0.4,
        "handles_exhausted": 0.4, "server_full": 0.9, "no_room": 1.0,
    },
    "volume_raised": {
        "disk_full": 1.0, "rate_limited": 0.8, "cpu": 0.7, "slow": 0.5, "backlog": 0.7,
        "memory": 0.5, "upstream_5xx": 0.3, "pool_exhausted": 0.6, "timeout": 0.5,
    },
    "verbose_logging": {"disk_full": 1.0, "slow": 0.4, "cpu": 0.5, "backlog": 0.5},
    "lock_removed": {"race": 1.0, "panic": 0.7, "conflict": 0.7, "validation": 0.3},
    "lock_added": {"race": 0.9, "timeout": 0.5, "slow": 0.4, "pool_exhausted": 0.3},
    "clearing_removed": {"disk_full": 1.0, "memory": 0.4, "slow": 0.3, "backlog": 0.3},
    "limit_removed": {
        "slow": 1.0, "memory": 0.9, "timeout": 0.8, "cpu": 0.6, "chatty": 0.5, "disk_full": 0.6,
        "pool_exhausted": 0.5,
    },
    "tolerance_removed": {"expired": 1.0, "auth_rejected": 0.9, "validation": 0.5, "timeout": 0.5},
    "retry_removed": {
        "retries_exhausted": 1.0, "timeout": 0.7, "rate_limited": 0.8, "upstream_5xx": 0.4,
        "unreachable": 0.5, "cpu": 0.4,
    },
    "release_removed": {
        "pool_exhausted": 1.0, "handles_exhausted": 1.0, "memory": 0.9, "timeout": 0.6,
        "slow": 0.4, "race": 0.5, "disk_full": 0.5,
    },
    "guard_removed": {"null": 1.0, "panic": 0.6, "validation": 0.7, "parse": 0.6, "upstream_5xx": 0.3},
    "cache_removed": {"slow": 0.9, "timeout": 0.7, "rate_limited": 0.7, "cpu": 0.7, "pool_exhausted": 0.7,
                      "chatty": 0.8, "upstream_5xx": 0.3},
    "index_removed": {"slow": 1.0, "timeout": 0.8, "cpu": 0.6, "race": 0.4, "chatty": 0.4},
    "schema_changed": {"missing_schema": 1.0, "validation": 0.6, "conflict": 0.6, "race": 0.8, "slow": 0.4,
                       "timeout": 0.5, "parse": 0.4},
    "query_added": {"missing_schema": 0.8, "slow": 0.6, "chatty": 0.7, "pool_exhausted": 0.6, "timeout": 0.4,
                    "null": 0.2},
    "call_in_loop": {"slow": 1.0, "chatty": 1.0, "timeout": 0.7, "rate_limited": 0.9, "pool_exhausted": 0.8,
                     "cpu": 0.4},
    "concurrency_added": {"race": 0.9, "memory": 0.6, "handles_exhausted": 0.7, "pool_exhausted": 0.7,
                          "panic": 0.4, "rate_limited": 0.7},
    "growth_added": {"memory": 0.8, "disk_full": 0.4},
    "regex_changed": {"cpu": 0.9, "slow": 0.6, "parse": 0.6, "timeout": 0.5, "validation": 0.5},
    "tls_changed": {"tls": 1.0, "unreachable": 0.4},
    "endpoint_changed": {"unreachable": 1.0, "name_resolution": 1.0, "timeout": 0.5, "not_found": 0.8,
                         "upstream_5xx": 0.4, "auth_rejected": 0.3, "tls": 0.4, "backlog": 0.4, "read_only": 0.9},
    "permission_changed": {"forbidden": 1.0, "auth_rejected": 0.5, "unreachable": 0.3},
    "reach_changed": {"unreachable": 1.0, "timeout": 0.9, "name_resolution": 0.6, "connection_lost": 0.8,
                      "upstream_5xx": 0.4},
    "route_removed": {"not_found": 0.4, "upstream_5xx": 0.4},
    "path_changed": {"not_found": 0.9, "upstream_5xx": 0.6, "forbidden": 0.4},
    "credential_changed": {"auth_rejected": 0.9, "forbidden": 0.7, "expired": 0.3},
    "expiry_changed": {"expired": 0.9, "auth_rejected": 0.6, "slow": 0.2, "memory": 0.3},
    "format_changed": {"parse": 1.0, "validation": 0.7, "null": 0.5, "backlog": 0.5},
    "ordering_changed": {"slow": 0.5, "validation": 0.2, "missing_schema": 0.4},
    "resource_changed": {"memory": 0.9, "cpu": 0.8, "panic": 0.4, "slow": 0.4, "handles_exhausted": 0.6,
                         "no_room": 0.8},
    "environment_changed": {"missing_setting": 1.0, "null": 0.6, "auth_rejected": 0.4, "unreachable": 0.4,
                            "panic": 0.3},
    "number_changed": {"validation": 0.4, "timeout": 0.3, "slow": 0.2, "upstream_5xx": 0.2},
    "blocking_added": {"slow": 0.8, "timeout": 0.7, "cpu": 0.8, "pool_exhausted": 0.6, "backlog": 0.6},
    "job_moved": {"slow": 0.8, "timeout": 0.8, "race": 0.8, "cpu": 0.8, "disk_full": 0.6, "memory": 0.6,
                  "backlog": 0.7, "server_full": 0.7, "pool_exhausted": 0.6, "rate_limited": 0.7},
    "flag_switched": {},
    "dependency_changed": {"panic": 0.3, "null": 0.3, "parse": 0.3, "tls": 0.2},
}  # fmt: skip


class Tie(NamedTuple):
    """An effect that can cause a symptom, with its strength 0 to 1."""

    effect: Effect
    symptom: str
    strength: float


def ties(effects: Iterable[Effect], symptoms: Mapping[str, float]) -> List[Tie]:
    """Return the ties between a change's effects and the symptoms, the strongest first.

    A symptom that few of the errors indicate counts less: its strength is scaled by the square root
    of its share.
    """
    found: Dict[Tuple[str, str], Tie] = {}
    for effect in effects:
        for symptom, strength in _TABLE.get(effect.name, {}).items():
            share = symptoms.get(symptom, 0.0)
            if share > 0.0:
                tie = Tie(effect, symptom, strength * min(1.0, share) ** 0.5)
                key = (effect.name, symptom)
                if key not in found or found[key].strength < tie.strength:
                    found[key] = tie
    return sorted(found.values(), key=lambda tie: (-tie.strength, tie.effect.name, tie.symptom))
