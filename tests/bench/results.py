"""What benchmarks tell: rows, and their table, JSON file and history.

A row is what was measured as a multiple of its limit, which was measured in the same run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from colorize_neural import settings

from tests.bench.machine import machine

HEAD = "| benchmark | what, beside its limit | measured | ratio | wanted |\n|---|---|---|---|---|"


@dataclass(frozen=True)
class Row:
    """`ratio` is None where this machine cannot measure it; `wanted` is the largest good one, None where all are."""

    name: str
    what: str
    ratio: float | None
    wanted: float | None = None
    measured: str = ""  # by what the ratio came about

    def __str__(self) -> str:
        """A line of the table."""
        ratio, wanted = ("" if one is None else f"{one:.3g}" for one in (self.ratio, self.wanted))
        return f"| {self.name} | {self.what} | {self.measured} | {ratio} | {wanted} |"


def row_of_seconds(name: str, what: str, times: Sequence[float], wanted: float | None = None) -> Row:
    """times: of what is measured, and of its limit"""
    taken, limit = times
    return Row(name, what, taken / limit, wanted, f"{taken:.3g} s beside {limit:.3g} s")


def write_json(rows: list[Row], file: Path) -> None:
    told = {"date": today(), "machine": machine(), "rows": [asdict(row) for row in rows]}
    settings.write_json(file, told)


def record(rows: list[Row], history: Path) -> None:
    """Appends a section with the table."""
    described = ", ".join(f"{name} {fact}" for name, fact in machine().items())
    with history.open("a", encoding="utf-8") as stream:
        stream.write("\n".join(["", f"## {today()}", "", described, "", HEAD, *map(str, rows), ""]))


def today() -> str:
    return f"{datetime.now(timezone.utc):%Y-%m-%d}"
