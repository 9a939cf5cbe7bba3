"""Photographs on the machines of a Ray cluster: Ray Data distributes, and each of its actors is a FileColorizer.

    tasks  ->  a pool of actors, one for so many cores, and for a GPU where that is asked for  ->  what became of each

All machines see the folders under the same names, and have the same models.
"""

from __future__ import annotations

import logging
import os
import pickle
import platform
import secrets
import signal
import socket
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from colorize_neural import __version__, settings
from colorize_neural.batch import Coloured, Pool
from colorize_neural.errors import ColorizeError
from colorize_neural.folders import Task
from colorize_neural.journal import How, stamp
from colorize_neural.worker.colorizer import Options
from colorize_neural.worker.files import FileColorizer
from colorize_neural.worker.providers import CPU, GPU

_RAY = {
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_USAGE_STATS_ENABLED": "0",  # nobody is told of us
    "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1",  # which would leave SIGTERM the system's effect while Ray ends
}
HERE = "local"  # instead of an address: a cluster of this machine alone, for as long as the run takes
_MODE = "RAY_AUTH_MODE"  # unless it is set, Ray would leave a token in the home folder, for other clusters to want it
_MEMORY = 1 << 30  # bytes that an actor takes, with a model and a photograph of 100 megapixels
_WAITING = (2, 1)  # photographs that an actor has, with the one at work, in the first round and in the second
_RETRIES = 1  # of a photograph in each round
Row = dict[str, Any]


class Actor:
    """One process of the cluster: {"place", "task"} -> {"place", "coloured"}, both pickled."""

    def __init__(self, options: Options, cores: int, how: How, version: str) -> None:
        """ColorizeError where this machine would give other colours than the one that asks."""
        self._colorizer = FileColorizer(options, cores)
        if (self._colorizer.how, __version__) != (how, version):
            raise ColorizeError(f"{platform.node()} has another model or version: install the same version everywhere.")

    def __call__(self, row: Row) -> Row:
        coloured = self._colorizer.colorize(pickle.loads(row["task"]))
        return {"place": row["place"], "coloured": pickle.dumps(coloured)}


def actors(options: Options, how: How, address: str, jobs: int | None, cores: int) -> Pool:
    """A pool of actors that have so many cores each, `jobs` of them or as many as the cluster has room for.

    ColorizeError where there is no Ray.
    """
    if options.device != GPU:
        options = replace(options, device=CPU)  # "auto" would try all GPUs from each
    os.environ |= _RAY
    if address == HERE and _MODE not in os.environ:
        os.environ |= {_MODE: "token", "RAY_AUTH_TOKEN": secrets.token_hex()}
    try:
        import ray  # noqa: PLC0415, an extra that few need
    except ImportError as error:
        raise ColorizeError(
            "Ray is not installed: pip install '.[cluster]' in this program's repository, on all machines."
        ) from error

    def pool(tasks: Sequence[Task]) -> Generator[Coloured, None, None]:
        if not tasks:
            return
        try:
            _connect(address)
            needs = {"CPU": cores, "memory": _MEMORY} | ({"GPU": 1} if options.device == GPU else {})
            size = min(_room(needs), jobs or len(tasks))
            left = dict(enumerate(tasks))
            for waiting in _WAITING:  # what waits behind a photograph that ends its process is lost with it
                for place, coloured in _round(left, (options, cores, how, __version__), size, waiting, needs):
                    yield replace(coloured, task=left.pop(place))
            for task in left.values():
                yield Coloured(task, stamp(task.photo), why=_fatal(task))
        except ray.exceptions.RayError as error:
            raise ColorizeError(_cause(error)) from error
        except SystemExit as error:  # what Ray makes of SIGTERM while it starts
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # another one does not disturb the end
            raise KeyboardInterrupt from error
        finally:
            ray.shutdown()

    return pool


def _round(
    tasks: Mapping[int, Task], arguments: tuple[Any, ...], size: int, waiting: int, needs: Mapping[str, int]
) -> Iterator[tuple[int, Coloured]]:
    """The places of tasks, and what became of them; nothing of those whose process ended again and again."""
    import ray  # noqa: PLC0415

    if not tasks:
        return
    rows = [{"place": place, "task": pickle.dumps(_absolute(task))} for place, task in tasks.items()]
    with warnings.catch_warnings():  # that Ray 2.64 will have other names for what is said here
        warnings.simplefilter("ignore")
        coloured = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            Actor,
            fn_constructor_args=arguments,
            compute=ray.data.ActorPoolStrategy(size=min(size, len(rows)), max_tasks_in_flight_per_actor=waiting),
            num_cpus=needs["CPU"],
            num_gpus=needs.get("GPU"),
            memory=needs["memory"],
            max_task_retries=_RETRIES,
        )
    for row in coloured.iter_rows():
        yield row["place"], pickle.loads(row["coloured"])


def _connect(address: str) -> None:
    import ray  # noqa: PLC0415

    told = {
        name: os.environ[name] for name in (settings.MODELS_VARIABLE, settings.ADDED_VARIABLE) if name in os.environ
    }
    host, _, port = address.rpartition("/")[2].rpartition(":")
    try:
        if port.isdigit():  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise ColorizeError(
            f"There is no Ray cluster at {address}: start it, or put --ray at the end, for one of this machine alone."
        ) from error
    effect = signal.getsignal(signal.SIGTERM)  # Ray gives it another one
    try:
        ray.init(
            address=address,  # Ray knows "local" too
            runtime_env={"env_vars": told},
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=False if address == HERE else None,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ColorizeError(
            f"Ray cannot be used at {address} ({str(error).strip().splitlines()[0]}): all machines need the same "
            "versions of Python and Ray, and RAY_AUTH_MODE and RAY_AUTH_TOKEN where it wants a token."
        ) from error
    finally:
        if signal.getsignal(signal.SIGTERM) != signal.SIG_IGN:  # it came before Ray's was set
            signal.signal(signal.SIGTERM, effect)
    context = ray.data.DataContext.get_current()
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # which its import has set
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a photograph each


def _room(needs: Mapping[str, int]) -> int:
    """How many actors find a place in the cluster; ColorizeError where none does."""
    import ray  # noqa: PLC0415

    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    room = sum(int(min(machine.get(kind, 0) // need for kind, need in needs.items())) for machine in machines)
    if not room and "GPU" in needs and not any(machine.get("GPU") for machine in machines):
        raise ColorizeError("This cluster has no GPU: leave --device gpu out.")
    if not room:
        raise ColorizeError(
            f"No machine of this cluster gives Ray {needs['CPU']} cores and 1 GB of memory: "
            "name fewer --cores, or start it with more."
        )
    return room


def _absolute(task: Task) -> Task:
    return Task(task.photo.absolute(), task.result.absolute())


def _fatal(task: Task) -> str:
    return (
        f"{task.photo} ended every process that was to colour it, it may be damaged or too large for the memory: "
        "open it in an image editor and save it anew."
    )


def _cause(error: BaseException) -> str:
    """A sentence of the last line of what a remote process said."""
    last = str(error).strip().splitlines()[-1]
    _, _, ours = last.partition(f"{ColorizeError.__name__}: ")
    return ours or f"The cluster failed ({last}): give the same command again."
