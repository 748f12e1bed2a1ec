"""The upload, against a small stand-in for the hub on this machine.

It proves which requests are made, what they carry, and what is said when they are refused. It does not prove that the
real hub takes them, nor the upload of large files, for which the stand-in has no storage: it lets all be small.
"""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nca_assets.publishing.publish import Published
from nca_assets_tests.conftest import local

pytestmark = pytest.mark.slow

TOKEN = "hf_" + "secret" * 5


class Hub(ThreadingHTTPServer):
    """Takes repositories and commits of small files from whoever has the token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.made: list[dict] = []
        self.files: dict[str, bytes] = {}
        self.unknown: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answers(BaseHTTPRequestHandler):
    server: Hub  # type: ignore[assignment]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer(401, {"error": "Invalid credentials"})
        elif self.path == "/api/repos/create":
            asked = json.loads(body)
            self.server.made.append(asked)
            name = f"{asked.get('organization', 'me')}/{asked['name']}"
            self.answer(200, {"url": f"{self.server.address}/datasets/{name}", "name": name, "id": name})
        elif "/preupload/" in self.path:
            files = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in json.loads(body)["files"]
            ]
            self.answer(200, {"files": files})
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "deletedFile":
                    del self.server.files[line["value"]["path"]]
                if line["key"] == "file":
                    self.server.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            self.answer(
                200,
                {
                    "commitUrl": f"{self.server.address}/datasets/me/rollouts/commit/1",
                    "commitOid": "1",
                    "success": True,
                },
            )
        elif self.path == "/api/validate-yaml":
            self.answer(200, {"errors": [], "warnings": []})
        else:
            self.server.unknown.append(self.path)
            self.answer(404, {"error": "unknown"})

    def do_GET(self) -> None:
        if "/revision/" in self.path:
            files = [{"rfilename": name} for name in self.server.files]
            self.answer(200, {"id": "me/rollouts", "sha": "0" * 40, "siblings": files})
        elif "/tree/" in self.path:
            files = [{"type": "file", "path": p, "size": len(c), "oid": "0" * 40} for p, c in self.server.files.items()]
            self.answer(200, files)
        else:
            self.server.unknown.append(self.path)
            self.answer(404, {"error": "unknown"})

    def answer(self, status: int, content: object) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


PUSH = """
import sys
from pathlib import Path
from nca_assets.errors import NcaError
from nca_assets.publishing.push import push
try:
    print(push(Path(sys.argv[1]), sys.argv[2]))
except NcaError as error:
    sys.exit(f"nca: {error}")
"""


def push(folder: Path, repo: str, endpoint: str, home: Path, token: str | None = TOKEN) -> tuple[int, str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    if token:
        environment["HF_TOKEN"] = token
    done = subprocess.run(
        [sys.executable, "-c", PUSH, str(folder), repo], env=environment, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert TOKEN not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""


def test_every_file_arrives_and_what_was_there_before_goes(published: Published, hub: Hub, tmp_path: Path) -> None:
    hub.files["tokens/set1-00099.parquet"] = b"from before"
    hub.files["NOTES.md"] = b"by someone"
    code, out, error = push(local(published.folder), "me/rollouts", hub.address, tmp_path)
    assert code == 0, error
    assert out.strip() == f"{hub.address}/datasets/me/rollouts"
    [made] = hub.made
    assert (made["type"], made["name"]) == ("dataset", "rollouts")
    assert made.get("visibility", "public") == "public"
    folder = local(published.folder)
    here = {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    assert hub.files == here | {"NOTES.md": b"by someone"}
    assert [path for path in hub.unknown if "/datasets/" in path or "/repos/" in path] == []


def test_a_refusal_is_one_line(published: Published, hub: Hub, tmp_path: Path) -> None:
    code, _, error = push(local(published.folder), "me/rollouts", hub.address, tmp_path, token="hf_wrong")
    assert code == 1
    assert error.startswith("nca: the hub refused me/rollouts: ")
    assert hub.files == {}


def test_without_a_token_it_says_how_to_get_one(published: Published, hub: Hub, tmp_path: Path) -> None:
    code, _, error = push(local(published.folder), "me/rollouts", hub.address, tmp_path, token=None)
    assert code == 1
    assert error == "nca: no token for the hub: run 'hf auth login', or set HF_TOKEN"


def test_a_hub_that_is_not_there(published: Published, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    code, _, error = push(local(published.folder), "me/rollouts", address, tmp_path)
    assert code == 1
    assert error.startswith(f"nca: the hub at {address} can't be reached (")


def test_a_name_that_is_none(published: Published, hub: Hub, tmp_path: Path) -> None:
    code, _, error = push(local(published.folder), "me/my rollouts!", hub.address, tmp_path)
    assert code == 1
    assert error.startswith("nca: invalid dataset name 'me/my rollouts!': write NAMESPACE/NAME")


def test_a_damaged_folder_is_not_uploaded(copy: Path, hub: Hub, tmp_path: Path) -> None:
    (copy / "README.md").write_text("changed")
    code, _, error = push(copy, "me/rollouts", hub.address, tmp_path)
    assert code == 1
    assert "has changed since it was published (README.md has changed): publish again" in error
    assert hub.made == []
