"""A running stand-in for tests.

    def test_something(tmp_path):
        with start_standin(tmp_path, apps=[APP]) as standin:
            service = standin.service()

By default only the management port listens, so that a test starts in well under a second; name
the other parts (``hec``, ``web``, ``inputs``, ``scheduler``) in ``parts``.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Iterable, Sequence

import splunklib.client

from tests.package import APP, share_compiled
from tools.splunkd_lite.clock import Clock
from tools.splunkd_lite.core import Options, Splunk

__all__ = ["ADMIN_PASSWORD", "StandIn", "start_standin"]

ADMIN_PASSWORD = "a-test-password"


class StandIn:
    """One instance, in this process."""

    def __init__(self, splunk: Splunk) -> None:
        self.splunk = splunk

    def service(
        self,
        username: str = "admin",
        password: str = ADMIN_PASSWORD,
        app: str | None = None,
        owner: str | None = None,
        **options: Any,
    ) -> splunklib.client.Service:
        """A logged-in client of the real Splunk SDK.

        It logs in again automatically when a test has moved the clock past the session's end.
        """
        options.setdefault("autologin", True)
        return splunklib.client.connect(
            scheme=self.splunk.scheme,
            host="127.0.0.1",
            port=self.splunk.mgmt_port,
            username=username,
            password=password,
            app=app,
            owner=owner,
            **options,
        )

    def add_user(self, name: str, *roles: str, password: str = ADMIN_PASSWORD) -> str:
        """Create a user and return the name."""
        self.splunk.access.create_user(name, password, list(roles) or ["user"])
        return name

    def session_key(self, user: str = "admin") -> str:
        """Return a session key like the one that splunkd passes to an app's process."""
        return self.splunk.access.token_for(user)

    def index(self, index: str, events: Iterable[dict[str, Any]]) -> int:
        """Write events straight into an index."""
        return self.splunk.indexes.write(index, events)

    def search(self, spl: str, **options: Any) -> list[dict[str, Any]]:
        """Run a search as admin and return its rows."""
        options.setdefault("app", "search")
        job = self.splunk.jobs.dispatch(spl, "admin", **options, scheduled=False)
        assert job.state == "DONE", job.messages
        return list(job.rows)

    def stop(self) -> None:
        self.splunk.stop()

    def __enter__(self) -> StandIn:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_standin(
    tmp_path: Path,
    apps: Sequence[Path] = (),
    *,
    parts: Iterable[str] = (),
    clock: Clock | None = None,
    https: bool = True,
    home: Path | None = None,
    **options: Any,
) -> StandIn:
    """Start an instance on free ports under ``tmp_path / 'splunk'`` (or ``home``)."""
    chosen = Options(
        mgmt_port=options.pop("mgmt_port", 0),
        web_port=options.pop("web_port", 0),
        hec_port=options.pop("hec_port", 0),
        https=https,
        admin_password=options.pop("admin_password", ADMIN_PASSWORD),
        parts=frozenset(parts),
        **options,
    )
    splunk = Splunk(home or tmp_path / "splunk", chosen, clock)
    for app in splunk.install(list(apps)):
        if app == APP:
            share_compiled(splunk.home / "etc" / "apps" / app)
    splunk.start()
    return StandIn(splunk)
