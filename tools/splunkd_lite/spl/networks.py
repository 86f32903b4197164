"""Networks of addresses as CIDR text names them, for cidrmatch, searches and lookups."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any

__all__ = ["in_network", "network"]


@lru_cache(maxsize=512)
def network(text: str) -> Any:
    """The network that CIDR text names, or None."""
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def in_network(value: str, subnet: Any) -> bool:
    """Whether an address, or a whole subnet, lies in `subnet`."""
    try:
        other = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return other.version == subnet.version and other.subnet_of(subnet)
