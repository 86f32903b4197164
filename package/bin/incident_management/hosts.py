"""Where a host name points, judged by the name alone."""

from __future__ import annotations

import ipaddress
import os
import re
from typing import Iterable

__all__ = ["is_among", "is_loopback", "is_place", "is_splunkd_here"]

_PLACE = re.compile(r"\.?\w([\w.-]{0,251}\w)?|\[?[0-9A-Fa-f:.]{2,45}\]?", re.ASCII)


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_among(host: str, places: Iterable[str]) -> bool:
    """Tell whether a host is one of these names, in one of these domains, or in one of these
    networks.

    ``example.com`` (or ``.example.com``) includes ``awx.example.com``, as with ``NO_PROXY`` in curl
    and requests. Networks such as ``10.0.0.0/8`` include addresses only: no name is looked up.
    """
    name = _plain(host.strip("[]")).rstrip(".")
    return any(_holds(place, name) for place in places)


def is_place(text: str) -> bool:
    """Tell whether a text is a host, domain, address or network that :func:`is_among` accepts."""
    if "/" not in text:
        return _PLACE.fullmatch(text) is not None
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _holds(place: str, name: str) -> bool:
    if "/" not in place:
        known = _plain(place.strip("[]")).strip(".")
        return name == known or name.endswith(f".{known}")
    try:
        return ipaddress.ip_address(name) in ipaddress.ip_network(place, strict=False)
    except ValueError:
        return False


def is_splunkd_here(host: str) -> bool:
    """Tell whether the splunkd at this host is the one that started this process.

    It is at a loopback address, unless SPLUNK_BINDIP (splunk-launch.conf) makes it listen only at
    another address of this machine.
    """
    bound = os.environ.get("SPLUNK_BINDIP", "").strip().strip("[]")
    return is_loopback(host) or (bound != "" and _plain(bound) == _plain(host))


def _plain(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower()
