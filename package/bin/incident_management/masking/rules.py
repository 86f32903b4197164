"""Takes secrets out of text before it is logged, kept as evidence, or leaves this machine.

Masking is deterministic: the same text always gives the same result, so that a quote taken from
masked text can be found again in the masked original. It takes time linear in the length of the
text, whatever the text: every repetition is bounded, or consumes what it has read. Importing it
compiles its expressions, about 50 ms.
"""

from __future__ import annotations

import re
from typing import Any, Callable, List, Mapping, Match, Pattern, Tuple, Union

from .invisible import without_colours, without_invisible, without_links
from .names import (
    ASSIGNED,
    BARE,
    IS,
    NAMED,
    PERCENT,
    PLAIN_WORD,
    QUOTE,
    QUOTED,
    SAID_OF_IT,
    SECRET_WORD,
    START,
    begins,
)
from .programs import PROGRAMS, mask_manifests
from .sentences import SENTENCES, mask_given
from .vendor_keys import PECULIAR, VENDORS

__all__ = ["mask", "mask_values"]

_Replacement = Union[str, Callable[[Match[str]], str]]
_Rule = Tuple[Tuple[str, ...], Pattern[str], _Replacement]

_SLASH = r"\\?/"


def _kind_masked(m: Match[str]) -> str:
    return f"<masked:{str(m.lastgroup).replace('_', '-')}>"


_VENDOR = re.compile(START + "(?:" + "|".join(f"(?P<{k}>{v})" for k, v in VENDORS.items()) + ")")
# All that a vendor's key, and what stands before it, may be made of; the shortest has 13 letters.
_RUN = re.compile(r"[\w.~$:=/+,%\\-]{13,}")


def _mask_vendors(run: Match[str]) -> str:
    """Mask the keys in a run of letters and signs: looking at runs alone takes half the time."""
    return _VENDOR.sub(_kind_masked, run[0])


def _named_value(m: Match[str]) -> str:
    if m.groupdict().get("list"):
        return f"{m['name']}[<masked:secret>]"
    quote = m["quote"] or ""
    return f"{m['name']}{quote}<masked:secret>{quote and (m['close'] or '')}"


def _header(inside: str) -> str:
    """Cookies and Authorization hold several values: mask all that ``inside`` matches."""
    name = r"(?:set-?)?cookie2?|authorization"
    begin = rf"(?P<name>{START}(?:{name})\s{{0,3}}[:=]\s{{0,3}})(?!{SAID_OF_IT})"
    return rf"{begin}(?=[^\s\"'\[{{])(?:{inside})+"


_IN_STRING = r"\\(?![nr]).|[^\"\\\r\n]"
_IN_LINE = r"(?!\\[nr])[^\r\n]"
_HEADER_IN_JSON = re.compile(_header(_IN_STRING), re.I)
_HEADER_IN_LINE = re.compile(_header(_IN_LINE), re.I)


def _mask_headers(line: str) -> str:
    """Mask to the end of the line; in a line of JSON, to the end of the string."""
    rule = _HEADER_IN_JSON if line.lstrip()[:1] in ("{", '"') else _HEADER_IN_LINE
    return rule.sub(r"\g<name><masked:secret>", line)


# {"name": "DB_PASSWORD", "value": "…"}, {"path": "/spec/token", "old": …, "new": …},
# <add key="DbPassword" value="…"/>: a pair whose value is the name, and pairs beside it.
_PAIR_VALUE = r"[\w-]{0,20}(?:value|old|new|from|to|before|after|previous|current|content)"
_NAMES_A_SECRET = (
    rf"(?:name|key|field|setting|property|parameter|variable|path)(?:{QUOTE})?{IS}(?:{QUOTE})?"
    rf"[\w./:-]{{0,60}}{SECRET_WORD}[\w./:-]{{0,20}}(?:{QUOTE}|(?=[\s,;]))"
)
_SECRET_NAMED = re.compile(_NAMES_A_SECRET, re.I)
_NEXT_PAIR = re.compile(
    rf"(?P<name>[\s,;]{{0,40}}(?:{QUOTE})?(?P<key>[\w-]{{1,40}})(?:{QUOTE})?{IS})"
    rf"(?:{QUOTED}|(?P<bare>[^\s\"',;{{}}\[\]]{{1,500}}))"
)
_PAIRS_BESIDE = 6
_IS_PAIR_VALUE = re.compile(_PAIR_VALUE, re.I)
_VALUE_FIRST = re.compile(
    rf"(?P<name>(?<![A-Za-z]){_PAIR_VALUE}(?:{QUOTE})?{IS}){QUOTED}"
    rf"(?=[\s,]{{1,40}}(?:{QUOTE})?\w{{0,20}}{_NAMES_A_SECRET})",
    re.I,
)


def _mask_pairs(text: str) -> str:
    """Mask the values that stand beside a pair that names a secret."""
    text = _VALUE_FIRST.sub(_named_value, text)
    parts, done = [], 0
    for named in _SECRET_NAMED.finditer(text):
        place = named.end()
        for _ in range(_PAIRS_BESIDE):
            pair = _NEXT_PAIR.match(text, place)
            if not pair:
                break
            place = pair.end()
            if _IS_PAIR_VALUE.fullmatch(pair["key"]) and pair.start() >= done:
                parts += [text[done : pair.start()], _named_value(pair)]
                done = place
    return "".join(parts) + text[done:]


def _mask_assigned(text: str) -> str:
    parts, done = [], 0
    for place in begins(text):
        found = ASSIGNED.match(text, place) if place >= done else None
        if found and not _is_in_an_id(text, place):
            parts += [text[done:place], _named_value(found)]
            done = found.end()
    return "".join(parts) + text[done:]


def _is_in_an_id(text: str, place: int) -> bool:
    """Whether an incident's id has a secret's name in it by chance: INC-20261130-PWDA7F: Errors."""
    start = text.rfind("INC-", max(place - 18, 0), place)
    found = _INCIDENT_ID.match(text, start) if start >= 0 else None
    return found is not None and place < found.end()


_INCIDENT_ID = re.compile(r"INC-\d{8}-[0-9A-HJKMNP-TV-Z]{6}(?![\w-])")

_WHERE_NAMED = ("a name that announces a secret",)
"""In place of words, for rules that find something only where one of SECRET_WORD stands."""

# Order matters: the specific forms come before the general ones. A rule can find something only in
# texts that hold one of its first words, in small letters; in any where it has none.
_RULES: List[_Rule] = [
    (
        ("-----begin",),
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?"
            r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)",
            re.S,
        ),
        "<masked:private-key>",
    ),
    # PuTTY's form of one
    (
        ("private-lines",),
        re.compile(r"(Private-Lines: \d{1,4}\r?\n)(?:[A-Za-z0-9+/=]{1,80}(?:\r?\n|\Z)){1,200}"),
        r"\1<masked:private-key>\n",
    ),
    (
        ("eyj",),
        re.compile(r"(?:(?<![\w-])|(?<=\\[nrt]))eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*){0,3}"),
        "<masked:jwt>",
    ),
    (("akia", "asia", "aroa", "aida", "xox", "xapp-"), re.compile(PECULIAR), _kind_masked),
    ((), _RUN, _mask_vendors),
    # Whoever knows the address of a webhook may post to it.
    (
        ("hooks.slack.com", "office", "discord", "events.pagerduty.com"),
        re.compile(
            rf"((?::{_SLASH}{_SLASH}|(?<![\w.-]))(?:hooks\.slack\.com|[\w-]{{1,63}}\.webhook\.office\.com"
            rf"|outlook\.office(?:365)?\.com{_SLASH}webhook(?:b2)?"
            rf"|discord(?:app)?\.com{_SLASH}api{_SLASH}webhooks"
            rf"|events\.pagerduty\.com{_SLASH}integration){_SLASH})[^\s\"'<>]+"
        ),
        r"\1<masked:path>",
    ),
    # scheme://user:password@host, up to the last @. After the colon, a number that ends there is
    # the port of a host.
    (
        ("@",),
        re.compile(
            rf"(:{_SLASH}{_SLASH}[^\s:/\"']*):(?!(?:user>:)?<masked:password>@)"
            r"(?!\d{1,5}(?:[/?#\s,;)\]}>\"'\\]|\Z))(?:[^\s\"/]{257,}|[^\s\"]{1,256})@"
        ),
        r"\1:<masked:password>@",
    ),
    # token:x-oauth-basic@host: a user that is long and has a digit is the secret itself.
    (
        ("@",),
        re.compile(
            rf"(:{_SLASH}{_SLASH})(?=[^\s:/\"'\d]{{0,100}}\d)[^\s:/\"'<]{{16,}}"
            r"(?=:<masked:password>@)"
        ),
        r"\1<masked:user>",
    ),
    # https%3A%2F%2Fuser%3Apassword%40host, the same in a parameter of another URL
    (
        ("%40",),
        re.compile(
            rf"({PERCENT}3A{PERCENT}2F{PERCENT}2F[^\s%\"'<>]{{0,100}}{PERCENT}3A)"
            rf"(?:(?!{PERCENT}(?:2F|3F|40))[^\s\"'<>&]){{1,256}}(?={PERCENT}40)",
            re.I,
        ),
        r"\1<masked:password>",
    ),
    # jdbc:oracle:thin:user/password@//db:1521/shop; sqlplus user/password@shop
    (
        ("@",),
        re.compile(
            r"((?:\bjdbc:oracle:\w{1,5}:|\b(?i:conn(?:ect)?)\s|\b(?:sqlplus|sqlldr|expdp|impdp|rman)\b[^\n|;]{0,100}?\s)"
            r"[\w$#.-]{1,60}/)(?!<masked:)[^\s@\"'/][^\s@\"']{0,200}(?=@)"
        ),
        r"\1<masked:password>",
    ),
    # user:password@tcp(host:3306)/shop, the form of Go's MySQL driver
    (
        ("@tcp(", "@unix("),
        re.compile(r"(?<!<masked)(:)[^\s\"'@(]{1,200}(?=@(?:tcp|unix)\()"),
        r"\1<masked:password>",
    ),
    (
        ("bearer", "basic", "splunk", "token", "ssws", "geniekey", "apikey", "negotiate"),
        re.compile(
            r"\b(Bearer|Basic|Splunk|token|SSWS|GenieKey|ApiKey|Negotiate)\s+(?!(?-i:[a-z]{12,20})(?![\w+/=.~^-])|[a-z]{1,20}_[a-z_]{1,20}=)"
            r"[A-Za-z0-9+/=._~^-]{12,}",
            re.I,
        ),
        r"\1 <masked:credential>",
    ),
    # A short one, unless it is a word of a sentence or a parameter: Bearer token; Bearer realm="…"
    (
        ("bearer", "basic"),
        re.compile(
            r"\b(Bearer|Basic)\s(?![A-Z]?[a-z]{1,20}(?:[.:]?[\s,;)\"'\]]|[.:]?\Z|=[\"']))"
            r"[^\s\"',;(){}\[\]<>\\]{4,}"
        ),
        r"\1 <masked:credential>",
    ),
    # Signatures and codes of URLs that let in whoever has them
    (
        ("sig=", "code=", "key=", "auth="),
        re.compile(
            r"((?:[?&]|\\u0026|&amp;)(?:sig=|(?:code|key)=(?=[^\s&\"'<>\\]{12})"
            r"|auth=(?=[^\s&\"'<>\\]{0,40}\d)(?=[^\s&\"'<>\\]{12})))"
            r"(?!<masked:)[^\s&\"'<>\\]+",
            re.I,
        ),
        r"\1<masked:secret>",
    ),
    (
        _WHERE_NAMED,
        re.compile(
            rf"(<(?!masked:)[\w:.-]{{0,40}}{SECRET_WORD}[\w:.-]{{0,20}}(?:\s[^<>]{{0,200}})?>"
            r"(?:\s{0,80}<!\[CDATA\[)?)"
            r"(?!<|\s{0,80}<)[^<]{1,4000}",
            re.I,
        ),
        r"\1<masked:secret>",
    ),
    # --password X; -storepass X; ["--password", "X"]
    (
        _WHERE_NAMED,
        re.compile(
            rf"(?P<name>(?:--|(?<=[ \t])-)(?:[a-z]{{1,20}}[_.-]){{0,4}}[a-z]{{0,10}}?"
            rf"{SECRET_WORD}"
            rf"(?:\s{{1,3}}|{QUOTE}\s{{0,3}},\s{{0,3}}))"
            rf"(?!-)(?:{QUOTED}|{BARE})",
            re.I,
        ),
        _named_value,
    ),
    *PROGRAMS,
    # "auth": "dXNlcjpw…", as Docker and npm keep logins
    (
        ("auth",),
        re.compile(
            rf"((?:{QUOTE}|_)auth(?:{QUOTE})?{IS}(?:{QUOTE})?)"
            r"(?=[^\s\"']{0,200}[0-9A-Z])[A-Za-z0-9+/_-]{16,}={0,2}"
        ),
        r"\1<masked:credential>",
    ),
    # A field of a form: Content-Disposition: form-data; name="password", a blank line, the value
    (
        ("name=",),
        re.compile(
            rf"(\bname={QUOTE}[\w.-]{{0,40}}{PLAIN_WORD}[\w.-]{{0,20}}{QUOTE}"
            r"(?:\r?\n|(?:\\r)?\\n){2})(?!--|<masked:)[^\r\n\\]+",
            re.I,
        ),
        r"\1<masked:secret>",
    ),
    # ["Cookie", "X"], (b"x-api-key", b"X"): headers as lists; no {"id": "INC-…-PWDA7F", "a":
    (
        (
            "cookie",
            "authorization",
            "passw",
            "passphrase",
            "pwd",
            "secret",
            "token",
            "key",
            "credent",
        ),
        re.compile(
            rf"(?P<name>{QUOTE}(?:(?:set-)?cookie2?|authorization"
            rf"|(?!{_INCIDENT_ID.pattern}{QUOTE})(?:\w{{1,20}}-){{1,4}}{PLAIN_WORD}[\w-]{{0,20}})"
            rf"{QUOTE}\s{{0,3}},\s{{0,3}}b?)"
            rf"{QUOTED}",
            re.I,
        ),
        _named_value,
    ),
    # YAML's blocks: password: |
    (
        ("|", ">"),
        re.compile(
            rf"(^[ \t-]{{0,60}}[\w.-]{{0,60}}?{PLAIN_WORD}[\w-]{{0,20}}:[ ]?[|>][+-]?\d?\n"
            r"([ \t]{1,60}))[^\n]*(?:\n\2[^\n]*)*",
            re.I | re.M,
        ),
        r"\1<masked:secret>",
    ),
]
_EMAIL = re.compile(r"\b[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,5}[a-z]{2,24}\b", re.I)


def mask(text: str, emails: bool = True) -> str:
    """Return ``text`` with what looks like a secret replaced by ``<masked:kind>``.

    Covers private keys, JSON web tokens, keys of well-known vendors, hashes of passwords, numbers
    of payment cards, addresses of webhooks, passwords in URLs and on command lines, ``Cookie`` and
    ``Authorization`` headers, and values whose name says that they are secret: ``name=value``,
    JSON, XML, YAML, and pairs such as ``"name": "DB_PASSWORD", "value": "…"``; also sentences ("the
    password is hunter2"), ids of sessions and numbers of accounts. It errs on the side of masking.
    ``emails`` also masks e-mail addresses. A text that has a secret comes back without
    colours and hyperlinks, and without characters that nobody sees where these hide one.
    """
    # First, or the end of a colour between a name and its value would be taken for the value.
    shown, addresses = without_links(text)
    plain = without_colours(shown)
    masked = _masked(plain, emails)
    seen = without_invisible(masked)
    if seen != masked:
        again = _masked(seen, emails)
        masked = masked if again == seen else again
    if masked == plain and not any(_masked(one, emails) != one for one in addresses):
        return text
    return masked


def _masked(text: str, emails: bool) -> str:
    small = text.lower()
    if "cookie" in small or "authorization" in small:
        text = "\n".join(map(_mask_headers, text.split("\n")))
    if "secret" in small and "data" in small:
        text = mask_manifests(text)
    named = any(NAMED.match(text, place) for place in begins(text))
    if named:
        text = _mask_pairs(text)
    for words, pattern, replacement in _RULES:
        if named if words is _WHERE_NAMED else not words or any(word in small for word in words):
            text = pattern.sub(replacement, text)
    if named:
        text = mask_given(_mask_assigned(text))
    for words, pattern, replacement in SENTENCES:
        if not words or any(word in small for word in words):
            text = pattern.sub(replacement, text)
    if emails and "@" in text:
        text = _EMAIL.sub("<masked:email>", text)
    return text


def mask_values(value: Any, name: str = "") -> Any:
    """Return a copy of JSON in which every text is masked, by itself and as the value of its name.

    E-mail addresses stay: they say who did something.
    """
    if isinstance(value, Mapping):
        return {key: mask_values(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask_values(inner, name) for inner in value]
    if not isinstance(value, str):
        return value
    hidden = mask(value, emails=False)
    named = f"{name}={hidden}"
    told = name and " " not in hidden and mask(named, emails=False) != named
    return "<masked:secret>" if told else hidden
