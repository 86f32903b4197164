"""Secrets by where a program expects them: its options, its files of settings, its statements."""

from __future__ import annotations

import re
from typing import Callable, List, Match, Pattern, Tuple, Union

from .names import QUOTE, QUOTED, SECRET_WORD

__all__ = ["PROGRAMS", "mask_manifests"]

# What a Secret of Kubernetes holds, whatever its keys are named, in YAML and in JSON
_MANIFEST = re.compile(rf"\bkind(?:{QUOTE})?:\s{{0,3}}(?:{QUOTE})?Secret\b")
_YAML_DATA = re.compile(
    r"^([ \t]{0,40})((?:string)?[dD]ata:)[ \t]*\n(?:\1[ \t]+\S[^\n]*(?:\n|\Z))+", re.M
)
_JSON_DATA = re.compile(rf"({QUOTE}(?:stringD|d)ata{QUOTE}:\s{{0,3}}\{{)[^{{}}]{{1,100000}}\}}")


def mask_manifests(text: str) -> str:
    """Mask all that the manifest of a Secret holds; other texts stay as they are."""
    if not _MANIFEST.search(text):
        return text
    text = _JSON_DATA.sub(r"\1<masked:secret>}", text)
    return _YAML_DATA.sub(r"\1\2 <masked:secret>\n", text)


_INSERT = re.compile(
    rf"(?P<begin>\binsert\s{{1,3}}into\s{{1,3}}[^\s(]{{1,100}}\s{{0,3}}\((?=[^()]{{0,1000}}{SECRET_WORD})"
    r"[^()]{1,2000}\)\s{0,3}values\s{0,3}\()(?P<values>[^()]{1,4000})",
    re.I,
)


def _inserted(m: Match[str]) -> str:
    """Mask all texts of a row, one of which is a password: which one, only a parser could tell."""
    return m["begin"] + re.sub(r"'(?:[^']|''){1,4000}'", "'<masked:secret>'", m["values"])


# Letters and digits are mixed, as in no word
_MIXED = r"(?=[^\s]{0,100}[A-Za-z])[^\s\d]{0,100}\d"

PROGRAMS: List[Tuple[Tuple[str, ...], Pattern[str], Union[str, Callable[[Match[str]], str]]]] = [
    # Options that are a password with these programs alone
    (
        (
            "mysql",
            "mariadb",
            "sshpass",
            "redis-cli",
            "ldap",
            "login",
            "mongo",
            "snmp",
            "smbclient",
            "curl",
            "sqlcmd",
            "psexec",
            "useradd",
            "usermod",
            "7z",
            "htpasswd",
            "net use",
            "db2 connect",
            "openssl",
            "rabbitmqctl",
            "net user",
            "setuser",
        ),
        re.compile(
            r"(\b(?:(?:mysql|mariadb)[\w-]{0,20}\b[^\n|;]{0,200}?\s-p(?!assw)"
            r"|sshpass\s{1,3}-p\s{0,3}|redis-cli\b[^\n|;]{0,200}?\s-a\s{1,3}"
            r"|ldap[a-z]{3,10}\b[^\n|;]{0,200}?\s-w\s{1,3}"
            r"|(?:docker|podman|helm|oc|az)\s[^\n|;]{0,100}?login\b[^\n|;]{0,200}?\s-p\s{1,3}"
            r"|mongo\w{0,10}\b[^\n|;]{0,200}?\s-p\s{1,3}|snmp[a-z]{3,10}\b[^\n|;]{0,200}?\s-c\s{1,3}"
            r"|smbclient\b[^\n|;]{0,200}?\s-U\s{0,2}[^\s%]{1,100}%"
            r"|curl\b[^\n|;]{0,200}?\s(?:-u|--user)\s{0,3}[\"']?[^\s:\"']{1,100}:"
            r"|sqlcmd\b[^\n|;]{0,200}?\s-P\s{0,3}|psexec\d{0,2}\b[^\n|;]{0,200}?\s-p\s{1,3}"
            r"|user(?:add|mod)\b[^\n|;]{0,200}?\s-p\s{1,3}|7z[ar]?\s[^\n|;]{0,200}?\s-p"
            r"|htpasswd\s{1,3}-\w{0,5}b\w{0,5}\s{1,3}(?:-\w{1,5}\s{1,3}){0,3}\S{1,200}\s{1,3}\S{1,100}\s{1,3}"
            r"|net\suse\b[^\n|;]{0,200}?\s/user:\S{1,100}\s{1,3}(?!/)"
            r"|net\suser\s\S{1,100}\s{1,3}(?![/*])|SETUSER\s[^\n]{1,200}?\s>"
            r"|openssl\b[^\n|;]{0,200}?\s-[kK]\s{1,3}"
            r"|rabbitmqctl\s(?:add_user|change_password|authenticate_user)\s\S{1,100}\s{1,3}"
            r"|db2\sconnect\sto\s\S{1,60}\suser\s\S{1,60}\susing\s{1,3}))"
            r"(?!<masked:)[^\s]{3,}"
        ),
        r"\1<masked:secret>",
    ),
    # Settings that are read by place: redis.conf, ldap.conf, .netrc, a router's; SMTP's AUTH
    (
        (
            "requirepass",
            "masterauth",
            "bindpw",
            "rootpw",
            "auth",
            "machine",
            "snmp-server",
            "-server key",
            "shared-key",
            "aws_se",
        ),
        re.compile(
            r"(\b(?:requirepass|masterauth|bindpw|rootpw)\s{1,8}|\bAUTH\s(?:PLAIN|LOGIN)\s"
            r"(?=[A-Za-z+/]{0,40}[A-Z\d=])|\baws_(?:secret_access_key|session_token)\s{1,3}"
            r"|\bmachine\s{1,4}\S{1,200}\s{1,20}login\s{1,4}\S{1,100}\s{1,20}password\s{1,4}"
            r"|\bsnmp-server\scommunity\s{1,4}|\b(?:radius|tacacs)-server\skey\s{1,4}(?:\d\s)?"
            r"|\bpre-?shared-key\s{1,4}(?:\d\s)?)"
            r"(?!<masked:)[^\s:=]\S{2,}"
        ),
        r"\1<masked:secret>",
    ),
    # Redis: AUTH X, AUTH bob X; of IMAP: a1 LOGIN bob X. A word of a sentence is no password.
    (
        ("auth ", '"auth"', "login "),
        re.compile(
            rf"(?P<name>\bAUTH\s(?:[\w.-]{{1,40}}\s)?(?={_MIXED}\S{{6,200}}\s{{0,3}}(?:\n|\Z))"
            r"|\"AUTH\"\s(?:\"[^\"\s]{1,60}\"\s)?(?=\"[^\"\n]{1,200}\"\s{0,3}(?:\n|\Z))"
            r"|\b[A-Za-z]{1,4}\d{1,6}\sLOGIN\s(?!(?:user|attempt|from|for|by|as|of|was|is|has)\s)"
            r"(?=[^\s]{1,200}\s[^\s]{1,200}\s{0,3}(?:\n|\Z))[\"']?(?:<masked:email>|[^\s\"'<>]{1,100})[\"']?\s)"
            rf"(?:{QUOTED}|(?!<masked:)[^\s\"']{{3,200}})"
        ),
        lambda m: f"{m['name']}{m['quote'] or ''}<masked:secret>{m['close'] or ''}",
    ),
    (
        ("--from-literal",),
        re.compile(r"(--from-literal[= ][\"']?[\w.-]{1,100}=)(?!<masked:)[^\s\"']{1,4000}"),
        r"\1<masked:secret>",
    ),
    # echo X | sudo -S
    (
        ("echo ",),
        re.compile(
            r"(\becho\s(?:-n\s)?[\"']?)(?!<masked:)[^\s\"'|]{4,200}"
            r"(?=[\"']?\s{0,3}\|\s{0,3}(?:sudo\s-S|passwd|chpasswd|docker\slogin))"
        ),
        r"\1<masked:secret>",
    ),
    (
        ("vault login",),
        re.compile(rf"(\bvault\slogin\s)(?={_MIXED})(?![-<])[^\s=]{{8,200}}(?=\s|\Z)"),
        r"\1<masked:secret>",
    ),
    # Links that let in whoever has them: /magic-link/X, /reset-password?t=X
    (
        ("magic", "reset", "verif", "confirm", "invit", "activat", "unsubscribe"),
        re.compile(
            r"(/(?:magic|(?:password|pw)[_-]?reset|reset|verif(?:y|ication)|confirm|invit(?:e|ation)"
            r"|activat|unsubscribe)[\w-]{0,20}(?:/[a-z-]{1,20})?(?:/|\?[\w-]{1,20}=))"
            r"(?=[\w.~%-]{0,200}\d)(?=[\w.~%-]{0,200}[A-Za-z])[\w.~%-]{16,500}(?![\w./~%-])",
            re.I,
        ),
        r"\1<masked:secret>",
    ),
    (("insert",), _INSERT, _inserted),
    # A router's passwords and secrets by their type: password 7 070C285F4D06
    (
        ("password ", "secret "),
        re.compile(r"(\b(?:password|secret)\s[05789]\s)(?=[\w$./]{0,40}\d)[\w$./]{8,}", re.I),
        r"\1<masked:secret>",
    ),
    # ODBC's braces: PWD={a;b}}c}
    (
        ("={",),
        re.compile(r"(\b(?:pwd|password)\s?=\s?)\{(?:[^{}\n]|\}\}){1,200}\}", re.I),
        r"\1{<masked:secret>}",
    ),
    # SQL: PASSWORD 'X', SET PASSWORD FOR bob = 'X', IDENTIFIED BY 'X', AES_DECRYPT(x, 'X')
    (
        ("password", "passphrase", "identified", "crypt("),
        re.compile(
            r"(?P<name>\b(?:(?:password|passphrase)(?:\s{0,3}\(\s{0,3}"
            r"|\s{1,3}(?:for\s\S{1,100}\s{0,3}=\s{0,3})?)|identified\s(?:with\s\S{1,40}\s)?by\s{1,3}"
            r"|(?:aes|des|pgp_sym)_(?:en|de)crypt\([^()'\"\n]{1,100},\s{0,3}))"
            rf"{QUOTED}",
            re.I,
        ),
        lambda m: f"{m['name']}{m['quote']}<masked:secret>{m['close'] or ''}",
    ),
]
