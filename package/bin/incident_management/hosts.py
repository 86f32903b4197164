"""Where a host name points to, as far as the name alone tells."""

from __future__ import annotations

import ipaddress
import os

__all__ = ["is_loopback", "is_splunkd_here"]


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_splunkd_here(host: str) -> bool:
    """Tell whether splunkd at this host is the one that runs this process.

    That is at a loopback address, unless SPLUNK_BINDIP (splunk-launch.conf) makes it listen at
    another address of this machine alone.
    """
    bound = os.environ.get("SPLUNK_BINDIP", "").strip().strip("[]")
    return is_loopback(host) or (bound != "" and _plain(bound) == _plain(host))


def _plain(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower()
