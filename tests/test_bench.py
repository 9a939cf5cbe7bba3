"""What `python -m tests.bench` tells of a run."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.processes import peak_memory, process
from tests.bench.results import HEAD, Row, record
from tests.bench.timing import alternately

REPOSITORY = Path(__file__).resolve().parents[1]


def test_a_run_leaves_a_table_json_and_a_section_of_the_history_that_tells_of_the_machine_but_not_its_name(
    tmp_path: Path,
) -> None:
    results, history = tmp_path / "results.json", tmp_path / "history.md"
    history.write_text("Former results.\n")
    command = [sys.executable, "-m", "tests.bench", "preview", "--json", str(results)]
    table = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    told = json.loads(results.read_text())
    rows = [Row(**row) for row in told["rows"]]
    assert table == "\n".join([HEAD, *map(str, rows), ""])
    assert [row.name for row in rows] == ["preview", "preview, strength"]
    assert all(row.ratio and row.measured for row in rows)
    record(rows, history)
    section = history.read_text()
    assert section.startswith("Former results.\n\n## 20")
    assert section.endswith(table)
    assert all(fact in section for fact in told["machine"].values())
    assert platform.node() not in told["machine"].values()
    assert str(REPOSITORY) not in results.read_text() + section


def test_the_memory_of_a_process_is_not_that_of_its_parent() -> None:
    held = b"x" * 500_000_000
    assert 100e6 < peak_memory(sys.executable, "-c", "held = b'x' * 100_000_000") < 200e6
    assert held


def test_processes_that_take_turns_have_times_of_their_own_and_one_that_fails_is_told() -> None:
    busy = "import time\nwhile time.process_time() < 2.5: pass"
    with process(sys.executable, "-c", busy) as long, process(sys.executable, "-c", "pass") as short:
        long_time, short_time = alternately(long, short)
    assert short_time < 2
    assert long_time > 2.4
    with process(sys.executable, "-c", "exit('out of paper')") as failing, pytest.raises(RuntimeError, match="paper"):
        alternately(failing)
