"""Gets the connection address from Slack; tells a rejected token from a passing failure.

Source: "apps.connections.open method" in Slack's reference, and its errors.
"""

from __future__ import annotations

from typing import Any, Optional

from ..notify.services.slack import web_client
from ..outside.transport import BadUrl, Network, NoAnswer, NotSent, retry_after
from ..splunk.configuration.settings import Slack

__all__ = ["Refused", "Unreachable", "socket_address", "workspace_of"]

_AGAIN = "set a new one under Configuration > Slack"
_UNSCOPED = (
    "lacks the scope connections:write: make another one under Basic Information > App-Level "
    "Tokens of the Slack app, and set it under Configuration > Slack"
)
_APP_TOKEN = {
    "invalid_auth": f"is not valid: {_AGAIN}",
    "not_authed": f"is empty: {_AGAIN}",
    "token_revoked": f"was revoked: {_AGAIN}",
    "token_expired": f"has expired: {_AGAIN}",
    "account_inactive": f"belongs to an account or app that is deactivated: {_AGAIN}",
    "not_allowed_token_type": "is none of an app: make one under Basic Information > App-Level "
    "Tokens of the Slack app, and set it under Configuration > Slack",
    "missing_scope": _UNSCOPED,
    "no_permission": _UNSCOPED,
}
_FOR_GOOD = {
    "access_denied",
    "accesslimited",
    "app_not_found",
    "enterprise_is_restricted",
    "forbidden_team",
    "org_login_required",
    "team_access_not_granted",
    "two_factor_setup_required",
}


class Refused(Exception):
    """Slack rejects the connection until somebody changes something; the text says what."""


class Unreachable(Exception):
    """Slack can't be reached now; ``after``: the wait that it asked for, in seconds."""

    def __init__(self, sentence: str, after: Optional[float] = None) -> None:
        super().__init__(sentence)
        self.after = after


def socket_address(settings: Slack, network: Network, now: float) -> str:
    """Return an address that is valid for one connection. Raises Refused, Unreachable."""
    web = web_client(settings.app_token, settings.api_url, network)
    answer = _asked(web, "apps.connections.open", "app-level token", now)
    url = str(answer.get("url") or "")
    if not url:
        raise Unreachable("Slack's answer has no address to connect to.")
    return url


def workspace_of(settings: Slack, network: Network, now: float) -> str:
    """Return the id of the bot token's workspace. Raises Refused, Unreachable."""
    web = web_client(settings.bot_token, settings.api_url, network)
    answer = _asked(web, "auth.test", "bot token", now)
    return str(answer.get("team_id") or "")


def _asked(web: Any, method: str, token: str, now: float) -> Any:
    from slack_sdk.errors import SlackApiError

    try:
        return web.api_call(method)
    except (NotSent, NoAnswer) as error:
        raise Unreachable(str(error)) from None
    except BadUrl as error:
        raise Refused(str(error)) from None
    except SlackApiError as error:
        response = error.response
    status = int(response.status_code or 0)
    data = response.data if isinstance(response.data, dict) else {}
    reason = str(data.get("error") or "")[:100]
    if status == 429 or reason in ("ratelimited", "rate_limited"):
        headers = {str(k).lower(): str(v) for k, v in (response.headers or {}).items()}
        raise Unreachable("Slack asks to slow down (429).", retry_after(headers, now))
    if reason in _APP_TOKEN:
        raise Refused(f"Slack refuses the {token} ({reason}): it {_APP_TOKEN[reason]}.")
    if reason in _FOR_GOOD:
        raise Refused(
            f"Slack refuses the {token} ({reason}): ask an administrator of your Slack workspace."
        )
    raise Unreachable(f"Slack answered {status} {reason or 'without a reason'} to {method}.")
