"""Binding a Dagster instance to one dataset: a run on a second one would make the first look stale and mix histories.

Not here: ``DAGSTER_HOME`` itself (``home``).
"""

import json
import logging
import time
from dataclasses import asdict, dataclass

import dagster as dg

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError

log = logging.getLogger(__name__)

KEY = "nca_assets/dataset"
"""Key of the binding in the instance's storage."""


@dataclass(frozen=True)
class Binding:
    """An instance's dataset: its id, last known location, and start of the binding in seconds since 1970."""

    id: str
    location: str
    since: float


def bind(instance: dg.DagsterInstance, data: DataFolder) -> Binding | None:
    """Bind ``instance`` to ``data``, or confirm the binding; None if ``data`` is still empty.

    A dataset stays bound when it is moved. A new dataset in the same location replaces the old one, whose events are
    excluded from its history. Raises ``NcaError`` if the instance belongs to a dataset elsewhere.
    """
    bound, location = _bound(instance), data.location
    if data.id is None:
        if bound and bound.location != location:
            raise _belongs_to_another(bound, data)
        return None
    if bound is None:
        return _keep(instance, Binding(data.id, location, 0))
    if bound.id == data.id:
        return bound if bound.location == location else _keep(instance, Binding(data.id, location, bound.since))
    if bound.location != location:
        raise _belongs_to_another(bound, data)
    log.warning("%s holds a new dataset: earlier Dagster events are left out of its history", data)
    return _keep(instance, Binding(data.id, location, time.time()))


def belongs(instance: dg.DagsterInstance, data: DataFolder) -> bool:
    """Whether ``instance`` is bound to ``data``."""
    bound = _bound(instance)
    return bound is not None and bound.id == data.id


def _bound(instance: dg.DagsterInstance) -> Binding | None:
    kept = instance.run_storage.get_cursor_values({KEY}).get(KEY)
    return Binding(**json.loads(kept)) if kept else None


def _keep(instance: dg.DagsterInstance, binding: Binding) -> Binding:
    instance.run_storage.set_cursor_values({KEY: json.dumps(asdict(binding))})
    return binding


def _belongs_to_another(bound: Binding, data: DataFolder) -> NcaError:
    return NcaError(
        f"this Dagster instance belongs to the dataset in {bound.location}, not the one in {data.location}: set "
        "NCA_DATA to the former, or DAGSTER_HOME to another folder ('nca init' creates a project with its own)"
    )
