"""Find what a change does by its diff: a limit lowered, a lock removed, a query added.

Only the difference on balance counts: code that is moved, renamed or wrapped removes nothing and
adds nothing, and so has no effect. No model is involved; each rule is one line that a reader can
check.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Dict, List, Pattern, Tuple

from ...masking import mask
from ..changes import Change
from .effect_rules import LINE_RULES, SAID_RULES, STOOD_ON

__all__ = ["Effect", "effects_of", "harmless_reason", "moved_dependencies"]


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
SETTING_LINES = 2
_NUMBER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)\s*([*]?\s*(?:time\.)?[A-Za-z%]{0,12})")
_NAMED_NUMBER = re.compile(
    r"((?<![\w.])[A-Za-z_][\w.]*?[\s=:\"'-]*)(\d+(?:\.\d+)?)([A-Za-z%]{0,3})(?!\w)"
)
_Number = Tuple[float, str]
"""A number by its unit, and as it is written."""
_Release = Tuple[str, str]
"""The first two numbers of a version."""
_RELEASE = re.compile(r"(\S+?)[\"'@ =:^~v]+(\d+)\.(\d+)(?:\.(\d+))?")
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

# Effects in which the same name gets another value: whole lines are compared.
_VALUE_EFFECTS = {
    "tls_changed", "endpoint_changed", "permission_changed", "reach_changed", "path_changed",
    "route_removed", "credential_changed", "resource_changed", "environment_changed",
}  # fmt: skip

# A number that limits capacity: a lower one starves.
_ROOM = re.compile(
    r"time_?out|deadline|budget|retr(?:y|ies)|attempts|pool|max|limit|capacity|conn|worker|thread|"
    r"replica|buffer|queue|size|memory|heap|cpu|ttl|interval|backoff|delay|concurren|quota|overflow|"
    r"window|burst|rate|lease|grace|leeway|retention|xmx|(?<![a-z])ram(?![a-z])",
    re.I,
)
_VOLUME = re.compile(
    r"sampl|verbos|(?<![a-z])log(?!in|out)|trace|fanout|parallel|batch|bulk|chunk|concurren|replay"
    r"|prefetch|records|rows|page_?size",
    re.I,
)
FLOOD = 1.5
"""A volume that is raised by less than half as much again floods nothing."""
_WAIT = re.compile(r"time_?out|deadline", re.I)
_LOG_CALL = re.compile(
    r"^[^\w.]*(?:[\w.]*\b)?(?:log(?:ger)?|LOG_\w+|console|slog|zap|logrus)\w*(?:\.\w+){0,5}\s?[({!].*|^\W*\"[\w.]+\",\s*[\w.()]+,?$|^\W*print\w*\(",
    re.I,
)
_COMMENT = re.compile(r"^\s*(?://|#|/?\*|--\s|<!--|;)")


def _is_document(name: str) -> bool:
    """Return whether a file is a document; requirements.txt has that ending, but decides what
    runs.
    """
    return bool(_DOC_FILE.search(name)) and not _MANIFEST.search(name)


def harmless_reason(change: Change) -> str:
    """Return why a change can't alter what runs, or "" if it can or if that is unknown."""
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
    if _patch_bump(change):
        return "it only takes other releases of the same major versions of dependencies"
    return ""


def effects_of(change: Change, failed_first: str = "") -> List[Effect]:
    """Return what a change does on balance, in the order of the rules.

    ``failed_first`` is the entity whose errors they are. Its name says nothing about them, even if
    it is a proxy's: it could not resolve a name or reach another service, as any service may.
    """
    found: List[Effect] = []
    if change.kind == "flag":
        found.append(Effect("flag_switched", f"switches {change.summary or change.change_id}"))
    found.extend(_number_effects(change))
    found.extend(_line_effects(change))
    seen = {effect.name for effect in found}
    said = " ".join([change.summary, change.service, *change.files])
    told = [(name, says) for name, words, says in SAID_RULES if words.search(said)]
    if change.service != failed_first:
        told += [(name, says) for name, what, says in STOOD_ON if what.fullmatch(change.service)]
    found += [Effect(name, says) for name, says in dict(told).items() if name not in seen]
    if _loop_with_call(change):
        found.append(Effect("call_in_loop", "makes a call for each item of a loop"))
    if change.files and all(_MANIFEST.search(name) for name in change.files):
        found.append(Effect("dependency_changed", "takes other versions of its dependencies"))
    return found


def balance(change: Change) -> Tuple[Counter, Counter]:
    """Return the tokens that a change removes and adds, without those that both sides have."""
    removed = Counter(t for line in change.removed for t in _TOKEN.findall(line))
    added = Counter(t for line in change.added for t in _TOKEN.findall(line))
    return removed - added, added - removed


def moved_share(change: Change) -> float:
    """Return the share of removed words that come back among the added ones, 0 to 1.

    A line or two with another value are a setting: nothing is moved.
    """
    if len(change.removed) <= SETTING_LINES:
        return 0.0
    removed = Counter(t for line in change.removed for t in _TOKEN.findall(line) if t[0].isalpha())
    total = sum(removed.values())
    if not total:
        return 0.0
    added = Counter(t for line in change.added for t in _TOKEN.findall(line) if t[0].isalpha())
    return sum((removed & added).values()) / total


def _line_effects(change: Change, only: str = "") -> List[Effect]:
    """Apply the line rules to what one side has more often than the other."""
    found: Dict[str, Effect] = {}
    sides = {
        "removed": [x for x in change.removed if not _COMMENT.match(x)],
        "added": [x for x in change.added if not _COMMENT.match(x)],
    }
    for name, side, pattern, says in LINE_RULES:
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
        if _VOLUME.search(name) and after > before and after >= FLOOD * before:
            found.append(Effect("volume_raised", f"raises {shown}"))
        elif _WAIT.search(name) and after > before:
            found.append(Effect("wait_raised", f"raises {shown}"))
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
    found = {
        name: (before[name], after[name])
        for name in before
        if name in after and before[name][0] != after[name][0]
    }
    found = found or _numbers_in_place(change)
    return [
        (name, one[0], other[0], f"{name} from {one[1]} to {other[1]}")
        for name, (one, other) in found.items()
    ]


def _numbers_in_place(change: Change) -> Dict[str, Tuple[_Number, _Number]]:
    """Return differences between lines that are equal except for numbers: -Xmx2g, -Xmx512m."""
    alike = {_NAMED_NUMBER.sub(r"\1", line): line for line in change.removed}
    found: Dict[str, Tuple[_Number, _Number]] = {}
    for line in change.added:
        other = alike.get(_NAMED_NUMBER.sub(r"\1", line), line)
        pairs = zip(_NAMED_NUMBER.finditer(other), _NAMED_NUMBER.finditer(line))
        for one, now in pairs:
            values = _read_number(one[2], one[3]), _read_number(now[2], now[3])
            if values[0][0] != values[1][0] and len(one[1].strip(" =:\"'-")) > 2:
                found.setdefault(one[1].strip(" =:\"'-"), values)
    return found


def _read_number(value: str, unit: str) -> _Number:
    return _scaled(value, unit), (value + unit).strip()


def _settings(lines: List[str]) -> Dict[str, _Number]:
    found: Dict[str, _Number] = {}
    for line in lines:
        for match in _SETTING.finditer(line):
            found.setdefault(match[1], _read_number(match[2], match[3]))
        call = re.search(r"(?<!\w)([A-Za-z_][\w.]*)\((.*)\)", line)
        if call:
            numbers = _NUMBER.findall(call[2])
            if len(numbers) == 1:
                value, unit = numbers[0]
                found.setdefault(call[1], _read_number(value, unit))
    return found


def _scaled(value: str, unit: str) -> float:
    key = unit.replace("*", "").replace("time.", "").strip().lower()
    return float(value) * _UNITS.get(key, _UNITS.get(key.rstrip("s"), 1.0))


def _loop_with_call(change: Change) -> bool:
    inside = False
    calls = re.compile(
        r"(?<!\w)[\w.]+\.(?:get|find|query|fetch|load|execute|send|post|select)\w*\(", re.I
    )
    removed = "\n".join(change.removed)
    for line in change.added:
        if re.match(r"\s*(?:for|while|foreach)\b|.*\.(?:map|forEach)\(", line):
            inside = True
        found = calls.search(line) if inside else None
        if found and found.group(0) not in removed:
            return True
    return False


def moved_dependencies(change: Change) -> Dict[str, Tuple[_Release, _Release]]:
    """Return the dependencies whose release changes, if a change only touches manifests."""
    if not change.files or not all(_MANIFEST.search(name) for name in change.files):
        return {}
    before, after = _releases(change.removed), _releases(change.added)
    return {name: (before[name], after[name]) for name in before if name in after}


def _releases(lines: List[str]) -> Dict[str, _Release]:
    found = (_RELEASE.search(line) for line in lines)
    return {m[1].strip("\"'"): (m[2], m[3]) for m in found if m}


def _patch_bump(change: Change) -> bool:
    moved = moved_dependencies(change)
    return bool(moved) and all(_same_major(*releases) for releases in moved.values())


def _same_major(before: Tuple[str, str], after: Tuple[str, str]) -> bool:
    """Return whether two releases are compatible; below 1.0 a minor one may break (semver.org,
    4).
    """
    return before == after if before[0] == "0" else before[0] == after[0]
