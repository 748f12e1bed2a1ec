"""The Dagster instance belongs to one dataset: a run on another would make the first look stale, and copy its history.

Not here: Dagster's home itself (``home``).
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
"""Under which the instance's storage keeps the binding."""


@dataclass(frozen=True)
class Binding:
    """The dataset that an instance belongs to, where it was last, and since when, in seconds since 1970."""

    id: str
    location: str
    since: float


def bind(instance: dg.DagsterInstance, data: DataFolder) -> Binding | None:
    """Bind ``instance`` to ``data``, or see that it is bound to it; None if ``data`` has nothing yet.

    A dataset that was moved stays bound. One that was begun anew in the same place takes the place of the one before,
    whose events are no part of its history. Raises ``NcaError`` if the instance belongs to a dataset elsewhere.
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
    log.warning("%s was begun anew: Dagster's events from before are no part of its history", data)
    return _keep(instance, Binding(data.id, location, time.time()))


def _bound(instance: dg.DagsterInstance) -> Binding | None:
    kept = instance.run_storage.get_cursor_values({KEY}).get(KEY)
    return Binding(**json.loads(kept)) if kept else None


def _keep(instance: dg.DagsterInstance, binding: Binding) -> Binding:
    instance.run_storage.set_cursor_values({KEY: json.dumps(asdict(binding))})
    return binding


def _belongs_to_another(bound: Binding, data: DataFolder) -> NcaError:
    return NcaError(
        f"this Dagster instance belongs to the dataset in {bound.location}, not to that in {data.location}: set "
        "NCA_DATA to it, or DAGSTER_HOME to another folder ('nca init' makes a project with its own)"
    )
