"""When the database of the Dagster instance is out of reach: waiting for it in a run, and saying so in one line."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from nca_assets.errors import TransientError

LIBRARIES = ("sqlalchemy", "dagster_postgres", "psycopg2")

MAX_OUTAGE_S = 600.0
"""Seconds that a run waits for the database, so that restarting it costs no run."""

SECONDS_BETWEEN_LOOKS = 1.0

Answer = TypeVar("Answer")


@contextmanager
def clear_database_errors() -> Iterator[None]:
    """Raise what the database of the instance says as ``TransientError``: what, and what to do."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(LIBRARIES):
            raise
        reason = str(error.__cause__ or error).splitlines()[0]
        raise TransientError(
            f"the database of the Dagster instance does not answer ({reason}): start it, or correct the storage in "
            "dagster.yaml (DAGSTER_POSTGRES_URL), then run this again; what was made is kept"
        ) from error


def retry_while_down(ask: Callable[[], Answer]) -> Answer:
    """What ``ask`` returns, asked again as long as the database is out of reach, up to ``MAX_OUTAGE_S``.

    Not for what could be done twice, but for a question or a single event.
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
            time.sleep(SECONDS_BETWEEN_LOOKS)  # beside what the library waits itself
