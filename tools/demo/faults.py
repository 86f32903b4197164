"""The changes that the demo ships: one that breaks a service, and others that do no harm.

None of them prints an error: a bad configuration is released, and the libraries that the service
is built on fail by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Change:
    """What is asked of the deployer."""

    service: str
    config: Mapping[str, int | float | str]
    summary: str
    actor: str


@dataclass(frozen=True)
class Fault:
    """A bad change, and what is to be seen of it.

    ``own_error`` is a text of the library that fails; ``entities`` are the services whose logs
    show it.
    """

    change: Change
    own_error: str
    entities: frozenset[str]
    harmless: tuple[Change, ...] = field(default=())


_NEW_FOOTER = Change("payments", {"receipt.prefix": "SHOP24"}, "New prefix on receipts", "ines")
_NEW_CURRENCY = Change(
    "bank", {"statement.currency": "CHF"}, "Statements in Swiss francs", "bank-operations"
)
_LONGER_PAGES = Change("orders", {"page.size": 50}, "Show 50 orders a page", "ben")

FAULTS: dict[str, Fault] = {
    "orders": Fault(
        Change(
            "orders",
            {"db.pool_size": 1, "db.max_overflow": 0, "db.pool_timeout_seconds": 0.05},
            "Save database connections",
            "ben",
        ),
        own_error="QueuePool limit of size 1 overflow 0 reached",
        entities=frozenset({"orders"}),
        harmless=(_NEW_CURRENCY, _LONGER_PAGES, _NEW_FOOTER),
    ),
    "payments": Fault(
        Change(
            "payments",
            {"bank.read_timeout_seconds": 0.005},
            "Answer customers faster when the bank is slow",
            "ines",
        ),
        own_error="Read timed out. (read timeout=0.005)",
        entities=frozenset({"orders", "payments"}),
        harmless=(_NEW_FOOTER, _NEW_CURRENCY, _LONGER_PAGES),
    ),
}

HEALTHY: tuple[Change, ...] = (_NEW_CURRENCY, _NEW_FOOTER, _LONGER_PAGES)
"""The changes of a run without a fault."""
