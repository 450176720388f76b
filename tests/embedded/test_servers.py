"""Embedded servers: shared, stopped with their last user, and up again after any kill -9."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from leadmagicx.embedded import processes, servers
from leadmagicx.embedded.errors import EmbeddedError
from leadmagicx.embedded.folder import CHECKOUT, Folder
from tests.embedded.conftest import emptied, one, running_in

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def kept_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """Return one folder for the whole module: making a data folder takes the longest."""
    with emptied(Folder(tmp_path_factory.mktemp("servers") / "demo").create()) as folder:
        yield folder


@pytest.fixture
def folder(kept_folder: Folder) -> Iterator[Folder]:
    """Return that folder, with nothing running in it before and after."""
    with emptied(kept_folder):
        yield kept_folder


USE = """
import sys, pathlib
from leadmagicx.embedded import folder, servers
servers.attach(folder.Folder(pathlib.Path(sys.argv[1])))
print("attached", flush=True)
sys.stdin.read()
"""


def ask(share: servers.Attachment, question: str) -> object:
    with psycopg.connect(share.database_url, autocommit=True) as connection:
        answer = connection.execute(question)
        return answer.fetchone() if answer.description else None


def gone(folder: Folder) -> bool:
    return processes.wait_until(lambda: not running_in(folder), seconds=30)


@pytest.mark.late
def test_servers_are_shared_and_end_with_their_last_user(folder: Folder) -> None:
    first = servers.attach(folder)
    second = servers.attach(folder)
    assert (second.database_url, second.redis_url) == (first.database_url, first.redis_url)
    ask(first, "create extension btree_gist")
    first.release()
    first.release()
    assert ask(second, "select current_database()") == ("leadmagicx",)
    assert redis.Redis.from_url(second.redis_url).ping()
    second.release()
    assert running_in(folder) == []


@pytest.mark.late
def test_after_kill_9_of_everything_data_is_there_and_addresses_are_the_same(folder: Folder) -> None:
    share = servers.attach(folder)
    ask(share, "create table kept as select 7 as seven")
    for process in running_in(folder):
        with contextlib.suppress(psutil.NoSuchProcess):  # it dies with the one before it
            process.kill()
    assert gone(folder)
    # The number in a stale pid file may be somebody else's by now: here it is pytest's.
    (folder.postgres / "postmaster.pid").write_text(f"{os.getpid()}\n{folder.postgres}\n1\n5432\n\n\n  1 1\nready\n")
    (folder.run / "pg" / ".s.PGSQL.5432").touch()
    (folder.run / "servers.json").write_text(f'{{"keeper": {os.getpid()}}}')
    again = servers.attach(folder)
    assert (again.database_url, again.redis_url) == (share.database_url, share.redis_url)
    assert ask(again, "select seven from kept") == (7,)
    share.users.drop()
    again.release()
    assert running_in(folder) == []


@pytest.mark.late
def test_servers_end_when_their_user_or_their_keeper_is_killed(folder: Folder) -> None:
    user = subprocess.Popen(
        [sys.executable, "-c", USE, str(folder.root)], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with user:
        assert user.stdout is not None
        assert user.stdout.readline() == b"attached\n"
        one(folder, "embedded.keeper").kill()
        assert processes.wait_until(lambda: not processes.working_in(folder.postgres, program="postgres"), seconds=30)
        share = servers.attach(folder)
        share.users.drop()
        assert ask(share, "select 1") == (1,)
        user.kill()
    assert gone(folder)


@pytest.mark.late
def test_a_dead_server_is_started_again_at_the_same_address(folder: Folder) -> None:
    share = servers.attach(folder)
    database, broker = one(folder, "bin/postgres"), one(folder, "valkey-server")
    database.kill()
    broker.kill()

    def answers() -> bool:
        try:
            return ask(share, "select 1") == (1,) and bool(redis.Redis.from_url(share.redis_url).ping())
        except (psycopg.OperationalError, redis.RedisError):
            return False

    assert processes.wait_until(answers, seconds=30)
    share.release()


@pytest.mark.late
def test_a_path_too_long_for_a_socket_gets_a_short_one(folder: Folder) -> None:
    far = Folder(folder.root.with_name("d" * 90))
    folder.root.rename(far.root)
    try:
        share = servers.attach(far)
        assert ask(share, "select 1") == (1,)
        share.release()
        assert running_in(far) == []
    finally:
        far.root.rename(folder.root)


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "old").create()
    folder.postgres.mkdir()
    (folder.postgres / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match=r"was made by PostgreSQL 9, this is \d+"):
        servers.attach(folder)
    assert gone(folder)
    assert folder.lock("users").take()


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="Name another folder in DEMO_DIR"):
        Folder(tmp_path / "file").create()


@pytest.mark.nightly
def test_a_keeper_ends_what_a_killed_demo_has_left(folder: Folder) -> None:
    share = servers.attach(folder)
    environ = {**os.environ, processes.MARK: str(folder.root)}
    left = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environ)
    with left:
        share.release()
        assert left.wait(timeout=30) == -signal.SIGKILL
