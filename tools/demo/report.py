"""What the demo prints: each step as it happens, its evidence, and the verdict at the end."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TextIO

WIDTH = 100
BOLD, DIM, GREEN, RED = "1", "2", "32", "31"


@dataclass
class Report:
    """Prints to ``out`` with the seconds since it was made, and keeps the checks' results."""

    out: TextIO = sys.stdout
    begun: float = field(default_factory=time.monotonic)
    checks: list[tuple[str, bool, str]] = field(default_factory=list)

    def step(self, title: str) -> None:
        """Begin a step."""
        self._line(f"\n{self._elapsed()}  {self._styled(title, BOLD)}")

    def say(self, text: str) -> None:
        """Say what was seen, wrapped below the step's title."""
        for line in textwrap.wrap(text, WIDTH - 9, break_on_hyphens=False) or [""]:
            self._line(f"         {line}")

    def item(self, text: str) -> None:
        """Print one item of a list, wrapped, at most three lines."""
        lines = textwrap.wrap(
            text, WIDTH - 11, break_on_hyphens=False, max_lines=3, placeholder=" …"
        )
        for number, line in enumerate(lines):
            self._line(f"         {' ' if number else '-'} {line}")

    def quote(self, label: str, text: str, lines: int = 3) -> None:
        """Quote evidence: the first lines of an event, a citation, an answer, each wrapped."""
        self._line(f"         {self._styled(label, DIM)}")
        bar = self._styled("│", DIM)
        shown = [line for line in text.splitlines() if line.strip()]
        for line in shown[:lines]:
            for part in textwrap.wrap(line, WIDTH - 13, max_lines=3, placeholder=" …"):
                self._line(f"           {bar} {part}")
        if len(shown) > lines:
            self._line(f"           {bar} … {len(shown) - lines} more lines")

    def table(self, rows: Iterable[tuple[str, ...]]) -> None:
        """Print rows in columns."""
        kept = [tuple(str(cell) for cell in row) for row in rows]
        widths = [max(len(cell) for cell in column) for column in zip(*kept, strict=True)]
        for row in kept:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self._line(f"         {'  '.join(cells).rstrip()}"[: WIDTH + 40])

    def check(self, claim: str, held: bool, seen: str = "") -> bool:
        """Record whether a claim held, with what was seen, and print it."""
        self.checks.append((claim, held, seen))
        mark = self._styled("✓", GREEN) if held else self._styled("✗", RED)
        detail = f" {self._styled('· ' + seen, DIM)}" if seen else ""
        self._line(f"       {mark} {claim}{detail}")
        return held

    def failed(self) -> list[str]:
        """Return the claims that did not hold."""
        return [claim for claim, held, _ in self.checks if not held]

    def verdict(self) -> bool:
        """Print all checks in a table and return whether there were some and every one held."""
        self.step("Verdict")
        for claim, held, seen in self.checks:
            mark = self._styled("✓ passed", GREEN) if held else self._styled("✗ FAILED", RED)
            self._line(f"         {mark}  {claim.ljust(62)} {self._styled(clip(seen, 60), DIM)}")
        good = bool(self.checks) and not self.failed()
        took = time.monotonic() - self.begun
        total = len(self.checks)
        word = self._styled("PASSED", GREEN) if good else self._styled("FAILED", RED)
        self._line(
            f"\n{self._elapsed()}  {word}: {total - len(self.failed())} of {total} in {took:.0f} s"
        )
        return good

    def _elapsed(self) -> str:
        seconds = time.monotonic() - self.begun
        return self._styled(f"{int(seconds // 60):02d}:{seconds % 60:04.1f}", DIM)

    def _styled(self, text: str, code: str) -> str:
        if not self.out.isatty() or "NO_COLOR" in os.environ:
            return text
        return f"\x1b[{code}m{text}\x1b[0m"

    def _line(self, text: str) -> None:
        print(text, file=self.out, flush=True)


def clip(text: str, longest: int) -> str:
    """Return a text cut to at most ``longest`` characters; an ellipsis shows that it was cut."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
