"""The tables of settings: which there are is the app's to say."""

from __future__ import annotations

from typing import Any, cast

import pytest

from incident_management.incidents.errors import Invalid
from incident_management.splunk.configuration.page.routing_settings import ABOUT, RoutingSettings


class Unreachable:
    """A session that nothing may ask."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"Splunk is asked to {name}.")


@pytest.mark.parametrize("stanza", sorted(ABOUT))
def test_no_setting_is_added(stanza: str) -> None:
    settings = RoutingSettings(cast("Any", Unreachable()), stanza)
    with pytest.raises(Invalid, match="Settings can't be added"):
        settings.create("grave", {"value": "2"})
