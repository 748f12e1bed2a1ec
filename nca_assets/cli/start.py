"""Commands that create a project and start the UI."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from nca_assets.cli.app import app
from nca_assets.errors import NcaError

TEMPLATE = {
    "nca.toml": "nca.toml",
    "workspace.yaml": "workspace.yaml",
    "dagster.yaml": ".dagster/dagster.yaml",
    "gitignore": ".gitignore",
}
"""The files of a new project: template, and path in the project."""

LOOPBACK = "127.0.0.1"


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder of the project; created if missing.")]) -> None:
    """Create a project: a folder with its sets in nca.toml, a Dagster instance in .dagster, and later its data."""
    from nca_assets.store.store import whole_file

    there = [name for name in TEMPLATE.values() if (folder / name).exists() and name != ".gitignore"]
    if there:
        raise NcaError(f"{folder} already has {there[0]}: name a new folder, or one without a project")
    for source, name in TEMPLATE.items():
        if (folder / name).exists():
            continue  # the .gitignore of an existing repository
        with whole_file(folder / name) as file:
            file.write(files("nca_assets").joinpath("template", source).read_bytes())
    print(f"{folder}: project created; its sets are defined in nca.toml")
    enter = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    print(f"Next: {enter}nca materialize set1-00000 && nca sql 'FROM behavior_summary'")


SUPERSEDED = "ignore:Function `dev_command` is superseded"
"""In ``PYTHONWARNINGS``: the command ``dg``, which is to take the place of ``dagster dev``, is another package."""


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on localhost.")] = 3000,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the log of webserver and daemon.")] = False,
) -> None:
    """Start Dagster's UI and daemon for the current project; Ctrl-C stops them."""
    import os
    import subprocess
    import sys

    from nca_assets.orchestration.instance.home import project_instance
    from nca_assets.project import project_folder

    _require_free(port)
    # Create the home before the UI's processes all start at once.
    project_instance().dispose()
    os.chdir(project_folder())
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), SUPERSEDED]))
    program = Path(sys.executable).with_name("dagster")
    command = ["dagster", "dev", "--workspace", "workspace.yaml", "--host", LOOPBACK, "--port", str(port)]
    # Beside, since this process becomes Dagster's, which then gets the signals.
    address = f"http://{LOOPBACK}:{port}"
    subprocess.Popen([sys.executable, "-m", "nca_assets.cli.announce", address, str(os.getpid())])  # noqa: S603
    os.execv(program, [*command, "--log-level", "info" if verbose else "warning"])  # noqa: S606 - no shell


def _require_free(port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise NcaError(
                f"can't listen on port {port} ({error.strerror}): end what does, or name another with --port"
            ) from None
