"""How a text names a secret, and gives it: what announces one, and the value that follows.

Pieces of regular expressions for :mod:`.rules`, which says what they are held to.
"""

from __future__ import annotations

import re
from typing import Iterable

__all__ = [
    "ASSIGNED", "BARE", "IS", "NAMED", "PERCENT", "PLAIN_WORD", "QUOTE", "QUOTED", "SAID_OF_IT",
    "SECRET_WORD", "START", "begins",
]  # fmt: skip

# Begins a word, also after a line end that JSON has escaped and a sign that a URL has.
START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"

QUOTE = r"\\{0,7}[\"']"
# Columns that are aligned have many blanks.
_BLANKS = r"(?:\s{0,3}|[ \t]{4,40})"
# As a sentence in Chinese or Japanese has it, and as JSON and HTML may write it.
IS = (
    rf"{_BLANKS}(?::=|=>|==|[:=\uff1a\uff1d]|%(?:25)?3[AD]|\\{{1,7}}u003[adAD]|&#(?:58|61);)"
    rf"{_BLANKS}"
)

# What announces a secret wherever it stands in a name: DB_PASSWORD, X-Auth-Token, apiKey.
SECRET_WORD = (
    # PWD=/srv/shop is where a program runs.
    rf"(?:passw(?:or)?d|pass[_-]?(?:phrase|code|key)|pwd(?!{IS}/[a-z])|pword|rediscli_auth|passwort|kennwort|secret(?!ar)|token(?!i[sz]e)"
    r"|api[ _-]?key|credential|creds(?![A-Za-z])"
    r"|(?:access|account|auth|private|session|signing|encryption|master|storage|license"
    r"|subscription|instrumentation|app(?:lication)?|consumer|(?:pre)?shared|hmac|ingest(?:ion)?"
    r"|integration)[_-]?key"
    r"|authorization|cookie|signature|jsessionid|phpsessid|asp\.net_sessionid|connect\.sid"
    r"|contrase[nñ]a|wachtwoord|senha|mot[ _-]de[ _-]passe"
    r"|has[lł]o|пароль|密码|密碼|パスワード|비밀번호|salasana|lösenord|adgangskode|heslo|jelszó|şifre"
    r"|(?<![A-Za-z])(?:mdp|clave|parola)(?![A-Za-z_-])"
    r"|splunkd_\d{1,5}|client[_-]?assertion|saml(?:response|assertion)|(?:code|oauth)[_-]?verifier"
    r"|(?:device|verification|one[_-]?time)[_-]?code"
    r"|(?:card|cc)[_-]?(?:number|num|no)(?![A-Za-z])"
    # PagerDuty's; a message queue's are topics, and no secret: routing_key=orders.created
    rf"|routing[_-]?key(?!(?:{QUOTE})?{IS}(?:{QUOTE})?"
    r"(?-i:[a-z*#]+(?:\.[a-z*#]+){1,9})(?:[\s\"',;&)}\]\\]|\Z))"
    # Short words only as a part of their own: db_pass and dbPass, not compass or passed.
    r"|(?<![A-Za-z])(?:(?:db|user|root|ssh|smtp|ldap|admin|store|key|ftp|mail)?(?:pass|pw)"
    r"|psk|otp|cv[vc]2?)(?![A-Za-z])|(?-i:(?<=[a-z])Pass(?![A-Za-z])))"
)
NAMED = re.compile(SECRET_WORD, re.I)
# The same in few words, where the place says already that a value follows: it compiles faster.
PLAIN_WORD = r"(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|[_-]key|credential)"
PERCENT = r"%(?:25)?"
# A quote as deeply escaped as the text is nested; what it holds ends at the same quote, or where
# the line or the event was cut off. A quote that is escaped more deeply belongs to the value.
QUOTED = r"(?P<quote>\\{0,7}[\"'])(?:(?!(?<!\\)(?P=quote))[^\n]){1,4000}(?P<close>(?P=quote))?"
BARE = (
    # Alone, what another rule has masked stays as it is.
    r"(?P<bare>(?!<masked:[a-z-]{1,20}>(?:[\s\"',;&)}\]]|\Z))"
    r"(?:[^\s\"',;&)}\]\\<]|<masked:[a-z-]{1,20}>|<(?!/|masked:)|\\(?![nrt\"'])|(?<=\w)[\"'](?=\w)"
    # These end a value only where the next thing begins or the sentence ends.
    r"|[,;&](?![\s\"'\\]|\Z|[\w. -]{1,40}[=:])|[)}\]](?![\s,;.)}\]\"'\\]|\Z)){3,})"
)


SAID_OF_IT = (
    # What was masked already, or is read from elsewhere
    rf"(?:{QUOTE})?(?:\*{{3,40}}|[\[<](?:redacted|filtered|masked|hidden|nil|none|null)[\]>]|\$\{{[A-Z_][A-Z\d_]{{0,60}}\}}"
    r"|\$[A-Z]{1,30}_[A-Z_]{1,60})"
    rf"(?:{QUOTE}|[.,;:)\]}}&]{{0,2}}(?:\s|\Z))|(?:{QUOTE})?(?:expired|invalid|incorrect|wrong|missing|required|empty|none|null|true|false"
    r"|unknown|not|rejected|revoked|denied|failed|malformed|mismatch(?:ed)?|verified|validated"
    r"|enabled|disabled|yes|no)"
    rf"(?:{QUOTE}|[.,;:)\]}}]{{0,2}}(?:\s|\Z))"
    # What Kubernetes says: volume "creds": secret "shop-tls" not found
    rf"|secret\s{QUOTE}"
    r"|(?-i:(?:I[A-Z]{2,3}|DFH[A-Z]{0,2}|DSN[A-Z]?|DFS|BPX[A-Z]|CSV|EZ[A-Z]|CSQ[A-Z]|ARC|ADR|CNZ"
    r"|ORA-|TNS-|PLS-|RMAN-|SQL|AADSTS)\d{3,8}[A-Z]?):?(?:\s|\Z)"
)

# How a job or host is. Any other word alone may be the secret: secret-store: swordfish
_STATE = (
    r"(?:[a-z]{2,18}(?:ed|ing|able|ible)|down|done|ready|idle|busy|full|empty|slow|stale|dead|alive"
    r"|lost|broken|healthy|offline|online|timeout|error|failure|success|unknown|invalid)"
)
# What a line begins with: the name of a job, program or host in small letters, then a message or a
# number: password-reset: mail sent; secret-01: down. Not: db-password-staging: swordfish
_LOGGER = (
    r"(?-i:(?:-[a-z\d]{1,20}){0,3}-(?:\d{2,4}|[a-z]{0,16}(?:(?<!us)(?<!mast)er|[st]or|(?<!product)ion|set|sync|store|cache"
    r"|pool|queue|job|cron|agent|renewal|refresh|api))"
    rf":[ ](?:[a-z]{{3,20}}(?=[\s.,;:)]{{1,3}}[^\s.,;:)])|(?:{_STATE}|\d{{1,5}})(?=[\s.,;:)]|\Z)))"
)
# Names of what deals with secrets, or tells of them: token-service: 12 errors; max_tokens=2000
_NO_SECRET = (
    rf"(?!{_LOGGER})"
    r"(?!(?:[\w-]{0,14}(?:policy|count|limit|budget|length|type|url|uri|file|path|name|arn)"
    # A service as its name is written, or a class: DB_PASSWORD_SERVICE is neither.
    r"|(?-i:[a-z\d-]{0,14}-(?:service|svc|server|manager|worker|gateway|proxy|controller|operator"
    r"|validator|provider|exchange|consent)"
    rf"(?!:[ ](?!{_STATE}\b)[a-z]{{3,20}}[.;]?\s{{0,3}}(?:\n|\Z)))"
    r"|(?-i:[A-Za-z]{0,14}(?:Service|Manager|Controller|Validator"
    rf"|Provider|Client|Filter)))(?:{QUOTE})?\]?\s{{0,3}}(?:=>|[:=]))"
    # Numbers of tokens
    rf"(?<!token(?=s(?:[_-]\w{{1,20}})?(?:{QUOTE})?\s{{0,3}}[:=]\s{{0,3}}\d{{1,9}}(?![\w.-])))"
)
# What a parser did not expect is no credential, unless it looks like one.
_OF_A_PARSER = (
    rf"(?<!unexpected (?=token(?!(?:{QUOTE})?{IS}(?:{QUOTE})?"
    r"(?=[\w.+/=-]{0,40}\d)(?=[\w.+/=-]{0,40}[a-z])[\w.+/=-]{8,})))"
)
# name: "value with spaces"  or  name=value ; within JSON, quotes and line ends are escaped
ASSIGNED = re.compile(
    # --- PASS: TestCart
    rf"(?<!--- )(?P<name>{_OF_A_PARSER}{SECRET_WORD}{_NO_SECRET}"
    rf"[\w-]{{0,20}}(?:{QUOTE}|{PERCENT}22)?\]?{IS}"
    r"(?:string\(\d{1,5}\)\s)?)"
    # pass=12 is how many passed
    r"(?<!\bpass=(?=\d{1,4}\b))"
    # What is said of a secret is none, nor are the codes that mainframes and databases put there.
    rf"(?!{SAID_OF_IT})"
    # A list, or an object that holds texts
    r"(?:(?P<list>\[[^\]]{1,2000}\]"
    rf"|\{{(?=[^{{}}]{{0,400}}[:=]\s{{0,3}}{QUOTE})[^{{}}]{{1,2000}}\}})|{QUOTED}|{BARE})",
    re.I,
)

# Where a name that announces a secret may begin, in small letters: it is found many times faster
# than the whole name, for which each place of a text would have to be tried.
_BEGINS = re.compile(
    r"p(?=ass|wd|wor|w|sk|resh|hps|riva|aro)|k(?=enn|ey)|s(?=ecr|ess|ign|tor|ubs|har|plu|aml|sh|mtp"
    r"|enh|ala)|t(?=oke)|a(?=pi|cce|cco|uth|pp|sp\.|dmin|dg)|c(?=red|onsu|ook|onne|lie|ode|ard|c|v"
    r"|ontr|la)|e(?=ncr)|m(?=ast|ail|ot|dp)|l(?=ice|dap|ösen)|i(?=nst|nge|nte)|h(?=mac|as|es)"
    r"|j(?=sess|els)|o(?=auth|ne|tp)|d(?=evi|b)|v(?=eri)|r(?=out|oot|edisc)|u(?=ser)|f(?=tp)|w(?=ach)"
    r"|п(?=ар)|密(?=[码碼])|パ(?=ス)|비(?=밀)|ş(?=if)"
)


def begins(text: str) -> Iterable[int]:
    small = text.lower()
    if len(small) != len(text):  # a letter such as İ, which is two as a small one
        return range(len(text))
    return (m.start() for m in _BEGINS.finditer(small))
