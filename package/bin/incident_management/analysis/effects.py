"""What a change does, read off its diff: a limit lowered, a lock removed, a query added.

This looks at what is different on balance: code that is only moved, renamed or wrapped takes
nothing away and puts nothing in, and so has no effect. No model is involved; each rule is one
line that a reader can check.
"""

# ruff: noqa: E501  (a table: one rule a line reads better)
from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Dict, List, Pattern, Tuple

from ..masking import mask
from .changes import Change

__all__ = ["Effect", "effects_of", "harmless_reason"]


@dataclass(frozen=True)
class Effect:
    """One thing that a change does. ``name`` is a key of the mechanisms table."""

    name: str
    detail: str


_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?[a-z]{0,3}|[^\s\w]")
_SETTING = re.compile(
    r"""([A-Za-z_][\w.\-]{1,60})["']?\s*(?::=|=>|[:=(,])\s*["']?
        (-?\d+(?:\.\d+)?)\s*([*]?\s*(?:time\.)?[A-Za-z%]{0,12})""",
    re.X,
)
_NUMBER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)\s*([*]?\s*(?:time\.)?[A-Za-z%]{0,12})")
_ARROW = re.compile(
    r"([A-Za-z_][\w. -]{1,40}?)[\s:=]*(?:from\s+)?(-?\d+(?:\.\d+)?)\s*(\w{0,3})\s*"
    r"(?:->|→|=>|to)\s*(-?\d+(?:\.\d+)?)\s*(\w{0,3})"
)
_UNITS = {
    "ns": 1e-9, "nanosecond": 1e-9, "us": 1e-6, "microsecond": 1e-6, "ms": 1e-3,
    "millisecond": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0,
    "minute": 60.0, "h": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0,
    "k": 1e3, "kb": 1e3, "ki": 1024.0, "mb": 1e6, "mi": 1024.0**2, "gb": 1e9, "gi": 1024.0**3,
}  # fmt: skip

_DOC_FILE = re.compile(
    r"(?:^|/)(?:docs?|examples?|testdata|fixtures|__tests__|tests?)/|\.(?:md|rst|txt|adoc)$"
    r"|(?:^|/)(?:CODEOWNERS|LICENSE|\.gitignore|\.editorconfig|\.golangci\.ya?ml|CHANGELOG[^/]*)$"
    r"|_test\.\w+$|\.(?:test|spec)\.\w+$|(?:^|/)test_\w+\.py$|(?:^|/)\.(?:github|gitlab|circleci)/",
    re.I,
)
_STYLE_FILE = re.compile(
    r"\.(?:css|scss|less|svg|png|jpe?g|gif|ico|woff2?)$|(?:^|/)theme\.\w+$", re.I
)
_MANIFEST = re.compile(
    r"(?:^|/)(?:go\.(?:mod|sum)|package(?:-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|Cargo\.(?:toml|lock)"
    r"|(?:requirements|constraints)[\w./-]*\.txt|CMakeLists\.txt|poetry\.lock|Pipfile(?:\.lock)?|pom\.xml|build\.gradle(?:\.kts)?"
    r"|Gemfile(?:\.lock)?|composer\.(?:json|lock))$",
    re.I,
)
_IDLE_SUMMARY = re.compile(r"^\W*(?:docs?|tests?|ci|style)\b[^:]{0,30}:|\btypo\b", re.I)

# Lines that hold these on balance on one side only. (effect, side, pattern, what it says)
_LINE_RULES: List[Tuple[str, str, Pattern[str], str]] = [
    ("lock_removed", "removed",
     re.compile(r"mutex|\b\w*\.?r?(?:un)?lock\(|synchronized|semaphore|\batomic\b|with \w*lock", re.I),
     "removes a lock"),
    ("limit_removed", "removed",
     re.compile(r"\bLIMIT\s+\d+|max_?(?:size|rows|results|entries|length)|page_?size|\.limit\(|"
                r"MaxBytesReader|truncate|TOP\s+\d+|\bevict|maxsize", re.I),
     "removes a limit"),
    ("tolerance_removed", "removed",
     re.compile(r"leeway|clock.?skew|grace|tolerance|drift|\bslack\b", re.I),
     "removes a tolerance"),
    ("retry_removed", "removed",
     re.compile(r"backoff|\bretr(?:y|ies)|base.?delay|\bsleep\(|jitter", re.I),
     "removes retrying or waiting between tries"),
    ("release_removed", "removed",
     re.compile(r"\bdefer \w|\.close\(|\.release\(|\bfinally\b|\.dispose\(|\.rollback\(|\bfree\(|"
                r"\.return_conn|putconn|\bcancel\(\)|\bwith \w+.*:$|removeListener|unsubscribe|\.stop\(", re.I),
     "no longer releases a resource"),
    ("guard_removed", "removed",
     re.compile(r"(?:==|!=|is|is not)\s*(?:nil|null|None|undefined)\b|\bif\b.*\b(?:len|exists|valid|empty)|"
                r"\?\.\w|getOrDefault|Optional|\bvalidate\w*\(|\.get\(", re.I),
     "removes a check"),
    ("cache_removed", "removed",
     re.compile(r"cache|memoi[sz]e|singleflight|\bttl\b", re.I),
     "removes caching"),
    ("index_removed", "removed",
     re.compile(r"create (?:unique )?index|add_index|\bindex\(", re.I),
     "removes an index"),
    ("index_removed", "added", re.compile(r"drop index|remove_index", re.I), "drops an index"),
    ("schema_changed", "added",
     re.compile(r"\b(?:alter|drop|rename)\s+(?:table|column)|not null|add_column|remove_column|"
                r"drop_table|rename_column", re.I),
     "changes the database schema"),
    ("query_added", "added",
     re.compile(r"\bselect\b.+\bfrom\b|\.query(?:row|one|all|context|rowcontext)?\(|"
                r"\.find(?:one|by\w*|_by\w*)?\(|\.execute\(|objects\.(?:get|filter)|\.getitem\(|"
                r"\bfetch\w*\(|\.load\(", re.I),
     "adds a query or a remote call"),
    ("concurrency_added", "added",
     re.compile(r"\bgo func|threading\.|ThreadPool|asyncio\.gather|Promise\.all|\.parallel|"
                r"CompletableFuture|\bspawn\(", re.I),
     "adds concurrent work"),
    ("verbose_logging", "added",
     re.compile(r"(?:level|logger)[\w.-]{0,60}[\"']?\s*[:=]\s*[\"']?(?:debug|trace|all\b)|\bDEBUG\s*=\s*(?:true|1)|setLevel\(.*DEBUG|"
                r"verbose[\"']?\s*[:=]\s*true", re.I),
     "turns verbose logging on"),
    ("growth_added", "added",
     re.compile(r"\.append\(|\bappend\(|\.push\(|\[\w+\]\s*=|\.put\(|\.add\(|setdefault\(|"
                r"maxsize\s*=\s*None|unbounded|Infinity", re.I),
     "keeps more in memory"),
    ("regex_changed", "added", re.compile(r"regexp?\.|re\.compile|RegExp|Pattern\.compile"),
     "changes a regular expression"),
    ("tls_changed", "added",
     re.compile(r"InsecureSkipVerify|MinVersion|ssl_?context|verify_?(?:ssl|mode)|rootCAs|truststore|"
                r"\bca_?(?:file|bundle|cert)|cert(?:ificate)?_?(?:file|path|name)|\.pem\b|\.crt\b|sslmode", re.I),
     "changes TLS settings"),
    ("endpoint_changed", "added",
     re.compile(r"https?://[\w.-]+|(?<![a-z])(?:host(?:name)?|addr(?:ess)?|endpoint|port|dsn|url|bootstrap|broker)s?(?![a-z])"
                r"[\w.]*[\"']?\s*[:=]|topic[\"']?\s*[:=]|queue[\"']?\s*[:=]", re.I),
     "changes an address"),
    ("permission_changed", "either",
     re.compile(r"\b(?:role|policy|policies|permission|grant|revoke|iam|scope|acl|rbac|securitygroup|"
                r"networkpolicy|allow|deny|principal|firewall|ingress|egress|cors|whitelist|allowlist)\b", re.I),
     "changes permissions"),
    ("credential_changed", "either",
     re.compile(r"secret|password|passwd|api_?key|credential|client_?id|\bkid\b|signing|issuer|audience|\baud\b",
                re.I),
     "changes credentials or how they are checked"),
    ("expiry_changed", "either", re.compile(r"expir|not_?after|\bexp\b|\bttl\b|max_?age|\bnbf\b", re.I),
     "changes how expiry is judged"),
    ("format_changed", "either",
     re.compile(r"json:\"|@JsonProperty|\bmarshal|\bunmarshal|serializ|deserializ|\bschema\b|protobuf|"
                r"\breserved\b|\bparse\w*\(|encoding|charset|strftime|strptime|content-type|\bproto\b|avro", re.I),
     "changes a data format"),
    ("ordering_changed", "either", re.compile(r"order by|sort|join|where\b|group by", re.I),
     "changes a query"),
    ("resource_changed", "either",
     re.compile(r"\b(?:memory|cpu|heap|xmx|replicas|requests|limits|ulimit|nofile|gomaxprocs|quota)\b", re.I),
     "changes resources"),
    ("environment_changed", "either",
     re.compile(r"getenv|os\.environ|process\.env|\bENV\b|\benv\b|secretKeyRef|configMap", re.I),
     "changes what is read from the environment"),
]  # fmt: skip

# What the words say of a change that shows no difference: work on what services stand on often has
# no more to show than that it was done. (effect, pattern, what it says)
_SAID_RULES: List[Tuple[str, Pattern[str], str]] = [
    ("credential_changed",
     re.compile(r"\b(?:rotat|renew|revok|reset|replac|chang|updat)\w*\b.{0,60}\b(?:passwords?|credentials?|secrets?|api.?keys?|access.?keys?|tokens?)\b|"
                r"\b(?:passwords?|credentials?|secrets?|api.?keys?|access.?keys?|tokens?)\b.{0,20}\b(?:rotat|renew|revo|reset|replac|chang)", re.I),
     "says that it changes credentials"),
    ("tls_changed",
     re.compile(r"\b(?:rotat|renew|replac|revok|issu|updat)\w*\b.{0,60}\b(?:certificates?|certs?|ca\b|tls)|"
                r"\b(?:certificates?|certs?|tls)\b.{0,20}\b(?:rotat|renew|replac|revo)", re.I),
     "says that it changes certificates"),
    ("permission_changed",
     re.compile(r"\b(?:firewall|security.?groups?|network.?polic(?:y|ies)|acls?|iam|rbac)\b", re.I),
     "says that it changes who may reach or do what"),
    ("endpoint_changed",
     re.compile(r"\bfail(?:ed|ing)?.?over\b|\bswitch.?over\b|\bpromot\w* .{0,40}(?:replica|primary|standby)|"
                r"\bdns\b.{0,40}\b(?:record|zone|entr(?:y|ies)|resolver)|\b(?:record|zone|resolver)s?\b.{0,40}\bdns\b", re.I),
     "says that it changes where something is reached"),
]  # fmt: skip

# Effects where the same name with another value is the change: whole lines are compared.
_VALUE_EFFECTS = {
    "tls_changed", "endpoint_changed", "permission_changed", "credential_changed",
    "resource_changed", "environment_changed",
}  # fmt: skip

# A number that stands for room: less of it starves.
_ROOM = re.compile(
    r"time_?out|deadline|budget|retr(?:y|ies)|attempts|pool|max|limit|capacity|conn|worker|thread|"
    r"replica|buffer|queue|size|memory|heap|cpu|ttl|interval|backoff|delay|concurren|quota|overflow|"
    r"window|burst|rate|lease|grace|leeway",
    re.I,
)
_VOLUME = re.compile(
    r"sampl|verbos|log|trace|fanout|parallel|batch|concurren|replay|prefetch", re.I
)
_LOG_CALL = re.compile(
    r"^\W*(?:[\w.]*\b)?(?:log(?:ger)?|LOG_\w+|console|slog|zap|logrus)\w*[.(].*|^\W*\"[\w.]+\",\s*[\w.()]+,?$|^\W*print\w*\(",
    re.I,
)
_COMMENT = re.compile(r"^\s*(?://|#|/?\*|--\s|<!--|;)")


def _is_document(name: str) -> bool:
    """requirements.txt has a document's ending, and decides what runs."""
    return bool(_DOC_FILE.search(name)) and not _MANIFEST.search(name)


def harmless_reason(change: Change) -> str:
    """Return why a change can't alter what runs, or "" when it can or when that is unknown."""
    files = change.files
    if files and all(_is_document(name) for name in files):
        return "it touches only documentation, tests or build files"
    if files and all(_STYLE_FILE.search(name) or name.endswith(".html") for name in files):
        return "it touches only the look of pages"
    if _IDLE_SUMMARY.search(change.summary) and not change.has_diff():
        return "its summary says that it is documentation, tests or style"
    if not change.has_diff():
        return ""
    lines = change.removed + change.added
    if all(_COMMENT.match(line) for line in lines):
        return "it changes only comments"
    code = [line for line in lines if not _COMMENT.match(line) and re.search(r"\w", line)]
    if all(_LOG_CALL.match(line) for line in code) and not _line_effects(change, "verbose_logging"):
        return "it changes only log lines"
    if files and all(_MANIFEST.search(name) for name in files) and _patch_bump(change):
        return "it only takes other releases of the same major versions of dependencies"
    return ""


def effects_of(change: Change) -> List[Effect]:
    """Return what a change does on balance, in the order of the rules."""
    found: List[Effect] = []
    if change.kind == "flag":
        found.append(Effect("flag_switched", f"switches {change.summary or change.change_id}"))
    if not change.has_diff():
        found += [Effect(n, says) for n, said, says in _SAID_RULES if said.search(change.summary)]
    found.extend(_number_effects(change))
    found.extend(_line_effects(change))
    if _loop_with_call(change):
        found.append(Effect("call_in_loop", "makes a call for each item of a loop"))
    if change.files and all(_MANIFEST.search(name) for name in change.files):
        found.append(Effect("dependency_changed", "takes other versions of its dependencies"))
    return found


def balance(change: Change) -> Tuple[Counter, Counter]:
    """Return tokens that a change takes away and puts in, after what is on both sides cancels."""
    removed = Counter(t for line in change.removed for t in _TOKEN.findall(line))
    added = Counter(t for line in change.added for t in _TOKEN.findall(line))
    return removed - added, added - removed


def moved_share(change: Change) -> float:
    """Return the share of removed words that come back among the added ones, 0 to 1."""
    removed = Counter(t for line in change.removed for t in _TOKEN.findall(line) if t[0].isalpha())
    total = sum(removed.values())
    if not total:
        return 0.0
    added = Counter(t for line in change.added for t in _TOKEN.findall(line) if t[0].isalpha())
    return sum((removed & added).values()) / total


def _line_effects(change: Change, only: str = "") -> List[Effect]:
    """Apply the line rules to what is on one side more often than on the other."""
    found: Dict[str, Effect] = {}
    sides = {
        "removed": [x for x in change.removed if not _COMMENT.match(x)],
        "added": [x for x in change.added if not _COMMENT.match(x)],
    }
    for name, side, pattern, says in _LINE_RULES:
        if (only and name != only) or name in found:
            continue
        whole = name in _VALUE_EFFECTS
        hits = {key: _hits(pattern, lines, whole) for key, lines in sides.items()}
        if side == "either":
            net = (hits["removed"] - hits["added"]) + (hits["added"] - hits["removed"])
        else:
            other = "added" if side == "removed" else "removed"
            net = hits[side] - hits[other]
        if net:
            shown = mask(", ".join(sorted(net)))[:80]
            found[name] = Effect(name, f"{says} ({shown})")
    return list(found.values())


def _hits(pattern: Pattern[str], lines: List[str], whole: bool) -> Counter:
    if whole:
        return Counter(line.strip(" ,;") for line in lines if pattern.search(line))
    return Counter(m.group(0).strip().lower() for line in lines for m in pattern.finditer(line))


def _number_effects(change: Change) -> List[Effect]:
    found: List[Effect] = []
    pairs = _settings_pairs(change)
    for match in _ARROW.finditer(change.summary):
        pairs.append(
            (match[1].strip(), _scaled(match[2], match[3]), _scaled(match[4], match[5]), match[0])
        )
    for name, before, after, shown in pairs:
        if before == after:
            continue
        if _VOLUME.search(name) and after > before:
            found.append(Effect("volume_raised", f"raises {shown}"))
        elif _ROOM.search(name):
            found.append(
                Effect("room_lowered", f"lowers {shown}")
                if after < before
                else Effect("room_raised", f"raises {shown}")
            )
        else:
            found.append(Effect("number_changed", f"changes {shown}"))
    return found


def _settings_pairs(change: Change) -> List[Tuple[str, float, float, str]]:
    """Return (name, before, after, shown) of settings and calls whose number differs."""
    before = _settings(change.removed)
    after = _settings(change.added)
    return [
        (name, before[name][0], after[name][0], f"{name} from {before[name][1]} to {after[name][1]}")
        for name in before
        if name in after and before[name][0] != after[name][0]
    ]  # fmt: skip


def _settings(lines: List[str]) -> Dict[str, Tuple[float, str]]:
    found: Dict[str, Tuple[float, str]] = {}
    for line in lines:
        for match in _SETTING.finditer(line):
            found.setdefault(match[1], (_scaled(match[2], match[3]), (match[2] + match[3]).strip()))
        call = re.search(r"([A-Za-z_][\w.]*)\((.*)\)", line)
        if call:
            numbers = _NUMBER.findall(call[2])
            if len(numbers) == 1:
                value, unit = numbers[0]
                found.setdefault(call[1], (_scaled(value, unit), (value + unit).strip()))
    return found


def _scaled(value: str, unit: str) -> float:
    key = unit.replace("*", "").replace("time.", "").strip().lower()
    return float(value) * _UNITS.get(key, _UNITS.get(key.rstrip("s"), 1.0))


def _loop_with_call(change: Change) -> bool:
    inside = False
    calls = re.compile(r"[\w.]+\.(?:get|find|query|fetch|load|execute|send|post|select)\w*\(", re.I)
    removed = "\n".join(change.removed)
    for line in change.added:
        if re.match(r"\s*(?:for|while|foreach)\b|.*\.(?:map|forEach)\(", line):
            inside = True
        found = calls.search(line) if inside else None
        if found and found.group(0) not in removed:
            return True
    return False


def _patch_bump(change: Change) -> bool:
    version = re.compile(r"(\S+?)[\"'@ =:^~v]+(\d+)\.(\d+)(?:\.(\d+))?")

    def versions(lines: List[str]) -> Dict[str, Tuple[str, str]]:
        return {
            m[1].strip("\"'"): (m[2], m[3]) for line in lines for m in [version.search(line)] if m
        }

    before, after = versions(change.removed), versions(change.added)
    shared = [name for name in before if name in after]
    return bool(shared) and all(_same_major(before[n], after[n]) for n in shared)


def _same_major(before: Tuple[str, str], after: Tuple[str, str]) -> bool:
    """Below 1.0, a minor release may break what it likes (semver.org, 4)."""
    return before == after if before[0] == "0" else before[0] == after[0]
