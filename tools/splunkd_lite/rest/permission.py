"""Checks that endpoints share."""

from __future__ import annotations

from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.rest.request import RestRequest

__all__ = ["require", "require_any"]


def require(request: RestRequest, capability: str) -> None:
    """Raises: SplunkdError: 403, the caller's roles do not have it."""
    who = request.who
    if not who.can(capability):
        raise SplunkdError(
            403,
            f"You (user={who.name}) do not have permission to perform this operation "
            f"(requires capability: {capability}).",
        )


def require_any(request: RestRequest, *capabilities: str) -> None:
    """Raises: SplunkdError: 403, the caller has none of them."""
    if not any(request.who.can(capability) for capability in capabilities):
        require(request, capabilities[0])
