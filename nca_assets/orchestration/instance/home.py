"""``DAGSTER_HOME``: its databases are created by one process at a time, and checked before the instance is opened.

Dagster lets two processes create them at once, which can record two schema versions in one file; every later start
then fails.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

from nca_assets.errors import NcaError, TransientError
from nca_assets.orchestration.instance.database import LIBRARIES
from nca_assets.project import project_folder

DATABASES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")
"""SQLite files opened at every start; an instance in PostgreSQL has none of them."""

REPLACE = "replace it with one that 'nca init' creates"

MAX_WAIT_S = 60.0
"""Seconds to wait for other processes opening the same home; each takes less than one."""


def has_home() -> bool:
    """Whether there is a home, in ``DAGSTER_HOME`` or the project that one stands in."""
    return (_home() / "dagster.yaml").exists()


def project_instance(captures_output: bool = True) -> dg.DagsterInstance:
    """The instance in ``DAGSTER_HOME``, by default the folder ``.dagster`` of the current project.

    Unless it ``captures_output``, what steps print goes where this process prints.
    Raises ``NcaError`` if there is none, or if one of its databases is damaged.
    """
    home = _home()
    if not has_home():
        raise NcaError(
            f"{home} has no dagster.yaml: run this in a project's folder ('nca init' creates one), or set DAGSTER_HOME"
        )
    _require_readable(home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    with _opened_by_one(home):
        for name in DATABASES:
            _require_sound(home / name, home)
        with _configuration_errors(home / "dagster.yaml"):
            return dg.DagsterInstance.get() if captures_output else _without_captured_output(home)


def _without_captured_output(home: Path) -> dg.DagsterInstance:
    """Dagster captures output by processes beside each step, which print their own tracebacks on Ctrl-C."""
    from dagster._core.instance import InstanceRef

    none = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides={"compute_logs": none}))


def _require_readable(configuration: Path) -> None:
    """Raise ``NcaError`` if the ``configuration`` of a home is of an earlier release or can't be read."""
    try:
        content = configuration.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NcaError(f"can't read {configuration} ({error}): {REPLACE}") from error
    if "nca_assets.automation." in content:
        raise NcaError(f"{configuration} is of an earlier release: {REPLACE}")


@contextmanager
def _configuration_errors(configuration: Path) -> Iterator[None]:
    """Turn an error of the block, which opens an instance, into ``NcaError``: a faulty ``configuration`` raises errors
    of YAML, of Dagster, and of whatever it names."""
    try:
        yield
    except Exception as error:
        if isinstance(error, NcaError) or type(error).__module__.startswith(LIBRARIES):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise NcaError(f"can't open a Dagster instance with {configuration} ({reason[:200]}): {REPLACE}") from error


def _home() -> Path:
    return Path(os.environ.get("DAGSTER_HOME") or (project_folder() / ".dagster").absolute())


@contextmanager
def _opened_by_one(home: Path) -> Iterator[None]:
    if not os.access(home, os.W_OK):
        yield  # no database can be created there
        return
    try:
        with FileLock(home / ".opening.lock", timeout=MAX_WAIT_S):
            yield
    except Timeout:
        raise TransientError(f"another process has been opening {home} for a minute: try again") from None


def _require_sound(file: Path, home: Path) -> None:
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=MAX_WAIT_S)) as opened:
            versions = {version for (version,) in opened.execute("SELECT version_num FROM alembic_version")}
    except sqlite3.OperationalError:
        return  # no such table: Dagster completes a database left by a killed process
    except sqlite3.DatabaseError as error:
        raise NcaError(f"{file} is damaged ({error}): {_start_anew(home)}") from error
    if len(versions) > 1:
        raise NcaError(f"{file} records {len(versions)} versions of its schema: {_remedy(versions, file, home)}")


def _remedy(versions: set[str], file: Path, home: Path) -> str:
    """Concurrent processes create the tables of the newest version, but one may record an older version as well."""
    newest = versions - _ancestors(versions)
    if len(newest) != 1:
        return _start_anew(home)
    mend = f"DELETE FROM alembic_version WHERE version_num <> '{newest.pop()}'"  # noqa: S608 - shown, not run
    return (
        f"two processes created it at once. Stop everything that uses {home}, then run (nothing is lost): "
        f"sqlite3 '{file}' \"{mend}\""
    )


def _ancestors(versions: set[str]) -> set[str]:
    """All predecessors of ``versions``; empty if any of them is unknown to Dagster."""
    from alembic.script import ScriptDirectory
    from alembic.script.revision import RevisionError
    from dagster._core.storage.event_log.sqlite import sqlite_event_log
    from dagster._core.storage.sql import get_alembic_config

    script = ScriptDirectory.from_config(get_alembic_config(sqlite_event_log.__file__))
    try:
        lines = [list(script.iterate_revisions(version, "base")) for version in versions]
    except RevisionError:
        return set()
    return {earlier.revision for line in lines for earlier in line[1:]}


def _start_anew(home: Path) -> str:
    return (
        f"restore {home} from a backup; or stop everything that uses it and move its folders history and schedules "
        "aside, so that Dagster starts without its run history (the data are not affected)"
    )
