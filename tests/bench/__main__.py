"""Benchmarks, each a name:  python -m tests.bench depthwise

They print ratios measured in one run, for the seconds of one machine mean nothing on another.
"""

from __future__ import annotations

import argparse

from tests.bench import batch, depthwise, gpu, preview

BENCHMARKS = {"batch": batch.main, "depthwise": depthwise.main, "gpu": gpu.main, "preview": preview.main}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures.")
    parser.add_argument("benchmark", choices=BENCHMARKS)
    BENCHMARKS[parser.parse_args().benchmark]()


if __name__ == "__main__":
    main()
