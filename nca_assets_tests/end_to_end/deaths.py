"""A process that dies right after its Nth write, rename, lock or commit (each event is one). The hook counts them in a
process of a test, never in the product, and keeps a journal of what was begun."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Any

KILLED = 9
"""The status of a process that died as planned."""


class Journal:
    """What a process did, line by line, in a file that outlives it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def add(self, *words: object) -> None:
        with self.file.open("a") as lines:
            lines.write(" ".join(map(str, words)) + "\n")

    def words(self, first: str) -> list[list[str]]:
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [words[1:] for line in lines if (words := line.split())[0] == first]


def journal_making(journal: Journal) -> None:
    """Note each shard and label part when it is begun."""
    from nca_assets.labels import write as labels
    from nca_assets.shards import write as shards

    for module, name in ((shards, "write_shard"), (labels, "write_labels"), (labels, "write_labelled_shard")):
        before(module, name, lambda key, *_, name=name: journal.add("made", name, key))


def die_after(number: int | None, folder: Path, journal: Journal) -> None:
    """Count the points of this process and note each one; die after that ``number``, or never.

    Files count below ``folder``, and in a bucket.
    """
    points, alone = 0, RLock()

    def point(kind: str, what: object) -> None:
        nonlocal points
        with alone:
            points += 1
            journal.add("point", points, kind, what)
            if points == number:
                os._exit(KILLED)

    def of_path(kind: str) -> Callable[..., None]:
        def count(path: Any, *_: Any, **__: Any) -> None:
            file = Path(f"/proc/self/fd/{path}").readlink() if isinstance(path, int) else Path(path)
            if file.is_relative_to(folder):
                point(kind, file.relative_to(folder))

        return count

    for name, kind in (
        ("replace", "rename"), ("rename", "rename"), ("link", "rename"), ("unlink", "removal"), ("mkdir", "write"),
        ("fsync", "write"),
    ):  # fmt: skip
        after(os, name, of_path(kind))
    after(fcntl, "flock", of_path("lock"))
    _count_commits(point)
    if os.environ.get("NCA_DATA", "").startswith("s3:"):
        _count_uploads(point)


def _count_commits(point: Callable[[str, object], None]) -> None:
    from sqlalchemy.engine.default import DefaultDialect

    # A death within a transaction leaves what the commit before left.
    commit = DefaultDialect.do_commit

    def committed(self: DefaultDialect, dbapi_connection: Any) -> None:
        changes = dbapi_connection.in_transaction
        commit(self, dbapi_connection)
        if changes:
            point("commit", "of a transaction")

    DefaultDialect.do_commit = committed


def _count_uploads(point: Callable[[str, object], None]) -> None:
    from obstore.store import S3Store

    after(S3Store, "put", lambda _, key, *__, **___: point("upload", key))
    after(S3Store, "delete", lambda _, keys, **__: point("removal", keys))


def before(owner: Any, name: str, note: Callable[..., object]) -> None:
    """Have ``note`` called with the arguments of each call, before it."""
    original = getattr(owner, name)

    def noted(*arguments: Any, **options: Any) -> Any:
        note(*arguments)
        return original(*arguments, **options)

    setattr(owner, name, noted)


def after(owner: Any, name: str, note: Callable[..., object]) -> None:
    """Have ``note`` called with the arguments of each call that succeeded."""
    original = getattr(owner, name)

    def noted(*arguments: Any, **options: Any) -> Any:
        result = original(*arguments, **options)
        note(*arguments, **options)
        return result

    setattr(owner, name, noted)
