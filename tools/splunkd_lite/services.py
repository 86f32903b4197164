"""What runs by itself beside the management port: scheduler, inputs, event collector, web."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.splunkd_lite.core import Splunk

__all__ = ["Services"]


class Services:
    """Starts and stops the parts. They are imported when first needed."""

    def __init__(self, splunk: Splunk) -> None:
        self._splunk = splunk
        self._started: list[Any] = []
        self._persistent: Any = None
        self._admin_external: Any = None
        self._dispatched: Any = None
        self.scheduler: Any = None
        self.modular_inputs: Any = None

    def reap_orphans(self) -> None:
        """End app processes that an earlier, killed stand-in on this home left behind."""
        from tools.splunkd_lite.runners.process import reap_orphans

        reap_orphans(self._splunk.home)

    def start(self, parts: frozenset[str]) -> None:
        """``parts`` may hold ``hec``, ``web``, ``inputs`` and ``scheduler``."""
        splunk = self._splunk
        options = splunk.options
        if "hec" in parts:
            from tools.splunkd_lite.inputs.hec import HecServer

            hec = HecServer(splunk)
            self._started.append(hec)
            splunk.servers.start("hec", hec.app(), options.hec_port, options.https)
        if "web" in parts:
            from tools.splunkd_lite.web.app import create_app

            splunk.servers.start("web", create_app(splunk), options.web_port, https=False)
        if "inputs" in parts:
            self._start_inputs()
        if "scheduler" in parts:
            self._run(self.use_scheduler())

    def use_scheduler(self) -> Any:
        """The scheduler, made on first use; not started, so that tests may tick it."""
        if self.scheduler is None:
            from tools.splunkd_lite.scheduler import Scheduler

            self.scheduler = Scheduler(self._splunk)
        return self.scheduler

    @property
    def persistent(self) -> Any:
        """The processes of ``[script:…]`` REST handlers."""
        if self._persistent is None:
            from tools.splunkd_lite.runners.persistent import PersistentHandlers

            self._persistent = PersistentHandlers(self._splunk)
        return self._persistent

    @property
    def admin_external(self) -> Any:
        """The runner of ``[admin_external:…]`` REST handlers."""
        if self._admin_external is None:
            from tools.splunkd_lite.runners.admin_external import AdminExternal

            self._admin_external = AdminExternal(self._splunk)
        return self._admin_external

    @property
    def dispatched(self) -> Any:
        """What alerts for searches that are dispatched with ``trigger_actions``."""
        if self._dispatched is None:
            from tools.splunkd_lite.alerting import DispatchedAlerts

            self._dispatched = DispatchedAlerts(self._splunk)
        return self._dispatched

    def use_modular_inputs(self) -> Any:
        """The modular inputs, made on first use."""
        if self.modular_inputs is None:
            from tools.splunkd_lite.runners.modular_input import ModularInputs

            self.modular_inputs = ModularInputs(self._splunk)
        return self.modular_inputs

    def stop(self) -> None:
        for part in reversed(self._started):
            part.stop()
        self._started.clear()
        for part in (self._dispatched, self._persistent, self._admin_external):
            if part is not None:
                part.stop()

    def _start_inputs(self) -> None:
        from tools.splunkd_lite.inputs.monitor import FileMonitor

        self._run(self.use_modular_inputs())
        self._run(FileMonitor(self._splunk))

    def _run(self, part: Any) -> None:
        part.start()
        self._started.append(part)
