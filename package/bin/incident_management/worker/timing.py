"""The worker's timing: the settings of its inputs.conf stanza."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

__all__ = ["Timing"]


@dataclass(frozen=True)
class Timing:
    """``cycle_seconds`` between two cycles, and ``run_seconds``, the lifetime of a process."""

    cycle_seconds: float = 5.0
    run_seconds: float = 240.0

    @classmethod
    def read(cls, name: str, values: Mapping[str, Any]) -> Timing:
        """Read a stanza. Raises ValueError with one sentence for a malformed value."""
        return cls(
            _number(name, values, "cycle_seconds", cls.cycle_seconds, 1, 300),
            _number(name, values, "run_seconds", cls.run_seconds, 10, 86400),
        )

    @classmethod
    def of_inputs(
        cls, inputs: Mapping[str, Mapping[str, Any]], complain: Callable[[str], Any]
    ) -> Timing:
        """Read the first stanza; for a malformed one, ``complain`` and use the defaults."""
        for name, values in inputs.items():
            try:
                return cls.read(name, values)
            except ValueError as error:
                complain(f"{error} The default is used.")
        return cls()


def _number(
    name: str, values: Mapping[str, Any], key: str, default: float, low: int, high: int
) -> float:
    text = str(values.get(key) or default).strip()
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise ValueError(
            f"inputs.conf [{name}] {key} is '{text[:40]}'; set a number of seconds from {low} to "
            f"{high}."
        )
    return value
