"""What a process started with no variable set gets, and that a value set outside always wins."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leadmagicx.embedded import environment, servers
from leadmagicx.embedded.folder import CHECKOUT, Folder, demo_folder

OUTSIDE = {"DATABASE_URL": "postgres://outside/db", "REDIS_URL": "redis://outside/3"}


@pytest.fixture
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail when servers would be started."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("servers were started")

    monkeypatch.setattr(servers, "attach", refuse)


@pytest.mark.usefixtures("no_servers")
@pytest.mark.parametrize(
    "given", [OUTSIDE, {"DATABASE_URL_FILE": "/run/secrets/database"}, {"EMBEDDED_SERVERS": "false"}]
)
def test_production_is_left_alone(given: dict[str, str], tmp_path: Path) -> None:
    environ = {**given, "DEMO_DIR": str(tmp_path / "demo")}
    environment.prepare(environ)
    assert environ == {**given, "DEMO_DIR": str(tmp_path / "demo")}
    assert not (tmp_path / "demo").exists()


@pytest.mark.usefixtures("no_servers")
def test_keys_are_made_once_and_long_enough(folder: Folder) -> None:
    first, second = dict(OUTSIDE), dict(OUTSIDE)
    for environ in (first, second):
        assert environment.complete(environ, folder=folder) is None
    assert first == second
    assert len(base64.urlsafe_b64decode(first["CREDENTIAL_KEYS"])) == 32
    assert len(first["SECRET_KEY"]) >= 50
    assert {name: first[name] for name in OUTSIDE} == OUTSIDE
    assert first["ALLOWED_HOSTS"] == "127.0.0.1,localhost,[::1]"
    assert first["WEBHOOK_ALLOW_PRIVATE_HOSTS"] == "true"
    assert "DEBUG" not in first
    assert (folder.run / "kept.json").stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("no_servers")
def test_what_is_set_outside_wins_also_from_a_file(folder: Folder) -> None:
    given = {
        **OUTSIDE,
        "SECRET_KEY_FILE": "/run/secrets/key",
        "CREDENTIAL_KEYS": "outside",
        "ALLOWED_HOSTS": "example.org",
        "WEBHOOK_ALLOW_PRIVATE_HOSTS": "false",
    }
    environ = dict(given)
    environment.complete(environ, folder=folder)
    assert given.items() <= environ.items()
    assert "SECRET_KEY" not in environ


@pytest.mark.usefixtures("no_servers")
def test_commands_speak_to_the_icloud_of_their_demo(folder: Folder) -> None:
    stand_in = {"ICLOUD_CALDAV_URL": "http://127.0.0.1:17001/", "ICLOUD_TRUSTED_HOSTS": "127.0.0.1:17001"}
    environment.share_with_commands(folder, {**stand_in, "SECRET_KEY": "not to be shared"})
    environ = dict(OUTSIDE)
    environment.complete(environ, folder=folder)
    assert stand_in.items() <= environ.items()
    assert "not to be shared" not in (folder.run / environment.DEMO_VARIABLES).read_text()
    outside = {**OUTSIDE, "ICLOUD_CALDAV_URL": "https://caldav.icloud.com/"}
    environment.complete(outside, folder=folder)
    assert outside["ICLOUD_CALDAV_URL"] == "https://caldav.icloud.com/"
    assert "ICLOUD_TRUSTED_HOSTS" not in outside


def test_demo_dir_is_relative_to_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert demo_folder({"DEMO_DIR": "second"}).root == tmp_path / "second"
    assert demo_folder({}).root == CHECKOUT / ".demo"


@pytest.mark.late
@pytest.mark.processes
def test_manage_py_works_with_no_variable_set(folder: Folder) -> None:
    ask = "import json, django.db as d, os; d.connection.ensure_connection(); print(json.dumps(dict(os.environ)))"
    environ = {"PATH": os.environ["PATH"], "DEMO_DIR": str(folder.root), "SECRET_KEY": "outside-" + "x" * 50}
    done = subprocess.run(
        [sys.executable, CHECKOUT / "manage.py", "shell", "--no-imports", "-c", ask],
        cwd=folder.root,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    used = json.loads(done.stdout.splitlines()[-1])
    assert used["SECRET_KEY"] == environ["SECRET_KEY"]
    assert used["DATABASE_URL"].endswith(f"?host={folder.run / 'pg'}")
    assert not servers.keeper_runs(folder)
