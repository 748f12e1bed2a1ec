"""What verification found wrong with a shard, kept in a file until all of it verifies or it is materialized again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nca_assets.errors import NcaError
from nca_assets.files import whole_file
from nca_assets.naming import ShardKey
from nca_assets.storage import Stored


@contextmanager
def noted(key: ShardKey, data: Stored) -> Iterator[None]:
    """Note the message of an ``NcaError`` that the block raises."""
    try:
        yield
    except NcaError as error:
        with whole_file(key.finding_file(data)) as file:
            file.write(str(error).encode())
        raise


def forget(key: ShardKey, data: Stored) -> None:
    """Nothing is known to be wrong with shard ``key`` any more."""
    key.finding_file(data).unlink(missing_ok=True)


def noted_findings(data: Stored) -> dict[str, str]:
    """What is wrong with which shard, by partition key."""
    return {file.stem: file.read_text() for file in sorted((data / "findings").glob("*.txt"))}
