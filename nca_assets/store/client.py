"""Connections to buckets through obstore, which only this module imports, and only once a bucket is used.

Address and credentials come from the usual ``AWS_*`` variables or, on AWS, from the instance's metadata.
"""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from obstore.store import S3Store

from nca_assets.errors import NcaError

if TYPE_CHECKING:
    from obstore.store import RetryConfig

PATIENCE: RetryConfig = {
    "max_retries": 6,
    "backoff": {"init_backoff": timedelta(seconds=0.25), "max_backoff": timedelta(seconds=5), "base": 3},
    "retry_timeout": timedelta(seconds=60),
}
"""Retries of a request while the storage does not answer: some ten seconds if it refuses at once."""

LOADED_IN = os.getpid()
"""The process of obstore's threads; in one forked from it, a request would wait forever."""


def client_of(bucket: str) -> S3Store:
    """The connection to a bucket, made once per process. Raises ``NcaError`` in a forked process."""
    if os.getpid() != LOADED_IN:
        raise NcaError(
            "a forked process can't read buckets: start workers with 'spawn' or 'forkserver' "
            "(torch's DataLoader: multiprocessing_context='spawn')"
        )
    return _connect(bucket, os.environ.get("AWS_ENDPOINT_URL", ""))


@cache
def _connect(bucket: str, endpoint: str) -> S3Store:
    plain = endpoint.startswith("http://")
    return S3Store(bucket, client_options={"allow_http": plain}, retry_config=PATIENCE)
