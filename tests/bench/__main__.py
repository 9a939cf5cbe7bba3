"""Benchmarks:  python -m tests.bench [NAME] [--json FILE] [--record]

Each measures something and its limit in the same run, and tells their ratio, for the seconds of one machine mean
nothing on another. Without a name, all but those of ONLY_BY_NAME.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from tests.bench.results import HEAD, Row, record, write_json

USUAL = ("command", "start", "preview", "window", "gimp", "zhang", "memory")
ONLY_BY_NAME = ("allocation", "batch", "depthwise", "gpu")
HISTORY = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures.")
    parser.add_argument("name", nargs="?", choices=(*USUAL, *ONLY_BY_NAME), help="only this one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="tell the results there too")
    parser.add_argument("--record", action="store_true", help="append them to the history, RESULTS.md")
    chosen = parser.parse_args()
    measured: list[Row] = []
    print(HEAD)
    for name in [chosen.name] if chosen.name else USUAL:
        rows = import_module(f"tests.bench.{name}").rows()  # only now, for some load PyTorch
        print(*rows, sep="\n", flush=True)
        measured += rows
    if chosen.json:
        write_json(measured, chosen.json)
    if chosen.record:
        record(measured, HISTORY)


if __name__ == "__main__":
    main()
