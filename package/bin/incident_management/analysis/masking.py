"""Take secrets out of text before it leaves this machine.

Masking is deterministic: the same text always gives the same result, so that a quote taken from
masked text can be found again in the masked original.
"""

from __future__ import annotations

import re
from typing import Callable, List, Match, Pattern, Tuple, Union

__all__ = ["mask"]

_Replacement = Union[str, Callable[[Match[str]], str]]

# A name that announces a secret: password=…, "api_key": "…", X-Auth-Token: …
_SECRET_NAME = (
    r"(?:[\w.-]{0,40}(?:passw(?:or)?d|passwd|pwd|secret|token|api[_-]?key|apikey|access[_-]?key"
    r"|private[_-]?key|credential|session[_-]?key|authorization|cookie|signature)[\w-]{0,20})"
)

# Order matters: the specific forms come before the general ones.
_RULES: List[Tuple[Pattern[str], _Replacement]] = [
    (
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?"
            r"(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)",
            re.S,
        ),
        "<masked:private-key>",
    ),
    (
        re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"),
        "<masked:jwt>",
    ),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}\b"), "<masked:aws-key-id>"),
    (re.compile(r"\bxox[abeoprs]-[\w-]{8,}|\bxapp-[\w-]{8,}"), "<masked:slack-token>"),
    (re.compile(r"\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}"), "<masked:github-token>"),
    (re.compile(r"\bglpat-[\w-]{16,}"), "<masked:gitlab-token>"),
    (re.compile(r"\b[sr]k_(?:live|test)_\w{10,}"), "<masked:stripe-key>"),
    (re.compile(r"\bAIza[\w-]{30,}"), "<masked:google-key>"),
    (re.compile(r"https://hooks\.slack\.com/[^\s\"']+"), "https://hooks.slack.com/<masked:path>"),
    # scheme://user:password@host
    (
        re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://[^\s:/@\"']{0,100}):[^\s/@\"']{1,200}@", re.I),
        r"\1:<masked:password>@",
    ),
    (
        re.compile(r"\b(Bearer|Basic|Splunk|token)\s+[A-Za-z0-9+/=._~-]{12,}", re.I),
        r"\1 <masked:credential>",
    ),
    # name: "value with spaces"  or  name=value ; within JSON, quotes and line ends are escaped
    (
        re.compile(
            r"(?P<name>" + _SECRET_NAME + r")(?P<sep>\\?[\"']?\s{0,3}[:=]\s{0,3})"
            r"(?:(?P<quote>\\?[\"'])(?P<quoted>(?:(?!(?P=quote)).){1,500})(?P=quote)"
            r"|(?P<bare>(?!<masked:)(?:(?!\\[nrt])[^\s\"',;&)}\]]){3,500}))",
            re.I,
        ),
        lambda m: "{}{}{q}<masked:secret>{q}".format(m["name"], m["sep"], q=m["quote"] or ""),
    ),
]

_EMAIL = re.compile(r"\b[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,5}[a-z]{2,24}\b", re.I)


def mask(text: str, emails: bool = True) -> str:
    """Return ``text`` with what looks like a secret replaced by ``<masked:kind>``.

    Covers private keys, JSON web tokens, keys of well-known vendors, passwords in URLs,
    ``Authorization`` values, and values whose name says that they are secret. It errs on the side
    of masking. ``emails`` also masks e-mail addresses.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    if emails:
        text = _EMAIL.sub("<masked:email>", text)
    return text
