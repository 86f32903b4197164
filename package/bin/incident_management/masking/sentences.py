"""Secrets that no ``name=value`` announces: in sentences, ids of sessions, numbers of accounts.

A sentence says much of passwords that is none ("the password is expired"), so what follows is taken
for one only where it is quoted, or mixes letters with digits or signs as words do not.
"""

from __future__ import annotations

import re
from typing import Callable, List, Match, Pattern, Tuple, Union

__all__ = ["SENTENCES", "mask_given"]

_NAME = (
    r"(?:passw(?:or)?d|pass(?:phrase|code)|pwd|passwort|kennwort|mot\sde\spasse|contrase[nñ]a|clave"
    r"|wachtwoord|senha|heslo|has[lł]o|parola"
    r"|(?:api|access|secret|recovery|license)[ _-]?key|secret|token|credentials?)"
)
_IS_SAID = (
    r"(?:\sfor\s[^\s:]{1,60})?\s{1,3}(?:(?:is|was|lautet|ist|est|es|je|é)(?:\snow)?:?\s{1,3}"
    r"|(?:(?:is|was|has\sbeen)\s)?(?:changed|set|reset|rotated|updated)\sto\s{1,3})"
)
_QUOTED = r"(?P<quote>[\"'`])[^\s\"'`]{4,100}(?P=quote)"
# Names of algorithms, dates, and numbers with a unit are said of secrets, and are none.
_MIXED = (
    r"(?!(?:sha|md|aes|rsa|hs|rs|es|ps|utf|base|tls|v)-?\d|\d{4}-\d\d-\d\d|\d[\d.]{0,20}-?[a-z]{1,10}[\s.,;)]"
    r"|[\w./-]{1,100}:\d{1,5}(?:[\s.,;)]|\Z))"
    r"(?=[^\s<>]{0,100}[A-Za-z])(?=[^\s<>]{0,100}[\d!@#$%^&*])[^\s\"'`<>]{5,200}?(?=[.,;:)\]]{0,3}(?:\s|\Z))"
)
_SIGNS = r"\d{3}[\d -]{0,20}\d"
_CODE = (
    r"(?:otp|pin|passcode|your\s(?:\w{1,12}\s)?code"
    r"|(?:verification|security|one-time|recovery)\s(?:code|key))"
)

_COUNTRIES = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22,
    "DK": 18, "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28,
    "IE": 22, "IL": 23, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27,
    "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SA": 24, "SE": 24, "SI": 19,
    "SK": 24, "SM": 27, "TR": 26, "UA": 29,
}  # fmt: skip
"""How long an account's number is, by country (SWIFT's IBAN Registry)."""


# What the numbers of payment cards begin with: Visa, Mastercard, American Express, Discover, JCB.
_CARD = re.compile(
    r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|6(?:011|5)|35(?:2[89]|[3-8])"
)


def _mask_match(m: Match[str]) -> str:
    quote = m["quote"] or ""
    return f"{m['name']}{quote}<masked:secret>{quote}"


def _card_number(m: Match[str]) -> str:
    """Mask a number that a card may have: by what it begins with, and its check digit (Luhn)."""
    digits = [int(c) for c in m[0] if c.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    valid = (sum(doubled) + sum(digits[-1::-2])) % 10 == 0
    return "<masked:card>" if valid and _CARD.match("".join(map(str, digits))) else m[0]


def _account(m: Match[str]) -> str:
    """Mask an IBAN: by its country's length and its check digits (ISO 7064, modulo 97)."""
    length, place, taken = _COUNTRIES.get(m[0][:2], 99), 0, ""
    while place < len(m[0]) and len(taken) < length:
        taken += m[0][place].strip()
        place += 1
    rest = m[0][place:]
    if len(taken) < length or rest[:1].isalnum():
        return m[0]
    digits = "".join(str(int(letter, 36)) for letter in taken[4:] + taken[:4])
    return f"<masked:account>{rest}" if int(digits) % 97 == 1 else m[0]


# Each text that one of _NAME is in has one of these.
_WORDS = (
    "pass", "pwd", "kennwort", "contrase", "clave", "wachtwoord", "senha", "heslo", "has", "parola",
    "key", "secret", "token", "credential",
)  # fmt: skip
SENTENCES: List[Tuple[Tuple[str, ...], Pattern[str], Union[str, Callable[[Match[str]], str]]]] = [
    # the password is hunter2; the token was changed to "…"
    (
        _WORDS,
        re.compile(rf"(?P<name>\b{_NAME}{_IS_SAID})(?:{_QUOTED}|{_MIXED})", re.I),
        _mask_match,
    ),
    # user bob pass hunter2
    (
        ("pass", "pw", "kennwort"),
        re.compile(
            rf"(?P<name>\b(?:passw(?:or)?d|passphrase|pwd?|pass|passwort|kennwort)\s{{1,3}})"
            rf"(?=[\w!@#$%^&*.+=-]{{6}})(?P<quote>(?!)|){_MIXED}",
            re.I,
        ),
        _mask_match,
    ),
    # the verification code is 482910; passcode 482910
    (
        ("otp", "pin", "code", "key"),
        re.compile(
            rf"(?P<name>\b{_CODE}\s{{1,3}}(?:(?:is|was)\s|(?=[\d -]{{6}})))"
            rf"(?P<quote>(?!)|){_SIGNS}",
            re.I,
        ),
        _mask_match,
    ),
    # session_id=4f9c…, "sessionId": "…", X-Session-Id: …; of a short one only letters and digits
    # that are mixed: others are numbers and names of something
    (
        ("sess",),
        re.compile(
            r"((?:session(?:[ _-]?id)?|sess[_-]?id)(?:\\{0,7}[\"'])?\s{0,3}(?:=>|[:=])\s{0,3}"
            r"(?:\\{0,7}[\"'])?)(?=[\w.%+/=-]{0,100}\d)(?=[\w.%+/=-]{0,100}[A-Za-z])"
            r"(?:[\w.%+/=-]{16,}|(?=[a-z]{0,15}\d[a-z]{0,15}\d)[a-z\d]{8,15}(?![\w.%+/=-]))",
            re.I,
        ),
        r"\1<masked:session>",
    ),
    (
        (),
        re.compile(
            r"(?<![\w.+-])(?:\d{4}(?P<gap>[ -]?)\d{4}(?P=gap)\d{4}(?P=gap)\d{4}"
            r"|3[47]\d\d(?P<space>[ -]?)\d{6}(?P=space)\d{5})(?![\w-]|\.\d)"
        ),
        _card_number,
    ),
    (
        (),
        re.compile(
            r"(?<![A-Za-z0-9])[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
        ),
        _account,
    ),
]

_GIVEN: List[Pattern[str]] = [
    # password -> hunter2, "password"->"hunter2"; token->next2 is a program's
    re.compile(
        rf"(?P<name>\b(?:\w{{1,20}}[_-])?{_NAME}(?:[\"'`]?\s{{1,3}}(?:-?->|\u2192)\s{{1,3}}"
        rf"|[\"'`]\s?(?:-?->|\u2192)\s?(?=[\"'`])))(?:{_QUOTED}|{_MIXED})",
        re.I,
    ),
    # password|hunter2
    re.compile(
        rf"(?P<name>\b{_NAME}\|)(?P<quote>(?!)|)"
        r"(?!(?:sha|md|aes|rsa|hs|rs|es|ps|utf|base|tls|v)-?\d|\d{4}-\d\d)"
        r"(?=[^\s|]{0,100}[A-Za-z])(?=[^\s|]{0,100}\d)[\w!@#$%^&*.+/-]{6,200}(?=\||\s|\Z)",
        re.I,
    ),
    # | DB_PASSWORD | hunter2X9 |, a table's row
    re.compile(
        rf"(?P<name>\b(?:\w{{1,20}}[_-])?{_NAME}[ \t]{{1,40}}\|[ \t]{{1,40}})(?P<quote>(?!)|)"
        r"(?!(?:sha|md|aes|rsa|hs|rs|es|ps|utf|base|b64|tls|v)-?\d|\d{4}-?\d\d)"
        r"(?=[^\s|]{0,100}[A-Za-z])(?=[^\s|]{0,100}\d)[\w!@#$%^&*+]{8,200}"
        r"(?=[ \t]{0,40}(?:\||\n|\Z))",
        re.I,
    ),
    # user.setPassword("hunter2"), with_api_key('…')
    re.compile(
        rf"(?P<name>\b(?:set|with|change|update|reset)_?(?:[A-Za-z]{{1,12}}_?)?{_NAME}\(\s?"
        rf"(?:[\w.]{{1,40}},\s?)?){_QUOTED}",
        re.I,
    ),
]
"""How a name is given its secret other than by = and a colon, in texts that have such a name."""


def mask_given(text: str) -> str:
    """Return a text with what is given to names by arrows, pipes and calls masked."""
    for pattern in _GIVEN:
        text = pattern.sub(_mask_match, text)
    return text
