"""Radicale in a process of its own, counting requests; for the benchmarks.

`python -m bench.peer FOLDER [--defaults]` prints its URL and serves until its standard input closes.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

USER, PASSWORD = "bench@icloud.example", "abcd-efgh-ijkl-mnop"


class Radicale:
    """A running Radicale over a storage folder."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.peer", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def requests(self) -> int:
        """Return how many requests came in since the last call."""
        with urllib.request.urlopen(f"{self.url}__requests") as answer:
            return int(answer.read())

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def serve(folder: Path) -> None:
    """Serve a storage with one user and Radicale's default limits."""
    from radicale import Application, config
    from werkzeug.serving import WSGIRequestHandler, make_server

    users = folder / "users"
    users.write_text(f"{USER}:{PASSWORD}\n")
    settings = config.load()
    settings.update(
        {
            "server": {"_internal_server": "True"},
            "auth": {"type": "htpasswd", "htpasswd_filename": str(users), "htpasswd_encryption": "plain", "delay": "0"},
            "rights": {"type": "owner_only"},
            "storage": {"filesystem_folder": str(folder), "use_mtime_and_size_for_item_cache": "True"},
            "logging": {"level": "critical"},
        },
        "bench",
        privileged=True,
    )
    application = Application(settings)
    seen = [0]

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_: object) -> None:
            """Say nothing."""

    def counted(environ, start_response):
        environ["PATH_INFO"] = environ["PATH_INFO"].encode("latin-1").decode()
        if environ["PATH_INFO"] == "/__requests":
            text, seen[0] = str(seen[0]).encode(), 0
            start_response("200 OK", [("Content-Length", str(len(text)))])
            return [text]
        seen[0] += 1
        return application(environ, start_response)

    server = make_server("127.0.0.1", 0, counted, threaded=True, request_handler=Handler)
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
