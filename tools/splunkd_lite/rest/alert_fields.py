"""An alert's condition as ``saved/searches`` names it, and as savedsearches.conf does.

Source: "Search endpoints" in the REST API Reference (``alert_type``, ``alert_comparator``,
``alert_threshold``) and savedsearches.conf.spec (``counttype``, ``relation``, ``quantity``). The
REST API says percent in the comparator ("rises by perc"), the conf file in the quantity ("10%").
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.splunkd_lite.conf import is_true
from tools.splunkd_lite.errors import SplunkdError

__all__ = ["NAMES", "check", "from_conf", "to_conf"]

NAMES = ("alert_type", "alert_comparator", "alert_threshold")
_TYPES = ("always", "custom", "number of events", "number of hosts", "number of sources")
_COMPARATORS = (
    "greater than", "less than", "equal to", "not equal to", "rises by", "drops by",
    "rises by perc", "drops by perc",
)  # fmt: skip
_PERCENT = " perc"


def to_conf(settings: Mapping[str, str]) -> dict[str, str]:
    """The conf settings that the REST names in ``settings`` stand for.

    Raises:
        SplunkdError: 400, a name or a number that does not exist.
    """
    found: dict[str, str] = {}
    if "alert_type" in settings:
        found["counttype"] = _one_of("alert_type", settings["alert_type"], _TYPES)
    if "alert_threshold" in settings:
        threshold = settings["alert_threshold"].strip()
        if threshold and not threshold.removesuffix("%").lstrip("-").isdigit():
            raise SplunkdError(400, f"Invalid alert_threshold '{threshold}': give 5 or 5%.")
        found["quantity"] = threshold
    if "alert_comparator" in settings:
        comparator = _one_of("alert_comparator", settings["alert_comparator"], _COMPARATORS)
        found["relation"] = comparator.removesuffix(_PERCENT)
        quantity = found.get("quantity", settings.get("quantity", ""))
        if comparator.endswith(_PERCENT) and quantity and not quantity.endswith("%"):
            found["quantity"] = f"{quantity}%"
    return found


def from_conf(settings: Mapping[str, str]) -> dict[str, str]:
    """The three REST names for what savedsearches.conf says."""
    relation, quantity = settings.get("relation", ""), settings.get("quantity", "")
    percent = quantity.endswith("%") and relation and not relation.endswith(_PERCENT)
    return {
        "alert_type": settings.get("counttype") or "always",
        "alert_comparator": relation + _PERCENT if percent else relation,
        "alert_threshold": quantity,
    }


def check(settings: Mapping[str, str]) -> None:
    """Refuse what could never alert as meant. ``settings`` are those of the conf file.

    Raises:
        SplunkdError: 400, one sentence that says what is missing.
    """
    throttled = is_true(settings.get("alert.suppress") or "0")
    digest = is_true(settings.get("alert.digest_mode") or "1")
    if throttled and not digest and not settings.get("alert.suppress.fields", "").strip():
        raise SplunkdError(
            400, "alert.suppress.fields is required where results alert one by one and throttle."
        )
    window = settings.get("schedule_window", "").strip()
    if window and window != "auto" and not window.isdigit():
        raise SplunkdError(400, f"Invalid schedule_window '{window}': give minutes or auto.")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    word = value.strip().lower()
    if word and word not in allowed:
        raise SplunkdError(400, f"Invalid {name} '{value}': give one of {', '.join(allowed)}.")
    return word
