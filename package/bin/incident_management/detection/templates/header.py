"""Recognise the header of a log line: what loggers write before a message.

Times, levels, host, process, thread, component. They count as a header only if a time stands near
the start of the line. Headers vary between lines and machines, and so are no part of a template.
"""

from __future__ import annotations

import re

__all__ = ["MAY_BE_HEADER", "after_header", "is_header", "is_klog"]

_CLOCK = r"\d{1,2}[:.]\d{1,2}[:.]\d{1,2}(?:[.,:]\d{1,9})?(?:\s[AP]M(?!\w))?"
_ZONE = r"(?:\s?(?:Z\b|UTC|GMT|[+-]\d\d:?\d\d))?"
_KLOG = r"[DIWEF](?:\d{4})?\d{4}\s\d\d:\d\d:\d\d\.\d{3,6}"
_STAMP = rf"""(?:
    \d{{4}}[-/.]\d\d[-/.]\d\d(?:[T\s_-]\s?{_CLOCK}{_ZONE}|(?!\s\d\d:))  # 2026-01-31 10:00:00,123
  | \d\d[-/.]\d\d(?:[-/.]\d\d(?:\d\d)?)?(?:\s--)?\s{_CLOCK}         # 17/06/09 20:10:40
  | (?:[A-Z][a-z]{{2}},?\s+)?\d{{1,2}}\s[A-Z][a-z]{{2}}\s\d{{4}}\s{_CLOCK}{_ZONE}  # 31 Jan 2026 …
  | (?:[A-Z][a-z]{{2}}\s+)?[A-Z][a-z]{{2}}\s+\d{{1,2}}\s+(?:\d{{4}}\s+)?{_CLOCK}   # Jan 31 …
      (?:\s[A-Z]{{3,4}})?(?:\s\d{{4}})?
  | [A-Z][a-z]{{2}}\s\d{{1,2}},\s\d{{4}}\s{_CLOCK}(?:\s[A-Z]{{3,4}}(?=>))?  # Jan 31, 2026 …
  | \d{{1,2}}[/-][A-Z][a-z]{{2}}[/-]\d{{4}}[:\s]{_CLOCK}{_ZONE}      # 31/Jan/2026:10:00:00 +0000
  | \d{{6,8}}[\s-]\d{{6}}(?=\s) | \d{{8}}-{_CLOCK}                   # 081109 203615
  | {_KLOG}                                                          # I0131 10:00:00.123456
  | \d\d:\d\d:\d\d(?:[.,]\d{{1,9}})?
  | 1\d{{9}}\.\d{{1,9}} | (?<!\[)1\d{{9}}                            # epoch seconds; [1…]: an id
  | (?<=\[)\s{{0,8}}\d{{1,9}}\.\d{{6}}                               # kernel's seconds since boot
)"""
_LEVEL = (
    r"(?:TRACE|DEBUG|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRIT|CRITICAL|FATAL"
    r"|ALERT|EMERG|PANIC|LOG|FAILURE|VERBOSE|FINE|FINER|FINEST|CONFIG"
    r"|trace|debug|info|notice|warn|warning|error|err|crit|critical|fatal|alert|emerg"
    r"|Trace|Debug|Info|Notice|Warn|Warning|Error|Critical|Fatal|[VDIWEF])"
)
# Where in a program's source a line was written.
_SOURCE = (
    r"(?:[\w./-]{1,80}\.(?:go|py|java|kt|scala|cc?|cpp|h|hpp|cs|rs|rb|js|ts|php|pl|lua|erl)"
    r"|[\w.]{1,80}:\w{1,60}(?=:\d{1,6}\s-)):\d{1,6}"
)
# What may precede a time: <34> is a syslog priority, 17:M a process of Redis.
_START = re.compile(
    rf"""(?:<\d{{1,3}}>\s?)?
        (?:(?:-|\d{{1,12}}(?:\.\d+)*(?::[A-Z]?)?|[\w-]+\.log[\w.:-]*|node\S{{0,40}}
        |[\w.]{{1,40}}_[\w.]{{1,40}}|[a-z]+\.[a-z]+
        |\[?{_LEVEL}\]?[:,]?(?:\s+\[[^\[\]]{{1,60}}\])?)\s+){{0,4}}
        [\[<(*.]?{_STAMP}[\])>]?[,:]?(?=[\s|\[;]|\Z)""",
    re.X,
)
# <34>1 2026-01-31T10:00:00Z host program process kind -: syslog of RFC 5424 (section 6)
_RFC_5424 = re.compile(
    r"<\d{1,3}>\d{1,2} (?:\S{1,255} ){5}(?:-|(?:\[(?:[^\]\\]|\\.){0,2000}\])+)(?: \ufeff?|\Z)"
)
_PART = re.compile(
    rf"""[\s|]{{0,40}}(?![\s|])(?:
        (?P<time>[\[<(]?{_STAMP}[\])>]?[,:]?(?=[\s|\[]))
      | [\[<(]?{_LEVEL}(?:\s{{0,5}}[\])>]                            # level, NOTICE[17]
          |\[\d{{1,10}}\](?:\[[\w-]{{1,40}}\])?|/[\w.-]{{1,60}}\])?:?(?=[\s|\[])
      | \[?\#?-?\d{{1,10}}\]?:?(?=[\s|])                             # process or thread
      | (?=[a-f]{{0,15}}\d)[0-9a-f]{{8,16}}(?=\s)                    # thread
      | (?:(?<=\|\s)|(?<=\|\s\s))[\w.$/\#-]{{1,80}}                  # | main |
          (?:[\s:][\w.$/\#-]{{1,40}}){{0,4}}(?=\s{{1,40}}\|\s)
      | (?P<dash>-(?=\s)) | [:-]{{1,9}}(?=\s) | [*\#](?=\s) | \*\d{{1,12}}(?=\s)
      | (?:[\w.-]+\#\d+:)(?=\s)
      | \[(?:[^\[\]]|\[[^\[\]]{{0,60}}\]){{0,200}}\]:?(?=[\s|\[])    # [main], [req-1 - - -]
      | (?<=\]\s)\([\w.\s-]{{1,60}}\)(?=\s)                          # (a thread)
      | \([\w.-]{{1,60}}\)(?=\s\[[\w:.\s-]{{0,120}}\]\s[a-z]\.)         # (thread) [c:a] o.a.B
      | <(?:\d+\.\d+\.\d+>(?=\s)|[\w\s.:/-]{{0,60}}>(?=\s<))         # <0.17.0>
      | (?:[A-Z]{{3,12}}\s+){{1,2}}(?={_LEVEL}\s)                    # RAS KERNEL INFO
      | (?P<thread>[A-Z]{{2,12}}\s{{2,12}}\[[\w.-]{{1,40}}\](?=\s))      # NETWORK  [conn17]
      | (?P<record>;[0-9a-f]{{4}}(?:;[^;]{{1,80}}){{3}};)                   # ;0008;server;Job;17.a;
      | R\d\d-\S{{1,40}}(?=\s)
      | std(?:out|err)\s[FP](?=\s)                                   # a container's stream
      | [\w./-]{{1,80}}:\d{{1,6}}\](?=\s) | \{{?{_SOURCE}\}}?:?(?=\s)  # file.go:17]
      | (?:[a-z]{{2,10}}=\S{{1,60}}\s){{1,6}}(?={_LEVEL}:)           # pid=17 INFO:
      | [\w.-]{{1,40}}\[\d{{1,10}}\](?=\s\[)                         # program[17] [part]
      | \w{{1,20}}\|(?=\s)
      | [\w.-]{{1,60}}@[\w.-]{{1,60}}(?=\s(?:{_LEVEL}:|<\d+\.))      # user@database LOG:
      | [\w.$-]{{1,80}}(?:/[\w.-]{{1,80}})?(?=\s(?:{_STAMP}|-\s{_LEVEL}\s))  # logger - INFO
    )""",
    re.X,
)
# host process[1]: of syslog (with syslog-ng's chain-hostnames() host/relay); or a component, closed
# by a colon or dotted
_SYSLOG = re.compile(
    r"[\s|]*[\w.:/-]{1,80}\s+(?=[\w.@/+-]{1,60}(?:\([\w:.-]{1,60}\))?(?:\[\d{1,10}\])?:(?:\s|\Z))"
)
_COMPONENT = re.compile(
    r"""[\s|]*(?:
        (?!\S{0,120}(?:Error|Exception)\s?:)
        [\w.$@/+\#-]{1,120}(?:\([\w:.-]{1,60}\))?(?:\[[\w.\s-]{0,40}\])?\s?:(?=\s|\Z)
        (?:\s\d\d\[[A-Z]{3}\](?=\s))?                                 # 05[IKE]
      | (?:[A-Za-z_][\w$-]*\.)+[\w$-]+
        (?:\s\[req-[^\]]{0,200}\]|(?:\s{1,60}\[[^\[\]]{0,80}\])?\s-|\s{2,40}:)?(?=\s)  # logger.name
      | [A-Za-z_]\w{0,30}\|[\w]{0,20}\|                               # component|id|
      | [A-Z]{2,12}(?=\s{2,})                                         # a column
      | -(?=\s)
    )""",
    re.X,
)
# The time of a device behind that of the receiver: *Jan 31 10:00:00.123 UTC: %SYS-5-RESTART
_DEVICE_TIME = re.compile(rf"\s*[*.]?{_STAMP}(?:\s[A-Z]{{3,4}})?:(?=\s%)", re.X)
MAY_BE_HEADER = re.compile(
    rf"[\[<(*\d-]|[A-Z][a-z]{{2}},?\s|[DIWEF]\d{{4}}|{_LEVEL}[:,]?\s|node|[a-z_-][\w.-]{{0,80}}\d{{4}}-"
)
_IS_KLOG = re.compile(_KLOG)
_WORD_FOLLOWS = re.compile(r"[\s|]*[^\s|]")
_LEVEL_ALONE = re.compile(rf"{_LEVEL}:?\Z")


def after_header(text: str) -> str:
    """Return the text behind a line's header, or the line if it has none or is nothing else."""
    end = _end_of_header(text)
    # A line that is nothing but a header is its own message.
    return text[end:].lstrip(" \t|") if _WORD_FOLLOWS.match(text, end) else text


def is_header(text: str) -> bool:
    """Return whether a line is nothing but a header, as the first line of an event may be."""
    end = _end_of_header(text)
    return end > 0 and (
        not text[end:].strip() or _LEVEL_ALONE.match(text[end:].strip()) is not None
    )


def is_klog(text: str) -> bool:
    """Return whether a line begins like those of Kubernetes' klog: ``I0131 10:00:00.123456``."""
    return _IS_KLOG.match(text) is not None


def _end_of_header(text: str) -> int:
    found = _RFC_5424.match(text) if text[:1] == "<" else None
    if found:
        return found.end()
    found = _START.match(text)
    if found is None:
        return 0
    end = begun = found.end()
    for parts in range(8):
        part = _PART.match(text, end)
        if part is None:
            break
        end = part.end()
        if part.lastgroup == "time":
            begun = end
        elif part.lastgroup == "dash":
            if parts and not _PART.match(text, end):
                return end  # a level or a thread, and a dash: what follows is the message
        elif part.lastgroup:
            return end
    # a host follows a time directly; elsewhere the first words of a message may look like one
    host = _SYSLOG.match(text, end) if end == begun else None
    if host:
        end = host.end()
    component = _COMPONENT.match(text, end)
    if component:
        end = component.end()
    time = _DEVICE_TIME.match(text, end) if "%" in text else None
    return time.end() if time else end
