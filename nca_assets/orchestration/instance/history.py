"""Copying materializations from Dagster's event log into the data folder's own history.

Incremental: each copy continues where the last one ended, or starts over if the instance has changed.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg

from nca_assets.data_folder import DataFolder
from nca_assets.orchestration.instance.binding import bind
from nca_assets.orchestration.instance.database import retry_while_down
from nca_assets.store.local import passing_over_unreadable
from nca_assets.warehouse.build import building
from nca_assets.warehouse.history import Event, append_history, last_events

log = logging.getLogger(__name__)

EVENTS_AT_ONCE = 1000

OVERLAP = 100
"""Events read again each time: with several writers, a lower number may appear after a higher one."""

INPUT_VERSION = "dagster/input_data_version/"


def copy_history(instance: dg.DagsterInstance, data: DataFolder) -> None:
    """Add every materialization not yet in the history of ``data``; none while its folder can't be read.

    Raises ``NcaError`` if ``instance`` belongs to another dataset.
    """
    bound = bind(instance, data)
    since = datetime.fromtimestamp(bound.since if bound else 0, UTC).replace(tzinfo=None)
    with building(data), passing_over_unreadable() as unreadable:
        known = last_events(data)
        if unreadable:
            log.warning("events are not copied to the history: %s", *unreadable.values())
            return
        events = [
            event
            for key in retry_while_down(instance.get_asset_keys)
            for event in _new_events(instance, key, known.get(key.to_user_string()))
            if event.time >= since
        ]
        append_history(events, data)


def _new_events(instance: dg.DagsterInstance, key: dg.AssetKey, known: Event | None) -> Iterator[Event]:
    """The events of an asset after the last one ``known``, each later than the one before: the order of the log decides
    which is current, since the clocks of machines may disagree."""
    start, time = 0, datetime.min
    if known:
        start, time = max(0, known.event - OVERLAP) if _has_event(instance, key, known) else 0, known.time
    for event in _events_after(instance, key, start):
        time = max(time + timedelta(microseconds=1), event.time)
        yield replace(event, time=time)


def _events_after(instance: dg.DagsterInstance, key: dg.AssetKey, start: int) -> Iterator[Event]:
    while True:
        after = dg.AssetRecordsFilter(key, after_storage_id=start)
        records = retry_while_down(partial(_fetch, instance, after))
        if not records:
            return
        yield from (_event(key, record) for record in records)
        start = records[-1].storage_id


def _fetch(instance: dg.DagsterInstance, after: dg.AssetRecordsFilter) -> Sequence[dg.EventLogRecord]:
    return instance.fetch_materializations(after, limit=EVENTS_AT_ONCE, ascending=True).records


def _has_event(instance: dg.DagsterInstance, key: dg.AssetKey, known: Event) -> bool:
    """Whether the last event copied is of this instance."""
    only = dg.AssetRecordsFilter(key, storage_ids=[known.event])
    found = retry_while_down(lambda: instance.fetch_materializations(only, limit=1).records)
    return [record.run_id for record in found] == [known.run_id]


def _event(key: dg.AssetKey, record: dg.EventLogRecord) -> Event:
    made = record.asset_materialization
    if made is None:
        raise dg.DagsterInvariantViolationError(f"event {record.storage_id} of {key} is not a materialization")
    tags = made.tags or {}
    metadata: dict[str, Any] = {name: value.value for name, value in made.metadata.items()}
    return Event(
        event=record.storage_id,
        asset=key.to_user_string(),
        partition_key=made.partition,
        time=datetime.fromtimestamp(record.timestamp, UTC).replace(tzinfo=None),
        run_id=record.run_id,
        code_version=tags.get("dagster/code_version"),
        data_version=tags.get("dagster/data_version"),
        inputs={
            name.removeprefix(INPUT_VERSION): version
            for name, version in tags.items()
            if name.startswith(INPUT_VERSION)
        },
        device=device if isinstance(device := metadata.get("device"), str) else None,
        seconds=_number(metadata.get("seconds")),
        tokens_per_second=_number(metadata.get("tokens per second")),
    )


def _number(value: object) -> float | None:
    """``value`` if it is a number; assets of other projects in the instance may use the name for something else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
