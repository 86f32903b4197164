# ruff: noqa: SIM905  # lists of words read best as text
"""Made-up logs with known templates, in the manner of kinds of system, not copied from any.

A message is written with slots, ``{user}``; its true template has ``<*>`` for each. How often a
message comes falls with its place in the list, as in real logs (Zipf), and some come only once.
"""

from __future__ import annotations

import random
import re
from typing import Callable, Dict, Iterator, List, Sequence, Tuple

from benchmarks.template_systems import SYSTEMS

__all__ = ["all_systems"]

LINES = 2000
_SLOT = re.compile(r"\{(\w+)\}")

_USERS = (
    "root alice bob carol dave test guest admin oracle nagios backup cyrus news mysql www".split()
)
_HOSTS = "combo mars venus build-7 db01.prod.example.net web2 cache-a jupiter gate".split()
_STATES = "NEW QUEUED ASSIGNED RUNNING CLEANING_UP SUCCEEDED KILLED FAILED_OVER".split()
_CLASSES = (
    "org.acme.sched.TaskEvent org.acme.sched.NodeEventHandler com.shop.cart.CartService"
    " io.relay.net.Channel$Reader java.util.concurrent.LinkedBlockingQueue org.acme.io.Codec"
).split()
_FILES = "/etc/passwd /var/lib/app/data.db /srv/www/index.html /tmp/a /home/bob/.profile".split()
_TAGS = ["View Lock", "RadioAck", "*job*/com.acme/.Sync", "Audio Mix", "Wake", "Alarm"]
_WORDS = "amber birch cedar delta ember fjord grove haven iris jade krill lotus maple nylon".split()


def _ip(rng: random.Random) -> str:
    return f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def _hex(rng: random.Random, digits: int) -> str:
    return f"{rng.randrange(16**digits):0{digits}x}"


def _uuid(rng: random.Random) -> str:
    return "-".join(_hex(rng, n) for n in (8, 4, 4, 4, 12))


def _many(rng: random.Random, one: Callable[[random.Random], str], by: str) -> str:
    return by.join(one(rng) for _ in range(rng.randrange(1, 7)))


_SLOTS: Dict[str, Callable[[random.Random], str]] = {
    "n": lambda r: str(r.randrange(10 ** r.randrange(1, 7))),
    "neg": lambda r: str(r.randrange(-99, 99)),
    "big": lambda r: f"{r.randrange(10 ** r.randrange(1, 8)):,}",
    "float": lambda r: f"{r.random() * 100:.{r.randrange(1, 8)}f}",
    "ip": _ip,
    "addr": lambda r: f"{_ip(r)}:{r.randrange(1024, 65535)}",
    "saddr": lambda r: f"/{_ip(r)}:{r.randrange(1024, 65535)}",
    "hostport": lambda r: (
        f"{r.choice(['cdn', 'www', 'mail'])}.acme.example.com:{r.choice([80, 443])}"
    ),
    "hex": lambda r: "0x" + _hex(r, 8),
    "uuid": _uuid,
    "reg": lambda r: _hex(r, 8),
    "blk": lambda r: f"blk_{r.choice(['', '-'])}{r.randrange(10**18)}",
    "blks": lambda r: _many(r, _SLOTS["blk"], " "),
    "addrs": lambda r: _many(r, _SLOTS["addr"], " "),
    "attempt": lambda r: (
        f"attempt_{r.randrange(10**12)}_{r.randrange(99):04}_m_{r.randrange(99):06}_0"
    ),
    "user": lambda r: r.choice(_USERS),
    "host": lambda r: r.choice(_HOSTS),
    "state": lambda r: r.choice(_STATES),
    "cls": lambda r: r.choice(_CLASSES),
    "file": lambda r: r.choice(_FILES),
    "path": lambda r: "/" + "/".join(r.choice(_WORDS) for _ in range(r.randrange(1, 6))),
    "word": lambda r: r.choice(_WORDS),
    "rare": lambda r: "".join(r.choice("aeioubcdfgklmnprst") for _ in range(r.randrange(4, 9))),
    "tag": lambda r: r.choice(_TAGS),
    "size": lambda r: f"{r.random() * 999:.1f} {r.choice(['B', 'KB', 'MB', 'GB'])}",
    "life": lambda r: r.choice(["<1 sec", f"{r.randrange(60):02}:{r.randrange(60):02}"]),
    "bool": lambda r: r.choice(["true", "false"]),
    "source": lambda r: r.choice(["null", f"WorkSource{{{r.randrange(20000)}}}"]),
    "date": lambda r: (
        f"{r.choice(['Mon', 'Tue', 'Sat'])} {r.choice(['Jun', 'Jul'])} {r.randrange(1, 30)}"
        f" {r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02} 2025"
    ),
    "node": lambda r: f"R{r.randrange(64):02}-M{r.randrange(2)}-N{r.randrange(16)}",
    "core": lambda r: f"core.{r.randrange(4000)}",
    "dir": lambda r: r.choice(["x+", "x-", "y+", "y-", "z+", "z-"]),
    "url": lambda r: f"https://api.acme.example/{r.choice(_WORDS)}?id={r.randrange(999)}",
    "names": lambda r: _many(r, lambda s: s.choice(_WORDS), ", "),
    "reqpath": lambda r: f"/v2/{_hex(r, 16)}/{r.choice(['servers', 'images', 'os-events'])}",
    "act": lambda r: "acme.intent." + r.choice(["SCREEN_ON", "SCREEN_OFF", "TIME_TICK", "POWER"]),
    "ints": lambda r: "##".join(str(r.randrange(99999)) for _ in range(r.randrange(3, 7))),
    "winpath": lambda r: f"C:\\Windows\\parts\\amd64_{_hex(r, 6)}\\core.dll",
    "pkg": lambda r: (
        f"Package_{r.randrange(99)}_for_KB{r.randrange(10**7)}~{_hex(r, 16)}"
        f"~~6.1.1.{r.randrange(9)}"
    ),
    "code": lambda r: r.choice(["E_INVALID_ITEM", "E_NOT_FOUND", "S_OK"]),
    "pct": lambda r: f"{r.randrange(100)}%",
    "dev": lambda r: r.choice(["eth0", "eth1", "wlan0", "sda1", "sdb2"]),
}

_SLOTS["hosts"] = lambda r: _many(r, lambda s: f"dn{s.randrange(999)}", " ")
_SLOTS["date6"] = lambda r: (
    f"0811{r.randrange(10, 30)} {r.randrange(100000, 235959)} {r.randrange(999)}"
)
_SLOTS["epoch"] = lambda r: str(r.randrange(1_000_000_000, 1_200_000_000))
_SLOTS["proc"] = lambda r: r.choice(
    ["sshd(pam_unix)[123]", "kernel", "ftpd[77]", "su(pam_unix)[1]"]
)


def all_systems(seed: int = 5) -> Iterator[Tuple[str, List[Tuple[str, str, str]]]]:
    """Yield each made-up system with its lines as (message, whole line, true template)."""
    for name, (header, messages) in SYSTEMS.items():
        rng = random.Random(f"{seed} {name}")
        yield name, [_line(rng, header, m) for m in _chosen(rng, messages)]


def _chosen(rng: random.Random, messages: Sequence[str]) -> List[str]:
    order = list(messages)
    weights = [1.0 / (place + 1) ** 1.1 for place in range(len(order))]
    return rng.choices(order, weights, k=LINES)


def _line(rng: random.Random, header: str, message: str) -> Tuple[str, str, str]:
    content = _filled(rng, message)
    return content, _filled(rng, header) + content, _SLOT.sub("<*>", message)


def _filled(rng: random.Random, text: str) -> str:
    return _SLOT.sub(lambda slot: _SLOTS[slot.group(1)](rng), text)
