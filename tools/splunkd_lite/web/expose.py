"""Which REST endpoints splunkweb passes on to splunkd.

splunkd's own endpoints are exposed; an endpoint that an app defines in ``restmap.conf`` is reached
from a browser only when the app also has an ``[expose:<name>]`` stanza in ``web.conf`` whose
``pattern`` and ``methods`` fit (web.conf.spec, "expose"). Forgetting it is a classic fault that
shows only in the browser, so it shows here too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

_NAMESPACED = re.compile(r"^/servicesNS/[^/]+/[^/]+/(?P<rest>.*)$")
_PLAIN = re.compile(r"^/services/(?P<rest>.*)$")
_CUSTOM_KINDS = ("script", "admin", "admin_external", "eai")
_TRUE = {"1", "true", "yes", "t", "y"}


class Conf(Protocol):
    """The part of the configuration store that is read here."""

    def stanzas(self, conf: str) -> dict[str, dict[str, str]]: ...


@dataclass(frozen=True)
class Verdict:
    """What splunkweb does with a request: pass it on or not, and whether it needs a form key."""

    exposed: bool
    reason: str = ""
    needs_form_key: bool = True


def rest_path(path: str) -> str | None:
    """Return what follows ``/services/`` or the namespace; None for any other path."""
    for form in (_PLAIN, _NAMESPACED):
        if found := form.match(path):
            return found["rest"].strip("/")
    return None


def pattern_matches(pattern: str, path: str) -> bool:
    """Match a web.conf pattern: ``*`` is one element or a prefix's rest, ``**`` any number."""
    elements = []
    for element in pattern.strip("/").split("/"):
        if element == "**":
            elements.append(r"[^/]+(?:/[^/]+)*")
        elif element.endswith("*"):
            tail = "[^/]+" if element == "*" else "[^/]*"
            elements.append(re.escape(element[:-1]) + tail)
        else:
            elements.append(re.escape(element))
    return re.fullmatch("/".join(elements), path) is not None


def judge(conf: Conf, method: str, path: str) -> Verdict:
    """Say whether a request may pass from the browser to splunkd."""
    rest = rest_path(path)
    if rest is None or ".." in rest.split("/"):
        return Verdict(False, f"{path} is not under /services or /servicesNS")
    if not _is_custom(conf.stanzas("restmap"), rest):
        return Verdict(True)
    for stanza in _expose_stanzas(conf.stanzas("web")):
        methods = {m.strip().upper() for m in stanza.get("methods", "GET").split(",")}
        if pattern_matches(stanza.get("pattern", ""), rest) and method in methods:
            skip = stanza.get("skipCSRFProtection", "0").lower() in _TRUE
            return Verdict(True, needs_form_key=not skip)
    return Verdict(
        False,
        f"{method} {rest} is not exposed to splunkweb: add an [expose:...] stanza to web.conf",
    )


def _is_custom(restmap: Mapping[str, Mapping[str, str]], rest: str) -> bool:
    """Say whether an app defines the endpoint; ``members`` are below an admin stanza's match."""
    for name, settings in restmap.items():
        kind, _, tail = name.partition(":")
        if kind not in _CUSTOM_KINDS or not tail:
            continue
        match = settings.get("match", "").strip("/")
        members = [m.strip() for m in settings.get("members", "").split(",") if m.strip()]
        prefixes = [f"{match}/{m}".strip("/") for m in members] if kind == "admin" else [match]
        if any(p and (rest == p or rest.startswith(p + "/")) for p in prefixes):
            return True
    return False


def _expose_stanzas(web: Mapping[str, Mapping[str, str]]) -> list[Mapping[str, str]]:
    return [settings for name, settings in web.items() if name.startswith("expose:")]
