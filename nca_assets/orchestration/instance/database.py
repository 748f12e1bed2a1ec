"""Outages of the Dagster instance's database: runs wait for it, and errors are one line."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from nca_assets.errors import TransientError

LIBRARIES = ("sqlalchemy", "dagster_postgres", "psycopg2")

OUR_FAULT = ("IntegrityError", "ProgrammingError", "DataError")
"""Errors of a database that does answer."""

MAX_OUTAGE_S = 600.0
"""Seconds that a run waits for the database, so that a restart of the database fails no run."""

SECONDS_BETWEEN_TRIES = 1.0

Answer = TypeVar("Answer")


@contextmanager
def clear_database_errors() -> Iterator[None]:
    """Turn errors of the instance's database into a one-line ``TransientError`` with cause and remedy."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(LIBRARIES) or type(error).__name__ in OUR_FAULT:
            raise
        reason = str(error.__cause__ or error).splitlines()[0]
        raise TransientError(
            f"the database of the Dagster instance does not answer ({reason}): start it, or correct the storage in "
            "dagster.yaml (DAGSTER_POSTGRES_URL), then run this again; finished work is kept"
        ) from error


def retry_while_down(ask: Callable[[], Answer]) -> Answer:
    """Call ``ask``, again while the database is unreachable, for up to ``MAX_OUTAGE_S``; returns its result.

    For queries and single events only: a longer operation could be repeated in part.
    """
    since = None
    while True:
        try:
            with clear_database_errors():
                return ask()
        except TransientError:
            since = since or time.monotonic()
            if time.monotonic() > since + MAX_OUTAGE_S:
                raise
            time.sleep(SECONDS_BETWEEN_TRIES)  # on top of the library's own wait
