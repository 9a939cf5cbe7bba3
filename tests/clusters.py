"""Ray clusters that run before a command and after it, each of their machines a node of this one."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator

_PLAIN = {"RAY_AUTH_MODE": "disabled", "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0"}
Node = subprocess.Popen[bytes]


@contextlib.contextmanager
def cluster(*cores: int) -> Iterator[tuple[str, list[Node]]]:
    """Its address, and its nodes, which have so many cores and of which the first is the head."""
    address = f"127.0.0.1:{_free_port()}"
    with (
        tempfile.TemporaryDirectory(prefix="ray-") as folder,
        contextlib.ExitStack() as running,
    ):  # a socket's name is short
        nodes: list[Node] = []
        for count in cores:
            where = [f"--address={address}"]
            if not nodes:
                where = ["--head", f"--port={address.rpartition(':')[2]}", f"--temp-dir={folder}"]
                where += ["--include-dashboard=false", f"--ray-client-server-port={_free_port()}"]
            nodes.append(_started([*where, f"--num-cpus={count}"]))
            running.callback(_end, nodes[-1])
        yield address, nodes


def _started(arguments: list[str]) -> Node:
    """A node that is up."""
    fixed = ["--disable-usage-stats", "--block", "--object-store-memory=100000000"]
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, *fixed]
    node = subprocess.Popen(command, env=os.environ | _PLAIN, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert node.stdout is not None
    told = b""
    while b"--block" not in told:
        line = node.stdout.readline()
        assert line, told.decode()
        told += line
    return node


def _end(node: Node) -> None:
    node.send_signal(signal.SIGTERM)
    node.communicate(timeout=30)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
