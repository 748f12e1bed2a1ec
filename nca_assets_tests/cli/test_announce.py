"""The process that says where the UI is."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


def announce(address: str, parent: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nca_assets.cli.announce", address, str(parent)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/server_info" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_what_answers_is_announced() -> None:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.handle_request).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert announce(address, os.getpid()).stdout == f"Dagster's UI: {address} (Ctrl-C ends it)\n"


def test_it_ends_when_the_ui_has_ended() -> None:
    assert announce("http://127.0.0.1:1", parent=1).stdout == ""
