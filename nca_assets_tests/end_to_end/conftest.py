"""Processes as a person starts them: a copy of the project, the ``nca`` command, make and the UI."""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from nca_assets_tests import warm
from nca_assets_tests.conftest import GOLDEN, PROJECT, lacking


@dataclass(frozen=True)
class Project:
    """A folder that looks like a fresh clone, with the environment already installed."""

    folder: Path
    environment: dict[str, str]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self, *command: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, **options,
        )  # fmt: skip

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        with self.start(*command) as process:
            try:
                out, err = process.communicate(timeout=300)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def nca(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return warm.completed(["nca", *arguments], self.folder, self.environment)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program, given as Python's command line has it: ``-c TEXT``, or a file and its arguments."""
        return warm.completed(arguments, self.folder, self.environment)


NCA = str(Path(sys.executable).with_name("nca"))


def clone(folder: Path, **environment: str) -> Project:
    """The project's files as git has them (with what is not yet committed) in ``folder``."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (PROJECT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    (folder / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    for stamp in ("installed", "installed-dev"):
        (folder / ".venv" / stamp).touch()
    # Nor what make would take for its parent's.
    foreign = ("NCA_", "DAGSTER_", "MAKE")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return Project(folder, clean | environment)


@pytest.fixture
def small_project(tmp_path: Path) -> Project:
    """A clone whose shards are tiny and whose vocabulary is there."""
    project = clone(tmp_path / "clone", NCA_SHARD_SIZE="4", NCA_FRAMES="140", NCA_SHARDS_PER_SET="4")
    imported = project.nca("import", "centroids", str(GOLDEN / "centroids.pt"))
    assert imported.returncode == 0, imported.stderr
    return project


@contextmanager
def user_interface(project: Project) -> Iterator[str]:
    """``make ui`` on a free port; gives the address once it answers, and stops everything it started afterwards."""
    port = free_port()
    log = project.folder / "ui.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            ["make", "ui", f"PORT={port}"], cwd=project.folder, env=project.environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, process_group=0,
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(address, server, log)
            yield address
        finally:
            os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address: str, server: subprocess.Popen[Any], log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no answer from {address}:\n{log.read_text()}")


def graphql(address: str, query: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{address}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.loads(response.read())
    assert "errors" not in answer, answer
    return answer["data"]


OFFLINE = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def chromium_page() -> Iterator[Page]:
    """A page in Debian's Chromium, which asks nothing of the network by itself."""
    chromium = shutil.which("chromium")
    if chromium is None:
        lacking("Chromium is missing: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OFFLINE)
        opened = browser.new_page(viewport={"width": 1280, "height": 800})
        opened.set_default_timeout(30_000)
        yield opened
        browser.close()


def keep_picture(page: Page, file: Path, colors: int = 64) -> None:
    """A picture of the page, in few colors so that it stays small."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(colors, dither=Image.Dither.NONE)
    picture.save(file, optimize=True)
