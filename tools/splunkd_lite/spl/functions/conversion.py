"""Conversion functions: between numbers, text and booleans."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from tools.splunkd_lite.spl.errors import SplError
from tools.splunkd_lite.spl.registry import function
from tools.splunkd_lite.spl.values import each, from_list, to_number, to_text

PAGE = "evaluation-functions/conversion-functions"
MAX_WIDTH = 1000
_CONVERSION = re.compile(r"%([-+ #0']*)(\d+|\*)?(?:\.(\d+|\*|))?([a-zA-Z%])")
_ALIASES = {"i": "d", "u": "d", "z": "s", "p": "X"}
_HEX_FLOAT = re.compile(r"(-?)0x(\d)\.?([0-9a-f]*)p([+-]\d+)")


@function("tonumber", 1, 2, doc=PAGE)
def tonumber(value: Any, base: Any = 10) -> Any:
    """The number that text stands for, in a base of 2 to 36; null if it is not one."""
    radix = to_number(base)
    if radix is None or not 2 <= radix <= 36:
        raise SplError(f"tonumber() takes a base of 2 to 36, not '{to_text(base)}'")

    return each(value, lambda item: _parsed(item, int(radix)))


def _parsed(item: Any, radix: int) -> Any:
    """A value as a number; text with spaces around it is none."""
    text = to_text(item)
    if text != text.strip():
        return None
    if radix == 10:
        return to_number(item)
    try:
        return int(text, radix)
    except ValueError:
        return None


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
    """C's printf for %s %z %d %i %u %o %x %X %p %f %F %e %E %g %G %a %A %c and %%."""
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
        if precision is not None:
            precision = _size(next_argument()) if precision == "*" else precision or "0"
        return _converted(flags, width, precision, kind, next_argument())

    return _CONVERSION.sub(one, to_text(pattern))


def _size(value: Any) -> str:
    """A width or precision that was given as an argument."""
    return str(max(int(to_number(value) or 0), 0))


def _converted(flags: str, width: str, precision: str | None, kind: str, value: Any) -> str:
    if max(int(width or 0), int(precision or 0)) > MAX_WIDTH:
        raise SplError(f"printf() takes widths and precisions of at most {MAX_WIDTH}")
    kind = _ALIASES.get(kind, kind)
    dot = "" if precision is None else f".{precision}"
    grouped, flags = "'" in flags, flags.replace("'", "")
    if kind in "sc":
        text = _character(value) if kind == "c" else to_text(value)
        return f"%{flags}{width}{dot}s" % text
    number = to_number(value)
    if number is None:
        number = 0
    if kind in "doxX" and precision == "0" and int(number) == 0:
        return " " * int(width or 0)
    if kind in "d":
        return _grouped(f"%{flags}{width}{dot}d" % int(number), width, grouped)
    if kind in "oxX":
        text = f"{int(number):{kind}}"
        prefix = {"o": "0", "x": "0x", "X": "0X"}[kind] if "#" in flags else ""
        padded = prefix + text.zfill(int(precision or 0))
        if "0" in flags and "-" not in flags and precision is None:
            padded = prefix + text.zfill(int(width or 0) - len(prefix))
        return padded.ljust(int(width or 0)) if "-" in flags else padded.rjust(int(width or 0))
    if kind in "fFeEgG":
        return _grouped(f"%{flags}{width}{dot}{kind}" % float(number), width, grouped)
    if kind in "aA":
        text = _hexadecimal(float(number), precision)
        return f"%{flags}{width}s" % (text.upper() if kind == "A" else text)
    raise SplError(f"printf() does not know the conversion '%{kind}'")


def _character(value: Any) -> str:
    """The character of a number's code point, or a text's first."""
    number = to_number(value)
    if isinstance(number, int) and 0 < number < 0x110000:
        return chr(number)
    return to_text(value)[:1]


def _grouped(text: str, width: str, wanted: bool) -> str:
    """A formatted number with commas between thousands, in the same width if it fits."""
    if not wanted:
        return text
    whole, point, rest = text.strip().partition(".")
    sign = whole[:1] if whole[:1] in "+-" else ""
    grouped = f"{sign}{int(whole[len(sign) :]):,}{point}{rest}"
    return grouped.ljust(int(width or 0)) if text.endswith(" ") else grouped.rjust(int(width or 0))


def _hexadecimal(number: float, precision: str | None) -> str:
    """C's %a: the mantissa rounded to `precision` hexadecimal digits."""
    found = _HEX_FLOAT.fullmatch(number.hex())
    if found is None:
        return str(number)
    sign, lead, digits, exponent = found.groups()
    if precision is None:
        digits = digits.rstrip("0")
    else:
        places = int(precision)
        scaled = int(lead + digits, 16) << 4 * max(places - len(digits), 0)
        drop = 4 * max(len(digits) - places, 0)
        half, rest = (1 << drop) >> 1, scaled & ((1 << drop) - 1)
        rounded = scaled >> drop
        rounded += int(drop > 0 and (rest > half or (rest == half and rounded & 1)))
        text = f"{rounded:x}".rjust(places + 1, "0")
        lead, digits = text[: len(text) - places], text[len(text) - places :]
    return f"{sign}0x{lead}{'.' if digits else ''}{digits}p{exponent}"


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
    """True and False as text, numbers by whether they are 0; null for anything else."""
    if isinstance(value, bool) or value is None:
        return value
    number = to_number(value)
    if number is not None:
        return number != 0
    return {"true": True, "True": True, "false": False, "False": False}.get(to_text(value))


@function("toint", 1, 2, doc=PAGE)
def toint(value: Any, base: Any = 10) -> Any:
    """The whole number below or at what `tonumber` gives."""
    return each(tonumber(value, base), math.floor)


@function("todouble", 1, 2, doc=PAGE)
def todouble(value: Any, base: Any = 10) -> Any:
    return each(tonumber(value, base), float)


def _json(value: Any, kind: type) -> Any:
    """Text that holds JSON of that kind, parsed; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        loaded = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return loaded if isinstance(loaded, kind) else None


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@function("toarray", 1, doc=PAGE)
def toarray(value: Any) -> Any:
    """A multivalue, or text that is a JSON array, as a JSON array; null for anything else."""
    if isinstance(value, list):
        return _compact([_element(to_text(item)) for item in value])
    loaded = _json(value, list)
    return None if loaded is None else _compact([_tidied(item) for item in loaded])


def _element(text: str) -> Any:
    """An element with the JSON type that its text has."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _tidied(item: Any) -> Any:
    return int(item) if isinstance(item, float) and item.is_integer() else item


@function("toobject", 1, doc=PAGE)
def toobject(value: Any) -> Any:
    """Text that is a JSON object, without its spaces; null for anything else."""
    loaded = _json(value, dict)
    return None if loaded is None else _compact(loaded)


@function("tomv", 1, doc=PAGE)
def tomv(value: Any) -> Any:
    """A multivalue as it is, a JSON array's elements; null for other text."""
    if isinstance(value, list):
        return value
    loaded = _json(value, list)
    if loaded is None:
        return None
    return from_list(_compact(x) if isinstance(x, (dict, list)) else x for x in loaded)
