"""One running stand-in: everything hangs off :class:`Splunk`."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence

from tools.splunkd_lite import conffile
from tools.splunkd_lite.access import Access
from tools.splunkd_lite.alerts import FiredAlerts
from tools.splunkd_lite.clock import Clock, SystemClock
from tools.splunkd_lite.cluster.member import SHARED_SHELVES, ClusterMember
from tools.splunkd_lite.cluster.membership import ClusterOptions
from tools.splunkd_lite.conf import ConfStore
from tools.splunkd_lite.indexes import Indexes
from tools.splunkd_lite.install import install_app, prepare_home
from tools.splunkd_lite.jobs import Jobs
from tools.splunkd_lite.kvstore import KvStore
from tools.splunkd_lite.messages import Messages
from tools.splunkd_lite.passwords import PasswordStore
from tools.splunkd_lite.servers import Servers
from tools.splunkd_lite.services import Services
from tools.splunkd_lite.state import Shelf, StateStore
from tools.splunkd_lite.tokens import Tokens

__all__ = ["Options", "Splunk"]


_LEVELS = {"FATAL": 0, "CRIT": 1, "ERROR": 2, "WARN": 3, "INFO": 4, "DEBUG": 5}


@dataclass(frozen=True)
class Options:
    """How to run. A port of 0 means a free one; ``parts`` are what :meth:`Splunk.start` runs.

    ``or_next_port`` names the ports (``mgmt``, ``web``, ``hec``) that may be the next free ones;
    ``cron_pace`` is how many times as fast as the clock the schedules of searches run.
    """

    mgmt_port: int = 18089
    web_port: int = 18000
    hec_port: int = 18088
    https: bool = True
    python: str = sys.executable
    admin_password: str = ""
    parts: frozenset[str] = field(default=frozenset({"scheduler", "inputs", "hec", "web"}))
    cluster: ClusterOptions | None = None
    or_next_port: frozenset[str] = frozenset()
    cron_pace: int = 1


class Splunk:
    """A home folder with what runs on it."""

    def __init__(
        self, home: Path, options: Options | None = None, clock: Clock | None = None
    ) -> None:
        self.home = home.resolve()
        self.options = options or Options()
        self.clock: Clock = clock or SystemClock()
        self.python = self.options.python
        self._log_lock = threading.Lock()
        # How often a chunked command is started for its getinfo alone before it runs: splunkd was
        # seen to launch four processes for one use.
        self.command_rehearsals = 0
        self.log_levels: dict[str, str] = {}  # of the parts that somebody set one for
        prepare_home(self.home)
        cluster = self.options.cluster
        self.server_name = cluster.label if cluster else socket.gethostname()
        self.guid = conffile.read(self.home / "etc/instance.cfg")["general"]["guid"]
        self.started_at = self.clock.now()
        self.conf = ConfStore(self.home)
        self._state = StateStore(self.home / "var/lib/splunk/state.sqlite")
        self.messages = Messages(self._state, self.clock)
        self.access = Access(self.home, self.conf, self.clock)
        self.cluster: ClusterMember | None = None
        self.cluster = ClusterMember(self, cluster) if cluster else None
        shared = self.cluster.state if self.cluster else self._state
        self.alerts = FiredAlerts(shared, self.clock, forget=self.cluster is None)
        self.kv = KvStore(
            self.home,
            self.conf,
            self._full("disk_full_kvstore"),
            cluster.folder / "kvstore" if cluster else None,
        )
        self.tokens = Tokens(shared, self.access, self.clock)
        self.passwords = PasswordStore(self.home, self.conf)
        self.indexes = Indexes(
            cluster.folder if cluster else self.home,
            self.conf,
            self.clock,
            self.server_name,
            self.guid,
            self._full("disk_full_indexes"),
        )
        self.jobs = Jobs(self)
        self.servers = Servers(self)
        self.services = Services(self)
        self.rest: Any = None
        if self.cluster is not None:
            self.cluster.pull()  # accounts, before one is made
        self.admin_password = self._first_admin()

    # Addresses

    @property
    def mgmt_port(self) -> int:
        return self.servers.port("mgmt")

    @property
    def web_port(self) -> int:
        return self.servers.port("web")

    @property
    def hec_port(self) -> int:
        return self.servers.port("hec")

    @property
    def scheme(self) -> str:
        return "https" if self.options.https else "http"

    @property
    def mgmt_uri(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.mgmt_port}"

    # Life

    def install(self, apps: Sequence[Path]) -> list[str]:
        """Install app folders or packages and return their ids."""
        names = [install_app(self.home, app) for app in apps]
        self.conf.reload()
        return names

    def start(self) -> None:
        """Listen, then start what runs by itself."""
        from tools.splunkd_lite.rest.app import Rest

        self.services.reap_orphans()
        self.rest = Rest(self)
        self.servers.start("mgmt", self.rest.asgi(), self.options.mgmt_port, self.options.https)
        self._publish_ports()
        if self.cluster is not None:
            self.cluster.start()
        self.services.start(self.options.parts)
        self.log("ServerConfig", "INFO", f"My server name is {self.server_name}.")

    def stop(self) -> None:
        """Stop in the reverse order and close the files."""
        self.services.stop()
        if self.cluster is not None:
            self.cluster.stop()
        self.jobs.stop()
        self.servers.stop()
        self.kv.close()
        self.indexes.close()
        self._state.close()

    # Shared by the parts

    def state(self, name: str) -> Shelf:
        """A durable dictionary of that name; some are the whole cluster's."""
        if self.cluster is not None and name in SHARED_SHELVES:
            return self.cluster.state.shelf(name)
        return self._state.shelf(name)

    def log(self, component: str, level: str, text: str) -> None:
        """Add a line to ``var/log/splunk/splunkd.log``, in splunkd's form."""
        set_to = self.log_levels.get(component)
        if set_to is not None and _LEVELS.get(level, 3) > _LEVELS[set_to]:
            return
        now = time.time()
        stamp = time.strftime("%m-%d-%Y %H:%M:%S", time.gmtime(now))
        line = f"{stamp}.{int(now % 1 * 1000):03d} +0000 {level:<5} {component} - {text}\n"
        with self._log_lock:
            try:
                with (self.home / "var/log/splunk/splunkd.log").open("a", encoding="utf-8") as log:
                    log.write(line)
            except OSError as error:
                print(f"splunkd.log cannot be written: {error}", file=sys.stderr)

    def _full(self, name: str) -> Any:
        def report(text: str) -> None:
            self.log("DiskMon", "ERROR", text)
            self.messages.post(name, "error", text)

        return report

    def _first_admin(self) -> str:
        """The password of ``admin`` on a new home: given, or made here; "" on a known home.

        A password that is given replaces the one that ``admin`` has.
        """
        given = self.options.admin_password or os.environ.get("SPLUNK_PASSWORD", "")
        if not any(user.name == "admin" for user in self.access.users()):
            password = given or secrets.token_urlsafe(12)
            self.access.create_user("admin", password, ["admin"], "Administrator")
            return password
        if given and not self.access.knows("admin", given):
            self.access.update_user("admin", given)
        return ""

    def _publish_ports(self) -> None:
        """Apps find the management port through web.conf and server.conf."""
        local = {"mgmtHostPort": f"127.0.0.1:{self.mgmt_port}"}
        self.conf.write("web", "settings", local, "system", create=False)
        secure = {"enableSplunkdSSL": "true" if self.options.https else "false"}
        self.conf.write("server", "sslConfig", secure, "system", create=False)
        general = {"serverName": self.server_name}
        self.conf.write("server", "general", general, "system", create=False)
