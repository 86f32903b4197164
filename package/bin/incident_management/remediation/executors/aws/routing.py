"""Where an alias of an AWS Lambda function sends its calls: to one version or to two."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Dict, List, Mapping

__all__ = ["Routing", "routing_of"]


@dataclass(frozen=True)
class Routing:
    """A version, and which share of the calls (0 to 1) goes to another version instead.

    As text it is ``42``, or ``41,42=0.1``: a tenth goes to 42.
    """

    version: str
    weights: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def parsed(cls, text: str) -> Routing:
        """Parse what ``str`` returns; an argument of the type ``routing`` is such a text."""
        version, _, other = text.partition(",")
        name, _, share = other.partition("=")
        return cls(version, {name: float(share)} if name else {})

    def __str__(self) -> str:
        shares = [f"{name}={_plain(share)}" for name, share in self.weights.items()]
        return ",".join([self.version, *shares])

    @property
    def versions(self) -> List[str]:
        """The versions that get calls."""
        return [self.version, *self.weights]

    @property
    def in_words(self) -> str:
        """The routing in words."""
        each = self.weights.items()
        shares = [f"{100 * share:.4g}% of the calls go to {name}" for name, share in each]
        return f"{self.version} ({', '.join(shares)})" if shares else self.version


def routing_of(alias: Mapping[str, Any]) -> Routing:
    """Parse an AliasConfiguration. Raises LookupError and the like if it is invalid.

    Lambda allows one second version; a share of 0 means none.
    """
    config = alias.get("RoutingConfig") or {}
    told = config.get("AdditionalVersionWeights") or {}
    weights: Dict[str, float] = {}
    for name, share in told.items():
        if not 0 <= share <= 1 or isinstance(share, bool) or not _is_version(name):
            raise ValueError("no share")
        if share > 0:
            weights[name] = float(share)
    version = alias["FunctionVersion"]
    if len(weights) > 1 or version in weights or not (version == "$LATEST" or _is_version(version)):
        raise ValueError("no routing")
    return Routing(version, weights)


def _is_version(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _plain(share: float) -> str:
    """Format a share without an exponent, so that it parses to the same value."""
    return format(Decimal(repr(share)), "f")
