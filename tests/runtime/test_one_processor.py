"""Long work keeps to one processor, and nobody else is kept to it."""

import os
import socket
import subprocess
import sys

import pytest

from runtime.database import Database
from runtime.one_processor import is_child, keep_session_to_one_processor, keep_to_one_processor, peer
from tests.conftest import FreshDatabase

ALL = os.sched_getaffinity(0) if sys.platform == "linux" else set()

pytestmark = pytest.mark.skipif(len(ALL) < 2, reason="there is only one processor, or the system does not say which")


async def processors_of_a_session(database: Database) -> set[int]:
    async with database.transaction() as transaction:
        row = await (await transaction.execute("SELECT pg_backend_pid()")).fetchone()
    assert row is not None
    return os.sched_getaffinity(row[0])


async def test_nobody_else_s_session_is_kept_to_it(fresh_database: FreshDatabase) -> None:
    async with Database(fresh_database.service_url, 1) as database:
        assert await processors_of_a_session(database) == ALL


async def test_a_session_is_kept_to_one_processor_where_the_server_is_on_this_machine(fresh_database: FreshDatabase) -> None:
    async with Database(fresh_database.service_url, 1, on_connect=keep_session_to_one_processor) as database:
        assert await processors_of_a_session(database) == {max(ALL)}


def test_a_process_of_somebody_else_is_never_taken_for_the_server_s() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, subprocess.Popen(["sleep", "60"]) as child:
        assert peer(ours.fileno()) == os.getpid()
        assert is_child(child.pid, of=peer(ours.fileno()))
        assert not is_child(os.getpid(), of=peer(ours.fileno()))
        child.kill()
    assert not is_child(child.pid, of=os.getpid()), "it has ended"


def test_a_connection_over_the_network_says_nothing_of_processes_here() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        assert peer(ours.fileno()) is None
    assert not is_child(os.getpid(), of=None)


def test_looking_at_a_socket_leaves_it_open() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        peer(ours.fileno())
        theirs.send(b"still here")
        assert ours.recv(10) == b"still here"


def test_a_process_keeps_itself_and_its_threads_to_one_processor() -> None:
    program = (
        "import os, threading; from runtime.one_processor import keep_to_one_processor; keep_to_one_processor();"
        "threading.Thread(target=lambda: print(os.sched_getaffinity(0))).start()"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == f"{ {max(ALL)} }\n"


def test_what_is_not_ours_to_say_is_left_alone() -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    keep_to_one_processor(ended.pid)  # there is no such process any more
    assert os.sched_getaffinity(0) == ALL
