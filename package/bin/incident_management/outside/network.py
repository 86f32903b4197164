"""Reach external services by the app's settings."""

from __future__ import annotations

from ..splunk.configuration.settings import Settings
from .transport import BadUrl, Network, checked_url

__all__ = ["NotConfigured", "NotReady", "configured_url", "network_of"]


class NotConfigured(Exception):
    """A setting is missing or invalid; the text says which, and where to set it."""


class NotReady(Exception):
    """Something that a request needs, such as its secret, can't be read now."""


def configured_url(url: str, what: str) -> str:
    """Return a URL from the settings as :func:`.checked_url` does. Raises NotConfigured."""
    try:
        return checked_url(url, what)
    except BadUrl as error:
        raise NotConfigured(str(error)) from None


def network_of(settings: Settings) -> Network:
    """Return how services are reached. Raises NotConfigured for an invalid proxy."""
    proxy = settings.proxy
    if not proxy.enabled:
        return Network(settings.network.ca_file)
    if proxy.type not in ("http", "https"):
        raise NotConfigured(
            f"The proxy type '{proxy.type}' is not supported: choose http under "
            "Configuration > Proxy."
        )
    if not proxy.host or not proxy.port:
        raise NotConfigured("The proxy has no host or port: set both under Configuration > Proxy.")
    return Network(settings.network.ca_file, proxy.url, proxy.no_proxy)
