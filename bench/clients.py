"""The peers of the sync benchmark, each a process of its own: `python -m bench.clients NAME URL CALENDAR FOLDER`.

They do what a sync client does with them, and nothing for show; whole-process CPU and memory come from the kernel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from bench.peer import PASSWORD, USER

VDIRSYNCER = """[general]
status_path = "{folder}/status"
[pair bench]
a = "local"
b = "remote"
collections = ["{calendar}"]
conflict_resolution = "b wins"
[storage local]
type = "filesystem"
path = "{folder}/local"
fileext = ".ics"
[storage remote]
type = "caldav"
url = "{url}"
username = "{user}"
password = "{password}"
"""


def run(name: str, url: str, calendar: str, folder: Path) -> dict[str, float]:
    """Run a peer; return its wall and CPU seconds and its peak memory in MB."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bench.clients", name, url, calendar, str(folder)]
    if name == "vdirsyncer":
        config = folder / "config"
        text = VDIRSYNCER.format(folder=folder, calendar=calendar, url=url, user=USER, password=PASSWORD)
        config.write_text(text)
        (folder / "local" / calendar).mkdir(parents=True, exist_ok=True)
        tool = str(Path(sys.executable).parent / "vdirsyncer")
        subprocess.run(
            [tool, "-c", str(config), "discover"], input="y\ny\n", text=True, capture_output=True, check=True
        )
        command = [tool, "-c", str(config), "sync"]
    return _measured(command)


def start_up() -> float:
    """Return the CPU seconds that python-caldav takes until it could ask for something: it imports most of itself when
    a client is made."""
    made = f"caldav.DAVClient(url='http://127.0.0.1:9/', username='{USER}', password='{PASSWORD}')"
    code = f"import json, caldav; {made}.calendar(url='http://127.0.0.1:9/a/b/')"
    return min(_measured([sys.executable, "-c", code])["cpu"] for _ in range(5))


def _measured(command: list[str]) -> dict[str, float]:
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if status:
        raise RuntimeError(output.decode(errors="replace")[-500:])
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "mb": usage.ru_maxrss / 1024}


def python_caldav(url: str, calendar: str, folder: Path) -> None:
    """Get everything with one search and parse it, or what changed since the token that was kept."""
    import caldav

    client = caldav.DAVClient(url=url, username=USER, password=PASSWORD, timeout=900)
    remote = client.calendar(url=f"{url}{USER}/{calendar}/")
    state = folder / "token.json"
    if state.exists():
        found = remote.get_objects_by_sync_token(json.loads(state.read_text()), load_objects=True)
    else:
        for item in remote.search(event=True):
            _ = item.icalendar_instance
        found = remote.get_objects_by_sync_token(load_objects=False)
    state.write_text(json.dumps(found.sync_token))


if __name__ == "__main__":
    python_caldav(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
