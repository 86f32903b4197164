"""Conversion functions: between numbers, text and booleans."""

from __future__ import annotations

import re
from typing import Any

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.registry import function
from tools.splunkd_lite.spl.values import each, to_number, to_text

PAGE = "evaluation-functions/conversion-functions"
MAX_WIDTH = 1000
_CONVERSION = re.compile(r"%([-+ #0]*)(\d+|\*)?(?:\.(\d+|\*))?([a-zA-Z%])")


@function("tonumber", 1, 2, doc=PAGE)
def tonumber(value: Any, base: Any = 10) -> Any:
    """The number that text stands for, in a base of 2 to 36; null if it is not one."""
    radix = to_number(base)
    if radix is None or not 2 <= radix <= 36:
        raise SplError(f"tonumber() takes a base of 2 to 36, not '{to_text(base)}'")

    def one(item: Any) -> Any:
        if radix == 10:
            return to_number(item)
        try:
            return int(to_text(item).strip(), int(radix))
        except ValueError:
            return None

    return each(value, one)


@function("tostring", 1, 2, doc=PAGE)
def tostring(value: Any, style: Any = None) -> Any:
    if value is None:
        return None
    if style is None:
        return each(value, to_text)
    number = to_number(value)
    name = to_text(style)
    if name not in ("hex", "commas", "duration", "binary"):
        raise SplError(f"tostring() knows hex, commas, duration and binary, not '{name}'")
    if number is None:
        return None
    if name == "hex":
        return f"0x{int(number):X}" if number >= 0 else None
    if name == "binary":
        return f"{int(number):b}"
    return _commas(number) if name == "commas" else duration(number)


def _commas(number: float) -> str:
    if isinstance(number, int):
        return f"{number:,}"
    text = f"{number:,.2f}" if number != int(number) else f"{int(number):,}"
    return text.rstrip("0").rstrip(".") if "." in text and text.endswith("0") else text


def duration(seconds: float) -> str:
    """Seconds as [D+]HH:MM:SS[.ffffff]."""
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    whole = int(seconds)
    fraction = f"{seconds - whole:.6f}"[1:] if seconds != whole else ""
    days, rest = divmod(whole, 86400)
    clock = f"{rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}{fraction}"
    return f"{sign}{days}+{clock}" if days else sign + clock


@function("printf", 1, None, doc=PAGE)
def printf(pattern: Any, *arguments: Any) -> Any:
    """C's printf for %s %d %i %u %o %x %X %f %F %e %E %g %G %a %A %c %p and %%."""
    if pattern is None:
        return None
    waiting = list(arguments)

    def next_argument() -> Any:
        if not waiting:
            raise SplError("printf() has fewer arguments than conversions")
        return waiting.pop(0)

    def one(found: re.Match[str]) -> str:
        flags, width, precision, kind = found.groups()
        if kind == "%":
            return "%"
        width = _size(next_argument()) if width == "*" else width or ""
        precision = _size(next_argument()) if precision == "*" else precision
        return _converted(flags, width, precision, kind, next_argument())

    return _CONVERSION.sub(one, to_text(pattern))


def _size(value: Any) -> str:
    """A width or precision that was given as an argument."""
    return str(max(int(to_number(value) or 0), 0))


def _converted(flags: str, width: str, precision: str | None, kind: str, value: Any) -> str:
    if max(int(width or 0), int(precision or 0)) > MAX_WIDTH:
        raise SplError(f"printf() takes widths and precisions of at most {MAX_WIDTH}")
    dot = "" if precision is None else f".{precision}"
    if kind in "sc":
        text = to_text(value)
        return f"%{flags}{width}{dot}s" % (text[:1] if kind == "c" else text)
    number = to_number(value)
    if number is None:
        number = 0
    if kind in "diu":
        return f"%{flags}{width}{dot}d" % int(number)
    if kind in "oxX":
        text = f"{int(number):{ {'o': 'o', 'x': 'x', 'X': 'X'}[kind] }}"
        prefix = {"o": "0", "x": "0x", "X": "0X"}[kind] if "#" in flags else ""
        padded = prefix + text.zfill(int(precision or 0))
        if "0" in flags and "-" not in flags and precision is None:
            padded = prefix + text.zfill(int(width or 0) - len(prefix))
        return padded.ljust(int(width or 0)) if "-" in flags else padded.rjust(int(width or 0))
    if kind in "fFeEgG":
        return f"%{flags}{width}{dot}{kind}" % float(number)
    raise SplError(f"printf() does not know the conversion '%{kind}'")


@function("ipmask", 2, doc=PAGE)
def ipmask(mask: Any, address: Any) -> Any:
    """An IPv4 address and-ed with a mask."""
    try:
        parts = [int(part) for part in to_text(mask).split(".")]
        octets = [int(part) for part in to_text(address).split(".")]
    except ValueError:
        return None
    if len(parts) != 4 or len(octets) != 4:
        return None
    return ".".join(str(a & b) for a, b in zip(parts, octets, strict=True))


@function("tobool", 1, doc=PAGE)
def tobool(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    number = to_number(value)
    if number is not None:
        return number != 0
    return {"true": True, "t": True, "false": False, "f": False}.get(to_text(value).lower())


@function("toint", 1, doc=PAGE)
def toint(value: Any) -> Any:
    number = to_number(value)
    return None if number is None else int(number)


@function("todouble", 1, doc=PAGE)
def todouble(value: Any) -> Any:
    number = to_number(value)
    return None if number is None else float(number)
