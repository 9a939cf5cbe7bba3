"""Photographs on the machines of a Ray cluster: Ray Data distributes, and each of its actors is a FileColorizer.

    tasks  ->  a pool of actors, one for each core, or for each GPU where that is asked for  ->  what became of each

All machines see the folders under the same names, and have the same models.
"""

from __future__ import annotations

import logging
import os
import pickle
import platform
import socket
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from colorize_neural import settings
from colorize_neural.batch import Coloured, Pool
from colorize_neural.errors import ColorizeError
from colorize_neural.folders import Task
from colorize_neural.journal import How
from colorize_neural.worker.colorizer import Options
from colorize_neural.worker.files import FileColorizer
from colorize_neural.worker.providers import CPU, GPU

_QUIET = {"RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_USAGE_STATS_ENABLED": "0"}  # and it tells nobody of us
HERE = "local"  # instead of an address: a cluster of this machine alone, for as long as the run takes
Row = dict[str, Any]


class Actor:
    """One process of the cluster: {"place", "task"} -> {"place", "coloured"}, both pickled."""

    def __init__(self, options: Options, how: How) -> None:
        """ColorizeError where this machine would give other colours than the one that asks."""
        self._colorizer = FileColorizer(options)
        if self._colorizer.how != how:
            raise ColorizeError(f"{platform.node()} has another model: install the same version everywhere.")

    def __call__(self, row: Row) -> Row:
        coloured = self._colorizer.colorize(pickle.loads(row["task"]))
        return {"place": row["place"], "coloured": pickle.dumps(coloured)}


def actors(options: Options, how: How, address: str, jobs: int | None) -> Pool:
    """A pool of actors, `jobs` of them or as many as the cluster has room for; ColorizeError where there is no Ray."""
    if options.device != GPU:
        options = replace(options, device=CPU)  # of which an actor has a core; "auto" would try all GPUs from each
    os.environ |= _QUIET
    try:
        import ray  # noqa: PLC0415, an extra that few need
    except ImportError as error:
        raise ColorizeError("Ray is not installed: pip install 'colorize-neural[cluster]' on all machines.") from error

    def pool(tasks: Sequence[Task]) -> Generator[Coloured, None, None]:
        if not tasks:
            return
        _connect(address)
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        ray.data.DataContext.get_current().enable_progress_bars = False
        try:
            rows = [{"place": place, "task": pickle.dumps(_absolute(task))} for place, task in enumerate(tasks)]
            strategy, needs = _room(options, jobs)
            coloured = ray.data.from_items(rows, override_num_blocks=max(1, len(rows))).map(
                Actor, fn_constructor_args=(options, how), compute=strategy, **needs
            )
            for row in coloured.iter_rows():
                yield replace(pickle.loads(row["coloured"]), task=tasks[row["place"]])
        except ray.exceptions.RayError as error:
            raise ColorizeError(f"The cluster failed ({_cause(error)}): give the same command again.") from error
        finally:
            ray.shutdown()

    return pool


def _connect(address: str) -> None:
    import ray  # noqa: PLC0415

    told = {
        name: os.environ[name] for name in (settings.MODELS_VARIABLE, settings.ADDED_VARIABLE) if name in os.environ
    }
    host, _, port = address.rpartition("/")[2].rpartition(":")
    try:
        if port.isdigit():  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(
            address=address,  # Ray knows "local" too
            runtime_env={"env_vars": told},
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=False if address == HERE else None,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ColorizeError(f"There is no Ray cluster at {address}: start it, or leave the address out.") from error


def _room(options: Options, jobs: int | None) -> tuple[Any, dict[str, int]]:
    """How many actors, and what each of them takes."""
    import ray  # noqa: PLC0415

    there = ray.cluster_resources()
    kind, needs = ("CPU", {"num_cpus": 1})
    if options.device == GPU:
        kind, needs = ("GPU", {"num_gpus": 1})
    if not there.get(kind):
        raise ColorizeError("This cluster has no GPU: leave --device gpu out.")
    return ray.data.ActorPoolStrategy(size=jobs or int(there[kind])), needs


def _absolute(task: Task) -> Task:
    return Task(task.photo.absolute(), task.result.absolute())


def _cause(error: BaseException) -> str:
    """The last line of what a remote process said."""
    return str(error).strip().splitlines()[-1]
