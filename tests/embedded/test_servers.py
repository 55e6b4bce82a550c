"""The embedded servers as real processes: who may use them, what they keep, and that nothing outlives its parent."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from nightlight.embedded import EmbeddedServers, EmbeddedServersError, FolderInUse, find
from nightlight.embedded.account import choose_account, existing_user
from nightlight.embedded.binaries import postgres_program
from nightlight.embedded.cluster import SUPERUSER
from nightlight.embedded.folder import DataFolder, open_data_folder, take_lock
from nightlight.embedded.guarded import Account, run_as
from nightlight.embedded.postgres import start_postgres, url_of
from tests.conftest import Embedded
from tests.embedded.processes import ROOT, another_python, eventually, processes_about

START_AND_WAIT = """
import sys
from pathlib import Path
from nightlight.embedded import EmbeddedServers
servers = EmbeddedServers(Path(sys.argv[1])).start()
print("ready", flush=True)
sys.stdin.read()
"""

NO_RETRY = Retry(NoBackoff(), 0)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can become another user")


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder; at the end no process of it may be left."""
    place = tmp_path_factory.mktemp("d") / "data"
    yield place
    eventually(lambda: not processes_about(str(place)), "no process is left")


def write(url: str, text: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (words text)")
        connection.execute("INSERT INTO notes VALUES (%s)", (text,))


def read(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [words for (words,) in connection.execute("SELECT words FROM notes ORDER BY words")]


def only_process(place: Path, program: str) -> int:
    """The one process of this folder that runs `program` itself, not the guard that holds its name."""
    (process,) = [number for number, command in processes_about(str(place)).items() if command.split()[0].endswith(program)]
    return process


# Refusals


def test_a_folder_in_use_is_refused_in_one_line_that_names_the_process(place: Path) -> None:
    with (
        EmbeddedServers(place),
        pytest.raises(FolderInUse, match=rf"process {os.getpid()}\) uses .*--data DIR") as refusal,
    ):
        EmbeddedServers(place).start()
    assert "\n" not in str(refusal.value)


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EmbeddedServersError, match="choose another with --data DIR"):
        EmbeddedServers(tmp_path / "file" / "data").start()


def test_passwords_that_do_not_fit_are_named_at_once(place: Path) -> None:
    with EmbeddedServers(place):
        pass
    (place / "passwords" / SUPERUSER).write_text("another")
    with pytest.raises(EmbeddedServersError, match="passwords does not fit"):
        EmbeddedServers(place).start()


@pytest.mark.parametrize("role", ["nightlight_owner", "nightlight_service", "postgres"])
def test_nobody_is_let_in_without_the_password(embedded: Embedded, role: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host=str(embedded.folder.sockets), user=role, dbname="nightlight", password="guessed")


def test_valkey_asks_for_its_password(embedded: Embedded) -> None:
    with (
        redis.Redis(unix_socket_path=str(embedded.folder.sockets / "valkey.sock"), retry=NO_RETRY) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_nothing_listens_on_a_port(embedded: Embedded) -> None:
    with psycopg.connect(embedded.servers.service_url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    with redis.Redis.from_url(embedded.servers.redis_url, decode_responses=True) as client:
        assert client.config_get("port") == {"port": "0"}


# What is kept


def test_commits_are_durable(embedded: Embedded) -> None:
    with psycopg.connect(embedded.servers.service_url) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute("SELECT current_setting(%s)", (setting,)).fetchone() == ("on",)


def test_a_second_start_is_warm_and_keeps_the_data(place: Path) -> None:
    with EmbeddedServers(place) as servers:
        write(servers.owner_url, "kept")
        assert find(place) == servers
    assert find(place) is None
    with EmbeddedServers(place) as again:
        assert again == servers
        assert read(again.owner_url) == ["kept"]


def test_a_first_start_that_was_cut_short_is_made_good(place: Path) -> None:
    place.mkdir()
    (place / "postgres.new").mkdir()
    (place / "postgres.new" / "PG_VERSION").write_text("18")
    with EmbeddedServers(place) as servers:
        write(servers.owner_url, "made")


@pytest.mark.parametrize("name", ["with space, comma", 'it\'s "quoted" \\ and % äöü', "x" * 120])
def test_any_folder_name_will_do(place: Path, name: str) -> None:
    with EmbeddedServers(place / name) as servers:
        write(servers.owner_url, "kept")
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()
    sockets = DataFolder((place / name).resolve()).sockets
    assert place not in sockets.parents
    assert not sockets.exists()


def is_open_to_others(path: Path) -> bool:
    with suppress(FileNotFoundError):  # the servers remove files of their own at any time
        return bool(path.lstat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    return False


def test_only_we_can_read_and_no_parent_is_opened(tmp_path: Path, place: Path) -> None:
    parents = [place.parent, tmp_path]
    before = [path.stat().st_mode for path in parents]
    with EmbeddedServers(place):
        open_to_others = [path for path in [place, *place.rglob("*")] if is_open_to_others(path)]
    assert open_to_others == []
    assert [path.stat().st_mode for path in parents] == before


def test_the_server_log_quotes_no_value(place: Path) -> None:
    secret = "9990000018"
    with EmbeddedServers(place) as servers, psycopg.connect(servers.owner_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE numbers (number text PRIMARY KEY, seen date CHECK (seen > '2000-01-01'))")
        connection.execute("INSERT INTO numbers VALUES (%s)", (secret,))
        for statement in (
            "INSERT INTO numbers VALUES ('9990000018')",
            "INSERT INTO numbers VALUES ('9990000018x', '1999-01-01')",
            "SELECT '9990000018'::date",
            "SELECT 1 / 0 WHERE '9990000018' <> ''",
            "nonsense 9990000018",
            "DO $$ BEGIN RAISE WARNING 'seen 9990000018'; END $$",
            "DO $$ BEGIN RAISE EXCEPTION 'seen 9990000018'; END $$",
        ):
            try:
                connection.execute(statement.encode())
            except psycopg.Error:
                continue
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT %s::int, %s::date", (1, secret))
    log = (place / "logs" / "postgres.log").read_text()
    assert "ready to accept connections" in log
    assert secret not in log


# When something dies


def test_nothing_outlives_a_parent_that_is_killed(place: Path) -> None:
    with another_python(START_AND_WAIT, str(place)) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        assert only_process(place, "bin/postgres")
        assert only_process(place, "valkey-server")
        parent.kill()
        parent.wait()
        eventually(lambda: not processes_about(str(place)), "the servers have ended with their parent")


def test_a_start_right_after_a_kill_waits_for_the_old_servers_and_keeps_what_was_committed(place: Path) -> None:
    with another_python(START_AND_WAIT, str(place)) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        servers = find(place)
        assert servers is not None
        for number in range(50):
            write(servers.owner_url, f"{number:02}")
        parent.kill()
        parent.wait()
        with EmbeddedServers(place) as again:
            assert read(again.owner_url) == [f"{number:02}" for number in range(50)]


@pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: only Linux tells a child that its guard was killed")
@pytest.mark.parametrize("program", ["bin/postgres", "valkey-server"])
def test_a_server_ends_with_its_guard(place: Path, program: str) -> None:
    with EmbeddedServers(place):
        commands = processes_about(str(place))
        (guard,) = [number for number, command in commands.items() if "guard.py" in command and program in command]
        os.kill(guard, signal.SIGKILL)
        eventually(lambda: not processes_about(program + " -D " + str(place)), "the server has ended")
        eventually(lambda: len(processes_about(str(place))) < len(commands) - 1, "guard and server have ended")


def test_a_killed_server_is_noticed_and_the_next_start_recovers(place: Path) -> None:
    servers = EmbeddedServers(place)
    write(servers.start().owner_url, "kept")
    assert servers.ended is None
    os.kill(only_process(place, "bin/postgres"), signal.SIGKILL)
    eventually(lambda: servers.ended == "PostgreSQL", "the end is noticed")
    servers.stop()
    with EmbeddedServers(place) as again:
        assert read(again.owner_url) == ["kept"]


@pytest.mark.parametrize("whose", ["a living stranger", "a zombie", "nobody"])
def test_a_left_over_process_number_is_not_taken_for_a_server(place: Path, whose: str) -> None:
    with EmbeddedServers(place) as servers:
        write(servers.owner_url, "kept")
        pid_file = (place / "postgres" / "postmaster.pid").read_text().splitlines()
    with subprocess.Popen(["sleep", "600"] if whose == "a living stranger" else ["true"]) as process:
        if whose == "nobody":
            process.wait()
        (place / "postgres" / "postmaster.pid").write_text("\n".join([str(process.pid), *pid_file[1:]]) + "\n")
        with EmbeddedServers(place) as again:
            assert read(again.owner_url) == ["kept"]
        process.kill()


def test_a_server_that_lost_its_guard_is_ended_before_another_starts(place: Path) -> None:
    with EmbeddedServers(place) as servers:
        write(servers.owner_url, "kept")
    folder = open_data_folder(place)
    with open(place / "another-lock", "w") as nobodys:
        lost = start_postgres(folder, choose_account(folder, postgres_program("postgres")), nobodys.fileno())
        with EmbeddedServers(place) as again:
            assert read(again.owner_url) == ["kept"]
            lost.stop()
            assert read(again.owner_url) == ["kept"]


def test_the_lock_of_a_dead_owner_is_free(tmp_path: Path) -> None:
    folder = open_data_folder(tmp_path / "data")
    os.close(take_lock(folder))
    assert folder.lock.read_text() == str(os.getpid())
    os.close(take_lock(folder))


# Whose rights


@needs_root
def test_started_by_root_where_user_namespaces_are_refused_an_existing_user_runs_the_server() -> None:
    folder = open_data_folder(Path("/var/tmp") / f"nightlight-test-{os.getpid()}")  # pytest's own folders are closed
    lock = take_lock(folder)
    try:
        account = existing_user(folder, postgres_program("postgres"))
        server = start_postgres(folder, account, lock)
        write(url_of(folder, "nightlight_owner"), "kept")
        assert Path(f"/proc/{only_process(folder.root, 'bin/postgres')}").stat().st_uid == account.user
        assert stat.S_IMODE(folder.root.stat().st_mode) == 0o710
        server.stop()
    finally:
        os.close(lock)
        subprocess.run(["rm", "-rf", str(folder.root)], check=True)


@needs_root
def test_an_ordinary_user_can_start_the_servers(place: Path) -> None:
    nobody = Account(namespace=True)  # not root, and without any right of root's, yet the owner of these files
    script = f"import os; assert os.geteuid() != 0\n{START_AND_WAIT}"
    finished = run_as(nobody, [sys.executable, "-c", script, str(place)], ROOT)
    assert (finished.stdout, finished.returncode) == ("ready\n", 0)
