"""What a tick, the status and a build ask of a bucket does not grow with the partitions that are there."""

import io
from collections.abc import Callable
from pathlib import PurePosixPath
from uuid import uuid4

import numpy as np
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.description import Shape, card_sets
from nca_assets.ids import ShardKey
from nca_assets.labels.write import write_labels
from nca_assets.settings import Resources, load
from nca_assets.shards.imported import register, shard_keys
from nca_assets.store.location import BucketPath
from nca_assets.store.store import whole_file
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.stale import assess
from nca_assets_tests.conftest import fill
from nca_assets_tests.store.gateway import Gateway


def add_partitions(data: DataFolder, source: BucketPath, first: int, stop: int) -> None:
    """As many of our own as imported ones, labelled."""
    fill(data, [ShardKey("set1", number) for number in range(first, stop)])
    for number in range(first, stop):
        content = io.BytesIO()
        np.savez_compressed(content, a=np.full((130, 3, 3), number % 32, np.uint8))
        with whole_file(source / f"{number:03d}.npz") as file:
            file.write(content.getvalue())
    for key, file in shard_keys(source, "life", data).items():
        if key.number >= first:
            register(key, file, data)
            write_labels(key, data, load(Resources))


@pytest.mark.slow
def test_requests_do_not_grow_with_partitions(gate: Gateway) -> None:
    place = PurePosixPath("/", uuid4().hex)
    data = DataFolder.create(BucketPath("nca", place / "data"), Shape(shard_size=1, sets=card_sets(140)))

    def requests_of(work: Callable[[], object]) -> int:
        work()  # so that copies are there
        gate.asked.clear()
        work()
        return len(gate.asked)

    assessing, building = [], []
    for first, stop in ((0, 8), (8, 16)):
        add_partitions(data, BucketPath("nca", place / "source"), first, stop)
        assert len(assess(data, {}).sets) == 2
        assessing.append(requests_of(lambda: assess(data, {})))
        building.append(requests_of(lambda: build_warehouse(data)))
    assert assess(data, {}).stale == []
    assert assessing[0] == assessing[1] < 50
    assert building[1] <= building[0] + 1 < 60  # it removes an old version
