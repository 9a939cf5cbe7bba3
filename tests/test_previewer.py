"""The thread that has a preview coloured: a real worker, asked for more than it can do."""

from __future__ import annotations

import os
import queue
import signal
import time

import pytest
from colorize_neural.client import Client
from colorize_neural.previewer import Previewer, Wish
from colorize_neural.protocol import Message, Shape
from colorize_neural.settings import Settings

from tests.pixel_files import pixel_files
from tests.processes import children

GREY = Shape(60, 40, 3, "uint8")
PIXELS = b"\x80" * GREY.bytes
pytestmark = pytest.mark.usefixtures("own_log")
PATIENCE = 60  # seconds
Delivered = queue.SimpleQueue[tuple[Wish, bytes, Message]]


def orange(name: str) -> Wish:
    return Wish(name, {"model": "orange"})


@pytest.fixture
def delivered() -> Delivered:
    return queue.SimpleQueue()


@pytest.fixture
def previewer(client: Client, delivered: Delivered) -> Previewer:
    return Previewer(client, GREY, PIXELS, lambda *done: delivered.put(done))


def test_what_is_wanted_comes_in_its_order_and_in_colours(previewer: Previewer, delivered: Delivered) -> None:
    previewer.want([orange("first"), orange("second")])
    for name in ("first", "second"):
        wish, rows, result = delivered.get(timeout=PATIENCE)
        assert wish.name == name
        assert len(rows) == GREY.bytes
        assert rows[0] > rows[2]
        assert result["device"] == "cpu"


def test_what_is_outdated_never_comes(previewer: Previewer, delivered: Delivered) -> None:
    for number in range(50):
        previewer.want([orange(f"old {number}"), orange(f"older {number}")])
    previewer.want([orange("new")])
    names = [delivered.get(timeout=PATIENCE)[0].name]
    while names[-1] != "new":
        names.append(delivered.get(timeout=PATIENCE)[0].name)
    assert len(names) < 50


def test_a_failure_is_a_sentence_and_the_next_wish_is_welcome(previewer: Previewer, delivered: Delivered) -> None:
    previewer.want([Wish("bad", {"model": "nowhere"}), orange("good")])
    _, rows, result = delivered.get(timeout=PATIENCE)
    assert not rows
    assert result["message"].startswith('There is no model "nowhere"')
    assert delivered.get(timeout=PATIENCE)[1]


def test_afterwards_the_worker_is_free_for_other_work(
    previewer: Previewer, delivered: Delivered, client: Client
) -> None:
    previewer.want([orange("preview"), orange("never")])
    delivered.get(timeout=PATIENCE)
    previewer.stop()
    previewer.wait()
    with client.pixels(GREY) as pixels:
        pixels.write(PIXELS)
        client.colorize(pixels, {"model": "orange"})
        assert pixels.read(1)[0] > 128


def test_a_worker_that_is_taken_away_in_mid_work_ends_the_thread_and_leaves_nothing(
    previewer: Previewer, delivered: Delivered, client: Client
) -> None:
    previewer.want([orange("first"), Wish("slow", {"model": "hours"})])
    assert delivered.get(timeout=PATIENCE)[0].name == "first"
    time.sleep(1)  # into the network
    assert delivered.empty()
    previewer.stop()
    client.close()
    previewer.wait()
    assert not pixel_files(os.getpid())


def test_a_worker_that_hangs_is_killed_though_the_thread_reads_from_it(tiny: Settings, delivered: Delivered) -> None:
    others = children()
    client = Client(tiny)
    (worker,) = children() - others
    previewer = Previewer(client, GREY, PIXELS, lambda *done: delivered.put(done))
    os.kill(worker, signal.SIGSTOP)
    previewer.want([orange("never")])
    time.sleep(1)  # until it is asked
    previewer.stop()
    client.close()
    previewer.wait()
    assert worker not in children()
