"""The state of the connection, for ``GET /system/info``."""

from __future__ import annotations

from typing import Any, Dict

from ..ports import Stores
from .lease import newest

__all__ = ["STATES", "state_of"]

OFF, NOT_RUNNING = "off", "not_running"
STATES = (OFF, NOT_RUNNING, "waiting", "connecting", "connected", "refused")
# The lease is renewed every 15 s.
SILENT_AFTER_SECONDS = 120.0
NOBODY = (
    "An app-level token is set, but no search head is connected to Slack: check that the input "
    "'slack' of Slack buttons is enabled (Inputs), and read incident_management_slack_socket.log."
)


def state_of(stores: Stores, wanted: bool, now: float) -> Dict[str, Any]:
    """Return ``state, detail, member, seen``; ``wanted``: whether an app-level token is set."""
    if not wanted:
        return {"state": OFF, "detail": "", "member": "", "seen": None}
    present = newest(stores)
    seen = float(present["time"]) if present else None
    member = str(present["holder"]).rpartition("#")[0] if present else ""
    is_silent = seen is None or now - seen > SILENT_AFTER_SECONDS
    if present is None or is_silent:
        return {"state": NOT_RUNNING, "detail": NOBODY, "member": member, "seen": seen}
    value = present["value"]
    state = str(value.get("state"))
    return {
        "state": state if state in STATES else "connecting",
        "detail": str(value.get("detail") or ""),
        "member": member,
        "seen": seen,
    }
