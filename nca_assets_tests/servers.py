"""What a deployment on many machines stands on, each a real server on loopback: S3, PostgreSQL, and a Ray cluster."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from nca_assets.store import client
from nca_assets_tests.conftest import lacking
from nca_assets_tests.end_to_end.conftest import free_port

BIN = Path(sys.executable).parent
Server = TypeVar("Server", "S3", "Postgres", "RayCluster")


def wait_until(answers: Callable[[], object], log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not answers():
        assert time.monotonic() < deadline, log.read_text()[-5000:]
        time.sleep(0.2)


def take_storage_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no server of buckets answer, and none waited for."""
    monkeypatch.setattr(client, "PATIENCE", {"max_retries": 0})
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")


class S3:
    """rclone's S3 server with a bucket ``nca``; its objects are files in ``folder``, so they outlive it."""

    key, secret = "tester", "correct-horse-battery"

    def __init__(self, folder: Path) -> None:
        self.folder = self.temporary = folder / "s3"
        self.log, self.port = folder / "s3.log", free_port()
        (self.folder / "nca").mkdir(parents=True)
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": self.address,
            "AWS_REGION": "us-east-1",
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        self.start()

    def start(self) -> None:
        command = [
            BIN / "rclone", "serve", "s3", self.folder, "--addr", f"127.0.0.1:{self.port}",
            "--auth-key", f"{self.key},{self.secret}", "--config", "/dev/null",
        ]  # fmt: skip
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: listens(self.port), self.log)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def objects(self) -> set[str]:
        """The names of all objects in the bucket."""
        bucket = self.folder / "nca"
        return {file.relative_to(bucket).as_posix() for file in bucket.rglob("*") if file.is_file()}


class Postgres:
    """A PostgreSQL server that asks for a password."""

    user, password = "dagster", "correct-horse-battery"

    def __init__(self) -> None:
        self.programs = postgres_programs()
        # It refuses to run as root, and whoever it runs as must get to its files.
        self.runs_as = "postgres" if os.getuid() == 0 else None
        self.temporary = Path(tempfile.mkdtemp(prefix="postgres", dir="/tmp"))
        self.folder, self.log, self.port = self.temporary / "data", self.temporary / "log", free_port()
        secret = self.temporary / "password"
        secret.write_text(self.password)
        self.log.touch()
        if self.runs_as:
            for path in (self.temporary, self.log, secret):
                shutil.chown(path, self.runs_as)
        self._run("initdb", "-D", self.folder, "-U", self.user, "--auth", "scram-sha-256", "--pwfile", secret)
        self.start()

    def url(self, password: str = password) -> str:
        return f"postgresql+psycopg2://{self.user}:{password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "-D", self.folder, "-l", self.log, "-o", options, "-w", "start")

    def stop(self) -> None:
        """At once, as when its machine is lost."""
        self._run("pg_ctl", "-D", self.folder, "-m", "immediate", "-w", "stop", must=False)  # it may be over already

    def _run(self, program: str, *arguments: str | Path, must: bool = True) -> None:
        done = subprocess.run(
            [self.programs / program, *arguments], user=self.runs_as, cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == 0 or not must, f"{program}: {done.stdout}\n{self.log.read_text()}"


def postgres_programs() -> Path:
    """Where Debian or the user keeps PostgreSQL's programs."""
    found = shutil.which("pg_ctl")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found and not installed:
        lacking("PostgreSQL is missing: sudo apt-get install postgresql")
    return Path(found or installed[-1]).resolve().parent


class RayCluster:
    """A Ray cluster: the head, and other nodes, with one CPU each, which may be killed.

    The head's GPUs are claimed only: Ray believes any number of them.
    """

    def __init__(self, folder: Path, environment: dict[str, str], cpus: int = 1, gpus: int = 0) -> None:
        # Ray's sockets lie in its folder, and the names of sockets may not be long.
        self.temporary = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
        self.log = folder / "ray.log"
        self.environment = environment
        self.nodes: list[subprocess.Popen[bytes]] = []
        port, client = free_port(), free_port()
        self.address = f"ray://127.0.0.1:{client}"
        self.head = f"127.0.0.1:{port}"
        self._start(
            "--head", "--port", str(port), "--ray-client-server-port", str(client), "--include-dashboard=false",
            "--temp-dir", str(self.temporary), "--num-cpus", str(cpus), "--num-gpus", str(gpus),
        )  # fmt: skip
        wait_until(lambda: listens(client), self.log)

    def add_node(self) -> None:
        self._start("--address", self.head, "--num-cpus=1")

    def kill_node(self, number: int) -> None:
        """All of a node's processes, at once."""
        kill_all(self.nodes[number])

    def stop(self) -> None:
        for node in self.nodes:
            kill_all(node)
        for process in psutil.process_iter(["cmdline"]):
            if any(str(self.temporary) in argument for argument in process.info["cmdline"] or ()):
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    def _start(self, *options: str) -> None:
        command = [BIN / "ray", "start", "--block", "--node-ip-address=127.0.0.1", *options]
        with self.log.open("a") as log:
            node = subprocess.Popen(
                [*command, "--disable-usage-stats"], env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        self.nodes.append(node)
        wait_until(lambda: self.log.read_text().count("Ray runtime started") >= len(self.nodes), self.log)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill ``process`` and all that it has started."""
    with suppress(psutil.NoSuchProcess):
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, timeout=10)
    process.wait()


def listens(port: int) -> bool:
    """Whether something answers on a port of this machine."""
    return any(
        connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
        for connection in psutil.net_connections("tcp")
        if connection.laddr
    )


@contextmanager
def stopped(server: Server) -> Iterator[Server]:
    """``server``, which is stopped and forgotten afterwards, whatever happens."""
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.temporary, ignore_errors=True)
