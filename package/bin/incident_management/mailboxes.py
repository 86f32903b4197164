"""E-mail addresses, as settings name them."""

from __future__ import annotations

import re
from typing import Tuple

__all__ = ["ADDRESS", "MOST", "addresses"]

# The dot-atoms of RFC 5322: plain ASCII, without quotes, comments or display names, so that
# an address can't end a command or a header field. A domain may have one label (root@localhost).
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}"
ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
LONGEST = 254
# Servers must take a hundred recipients of a message (RFC 5321, 4.5.3.1.8).
MOST = 50


def addresses(text: str) -> Tuple[str, ...]:
    """Return the addresses of a list that is separated by commas or semicolons, each once.

    Raises ValueError; its text goes on after the name of what holds the list.
    """
    parts = (part.strip() for part in re.split("[,;]", text))
    found = tuple(dict.fromkeys(part for part in parts if part))
    for one in found:
        if not ADDRESS.fullmatch(one) or len(one) > LONGEST:
            raise ValueError(
                f"holds '{one[:60]}', which is no e-mail address; write each as ops@example.com, "
                "without a name, separated by commas"
            )
    if len(found) > MOST:
        raise ValueError(f"holds {len(found)} addresses; name at most {MOST}, or a mailing list")
    return found
