"""A saved search as the scheduler and the alert actions see it (savedsearches.conf, 10.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import Unsupported
from .settings import names, seconds, truthy

__all__ = ["SavedSearch"]

DEFAULT_SEVERITY = 3
DEFAULT_EXPIRES = "24h"


@dataclass(frozen=True)
class SavedSearch:
    """One stanza of ``savedsearches.conf``, in its app and with its owner."""

    name: str
    app: str
    owner: str
    settings: Mapping[str, str]

    @property
    def id(self) -> str:
        """Splunk's ``savedsearch_id``."""
        return f"{self.owner};{self.app};{self.name}"

    def text(self, key: str, default: str = "") -> str:
        """A setting's text."""
        return self.settings.get(key, default)

    def flag(self, key: str, default: bool = False) -> bool:
        """A setting's boolean value."""
        return truthy(self.settings.get(key), default, f"{key} in [{self.name}]")

    def period(self, key: str, default: str) -> int:
        """A setting's period in seconds."""
        return seconds(self.settings.get(key) or default, f"{key} in [{self.name}]")

    @property
    def scheduled(self) -> bool:
        """Whether the scheduler runs it."""
        return self.flag("enableSched") and not self.flag("disabled")

    @property
    def continuous(self) -> bool:
        """``realtime_schedule = 0``: no scheduled period is ever left out."""
        return not self.flag("realtime_schedule", True)

    @property
    def digest(self) -> bool:
        """Whether an action runs once for all results, and not once for each."""
        return self.flag("alert.digest_mode", True)

    @property
    def actions(self) -> list[str]:
        """The switched-on actions: ``action.<name> = 1``, and the list ``actions``."""
        listed = names(self.settings.get("actions"))
        for key in self.settings:
            head, _, name = key.partition(".")
            if head == "action" and "." not in name and self.flag(key) and name not in listed:
                listed.append(name)
        return listed

    def action_settings(self, action: str, conf: Any) -> dict[str, str]:
        """The action's stanza of alert_actions.conf, overlaid with ``action.<name>.<setting>``.

        Raises:
            Unsupported: there is no such action.
        """
        stanzas = conf.stanzas("alert_actions", app=self.app)
        if action not in stanzas:
            raise Unsupported(f"There is no alert action '{action}' in alert_actions.conf.")
        prefix = f"action.{action}."
        own = {k[len(prefix) :]: v for k, v in self.settings.items() if k.startswith(prefix)}
        return {**stanzas[action], **own}
