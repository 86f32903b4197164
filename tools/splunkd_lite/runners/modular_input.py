"""Runs modular inputs: introspection, validation, and the inputs themselves.

Sources: "Modular inputs overview" and the pages after it in Splunk's Developing Views and Apps;
inputs.conf.spec 10.0 (``interval``: seconds or a cron schedule, default 60; ``-1``: once).
A kind is a stanza ``[<kind>://<name>]`` of an app's ``README/inputs.conf.spec`` that names a
parameter of its own, with a script ``bin/<kind>.py``. One process per stanza, or one for all of a
kind in single-instance mode.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.splunkd_lite.errors import SplunkdError
from tools.splunkd_lite.schedule import next_time

from .errors import ProcessFailed, RunnerError
from .modinput_events import EventSink
from .modinput_xml import Header, Scheme, input_xml, validation_xml
from .process import AppProcess, script_path
from .settings import truthy

__all__ = ["ModularInputs"]

SCHEME_SECONDS = 60.0
VALIDATE_SECONDS = 60.0
LOOK_SECONDS = 1.0
TOKEN_SECONDS = 30 * 86400.0
DEFAULT_INTERVAL = "60"
SYSTEM_USER = "splunk-system-user"
_COMPONENT = "ExecProcessor"
_SPEC_STANZA = re.compile(r"\[([0-9a-zA-Z][0-9a-zA-Z_-]*)://")
_SPEC_PARAMETER = re.compile(r"[0-9a-zA-Z][0-9a-zA-Z_-]*")
# Every kind has these, and those of queues ("Modular inputs configuration").
_IMPLICIT = ("source", "sourcetype", "host", "index", "disabled", "interval")


@dataclass(frozen=True)
class _Kind:
    name: str
    app: str
    script: Path
    scheme: Scheme


class ModularInputs:
    """The modular inputs of all apps."""

    def __init__(self, splunk: Any) -> None:
        self._splunk = splunk
        self._kinds: dict[str, _Kind] | None = None
        self._running: dict[str, _Input] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Introspect the apps' inputs, and keep the enabled ones running."""
        self._thread = threading.Thread(target=self._loop, name="modular-inputs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End all inputs and their children."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(SCHEME_SECONDS)
        for running in self._running.values():
            running.ask_to_stop()
        for running in self._running.values():
            running.join()
        self._running.clear()

    def schemes(self) -> dict[str, dict[str, Any]]:
        """Each kind's scheme as an object: title, description, args, app, modes."""
        return {name: {**vars(kind.scheme), "app": kind.app} for name, kind in self.kinds().items()}

    def kinds(self) -> dict[str, _Kind]:
        """The kinds of inputs, introspected once."""
        with self._lock:
            if self._kinds is None:
                self._kinds = self._introspect()
            return self._kinds

    def validate(self, kind: str, name: str, settings: Mapping[str, str]) -> None:
        """Have the input check a new or changed stanza, where its scheme asks for that.

        Raises:
            SplunkdError: 404, no such kind; 400, the input refused it, in the input's words.
        """
        if kind not in self.kinds():
            raise SplunkdError(404, f"There is no modular input of the kind '{kind}'.")
        known = self.kinds()[kind]
        if not known.scheme.external_validation:
            return
        given = validation_xml(self._header(kind), name, settings)
        try:
            status, output = self._once(known, ["--validate-arguments"], given, VALIDATE_SECONDS)
        except ProcessFailed as error:
            raise SplunkdError(400, str(error)) from error
        if status != 0:
            found = re.search(rb"(?s)<message>(.*?)</message>", output)
            said = found.group(1).decode("utf-8", "replace") if found else f"exit status {status}"
            raise SplunkdError(400, f"The following error was returned by the input: {said}")

    def _introspect(self) -> dict[str, _Kind]:
        kinds = {}
        for app in sorted((Path(self._splunk.home) / "etc" / "apps").iterdir()):
            for name in self._declared(app / "README" / "inputs.conf.spec"):
                if not (app / "bin" / f"{name}.py").exists():
                    continue
                try:
                    kinds[name] = self._introspect_one(name, app.name)
                except RunnerError as error:
                    # As recorded: issue 1217 of UCC.
                    text = f'Unable to initialize modular input "{name}" defined in the app '
                    text += f'"{app.name}": Introspecting scheme={name}: {error}'
                    self._splunk.log("ModularInputs", "ERROR", text)
        return kinds

    def _declared(self, spec: Path) -> list[str]:
        """The kinds that a spec file declares: those with a parameter of their own.

        "Param values (one or more for each stanza)" (Modular inputs configuration). Where there is
        none, splunkd ignores the kind without a word (notes of MaxMind's app for Splunk); the
        warning is as recorded (PaloAltoNetworks/Splunk-Apps, issue 228).
        """
        found: dict[str, bool] = {}
        scheme = ""
        for line in spec.read_text(encoding="utf-8").splitlines() if spec.exists() else []:
            stanza = _SPEC_STANZA.match(line)
            if stanza or line.startswith("["):
                scheme = stanza[1] if stanza else ""
            if stanza:
                found.setdefault(scheme, False)
            name, equals, _value = line.partition("=")
            name = name.strip()
            if not (scheme and equals) or line.startswith(("[", "*", "#")):
                continue
            if not _SPEC_PARAMETER.fullmatch(name):
                text = f'Found parameter "{name}" inside "{spec}", scheme "{scheme}://", but this '
                text += "parameter will be ignored as it does not contain the correct sequence of "
                text += "characters (a parameter name must match the regex "
                text += f'"({_SPEC_PARAMETER.pattern})".'
                self._splunk.log("SpecFiles", "WARN", text)
            elif name not in _IMPLICIT:
                found[scheme] = True
        return [scheme for scheme, has_own in found.items() if has_own]

    def _introspect_one(self, name: str, app: str) -> _Kind:
        kind = _Kind(name, app, script_path(self._splunk, app, f"{name}.py"), Scheme(""))
        status, output = self._once(kind, ["--scheme"], b"", SCHEME_SECONDS)
        if status != 0:
            raise ProcessFailed(f"script running failed (exited with code {status})")
        return _Kind(name, app, kind.script, Scheme.parse(output))

    def _once(
        self, kind: _Kind, arguments: list[str], given: bytes, limit: float
    ) -> tuple[int, bytes]:
        """Run the script to its end: exit status and what it wrote."""
        label = f"{kind.script.name} {arguments[0]}"
        process = AppProcess(self._splunk, [str(kind.script), *arguments], _COMPONENT, label)
        output: list[bytes] = []
        reader = threading.Thread(target=lambda: output.append(process.stdout.read()), daemon=True)
        reader.start()
        try:
            process.stdin.write(given)
            process.close_stdin()
            status = process.wait(limit)
            if status is None:
                raise ProcessFailed(f"{label} did not end within {limit:g} seconds.")
            reader.join(5.0)
            return status, b"".join(output)
        except BrokenPipeError as error:
            raise ProcessFailed(f"{label} did not read its input.") from error
        finally:
            process.end()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                self._reconcile()
            except (RunnerError, SplunkdError, OSError) as error:
                self._splunk.log("ModularInputs", "ERROR", f"The inputs could not be read: {error}")
            self._stopping.wait(LOOK_SECONDS)

    def _reconcile(self) -> None:
        """Start what is new, end what is gone, restart what was changed."""
        wanted = self._wanted()
        for name, running in list(self._running.items()):
            if wanted.get(name) != running.stanzas:
                running.ask_to_stop()
                running.join()
                del self._running[name]
        for name, stanzas in wanted.items():
            if name not in self._running and not self._stopping.is_set():
                kind = self.kinds()[name.split("://")[0]]
                self._running[name] = _Input(self._splunk, kind, stanzas, self._header)
                self._running[name].start()

    def _wanted(self) -> dict[str, dict[str, dict[str, str]]]:
        """What should run: process name to its stanzas."""
        conf = self._splunk.conf.stanzas("inputs")
        # As etc/system/default/inputs.conf has them: an input is told of no other host, as was
        # recorded (tests of splunk-connect-for-otlp).
        defaults = {"host": "$decideOnStartup", "index": "default"}
        wanted: dict[str, dict[str, dict[str, str]]] = {}
        for name, own in conf.items():
            kind = name.split("://")[0]
            if "://" not in name or kind not in self.kinds():
                continue
            settings = {**defaults, **conf.get(kind, {}), **own}
            if truthy(settings.get("disabled"), False, f"disabled in [{name}]"):
                continue
            process = kind if self.kinds()[kind].scheme.single_instance else name
            wanted.setdefault(process, {})[name] = settings
        return wanted

    def _header(self, kind: str) -> Header:
        folder = Path(self._splunk.home) / "var" / "lib" / "splunk" / "modinputs" / kind
        folder.mkdir(parents=True, exist_ok=True)
        token = self._splunk.access.token_for(SYSTEM_USER, TOKEN_SECONDS)
        return Header(self._splunk.server_name, self._splunk.mgmt_uri, token, str(folder))


class _Input(threading.Thread):
    """One process that streams events, started again as its interval says."""

    def __init__(
        self,
        splunk: Any,
        kind: _Kind,
        stanzas: dict[str, dict[str, str]],
        header: Callable[[str], Header],
    ) -> None:
        super().__init__(name=f"input-{next(iter(stanzas))}", daemon=True)
        self.stanzas = stanzas
        self._splunk = splunk
        self._kind = kind
        self._header = header
        self._stop_asked = threading.Event()
        self._process: AppProcess | None = None
        self._interval = next(iter(stanzas.values())).get("interval") or DEFAULT_INTERVAL

    def ask_to_stop(self) -> None:
        """End the process, and do not start it again."""
        self._stop_asked.set()
        process = self._process
        if process is not None:
            process.end()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            started = self._splunk.clock.now()
            try:
                self._run_once()
                due = self._next(started)
            except (RunnerError, SplunkdError, OSError) as error:
                self._splunk.log(_COMPONENT, "ERROR", f"{self._label}: {error}")
                due = started + float(DEFAULT_INTERVAL)
            if due is None or not self._wait_until(due):
                return

    @property
    def _label(self) -> str:
        return f'message from "python {self._kind.script}"'

    def _next(self, started: float) -> float | None:
        """When it is run again; None: never. A run that took longer is followed at once."""
        if re.fullmatch(r"-?\d+(\.\d+)?", self._interval):
            seconds = float(self._interval)
            return None if seconds < 0 else started + seconds
        return next_time(self._interval, self._splunk.clock.now())

    def _wait_until(self, due: float) -> bool:
        while self._splunk.clock.now() < due:
            if self._stop_asked.wait(0.1):
                return False
        return not self._stop_asked.wait(0.05)

    def _run_once(self) -> None:
        sink = EventSink(self._splunk, self._kind.name, self._kind.scheme, self.stanzas)
        process = AppProcess(self._splunk, [str(self._kind.script)], _COMPONENT, self._label)
        self._process = process
        try:
            if self._stop_asked.is_set():
                return
            given = input_xml(self._header(self._kind.name), self.stanzas, self._kind.app)
            feeder = threading.Thread(target=_feed, args=(process, given), daemon=True)
            feeder.start()
            while data := _read(process):
                sink.feed(data)
            sink.close()
            status = process.wait(5.0)
            if status and not self._stop_asked.is_set():
                text = f"{self._label} exited with status {status}; it is run again."
                self._splunk.log(_COMPONENT, "ERROR", text)
        finally:
            process.end()
            self._process = None


def _read(process: AppProcess) -> bytes:
    """What it wrote; nothing once it has ended, also where it was told to while this waits."""
    try:
        data: bytes = process.stdout.read1(1 << 16)  # type: ignore[attr-defined]
    except ValueError:
        return b""  # the pipe was closed by AppProcess.end()
    return data


def _feed(process: AppProcess, data: bytes) -> None:
    try:
        process.stdin.write(data)
        process.close_stdin()
    except (BrokenPipeError, ValueError):
        return  # it ended without reading; its exit status is reported
