"""Whatever happens to a file: it is named with a remedy, the rest goes on, and no answer changes silently."""

import random
import shutil
from collections.abc import Iterable
from contextlib import suppress

import numpy as np
import pytest

from nca_assets.data_folder import DataFolder
from nca_assets.errors import DamageError, NcaError
from nca_assets.ids import ShardKey
from nca_assets.labels.export import export_csv
from nca_assets.labels.verify import verify_labels
from nca_assets.loading.source import RolloutSource
from nca_assets.settings import Resources
from nca_assets.shards.manifest import read_manifest
from nca_assets.shards.read import read_rollouts
from nca_assets.shards.verify import verify_shard
from nca_assets.store.seal import unsealed
from nca_assets.warehouse.build import build_warehouse
from nca_assets.warehouse.read import connect
from nca_assets.warehouse.stale import assess
from nca_assets.warehouse.verify import verify_other_files
from nca_assets_tests.conftest import local
from nca_assets_tests.damage.faults import FAULTS, RECORDED, Target, flip, flipped, targets

RESOURCES = Resources(device="cpu", threads=1, memory_mb=64)
TABLES = ("labels", "shards", "label_parts", "collections", "collection_rollouts", "materializations")


def verify(data: DataFolder) -> str:
    """The findings of verification, a line each."""
    findings = verify_other_files(data)[1]
    for key in sorted({*data.shards(), *data.imported_shards(), *data.labelled_shards()}):
        for part in (verify_tokens, verify_labels_of):
            try:
                part(key, data)
            except DamageError as error:
                findings.append(str(error))
    return "\n".join(findings)


def verify_tokens(key: ShardKey, data: DataFolder) -> None:
    verify_shard(key, data, RESOURCES, most=1)


def verify_labels_of(key: ShardKey, data: DataFolder) -> None:
    verify_labels(key, data)


def rows(data: DataFolder, query: str) -> list[tuple]:
    with connect(data) as connection:
        return connection.execute(query).fetchall()


def stale_now(data: DataFolder) -> set[str]:
    """The partitions that ``nca status`` counts as stale."""
    recorded = {
        asset: dict(rows(data, f"SELECT partition_key, digest FROM {table} WHERE set_name <> 'life'"))
        for asset, table in (("rollout_shards", "shards"), ("behavior_labels", "label_parts"))
    }
    return {found.partition_key or "" for found in assess(data, recorded).stale}


def read_all(data: DataFolder) -> dict[str, bytes | NcaError]:
    source = RolloutSource.where("true", data)
    tokens = source.read(range(len(source)))
    return {
        str(name): read if isinstance(read, NcaError) else np.asarray(read).tobytes()
        for name, read in zip(source.ids, tokens, strict=True)
    }


def check_what_is_told(copy: DataFolder, told: dict[str, Target]) -> None:
    """Status tells what seals and sizes show, verification all, and then status too."""
    partitions = {target.partition for target in told.values()}
    quick = {target.partition for kind, target in told.items() if kind not in ("tokens", "curves")}
    assert quick <= stale_now(copy)
    findings = verify(copy)
    for target in told.values():
        if target.file.exists() or "/labels/" not in str(target.file):
            assert str(target.file) in findings
    assert "set1-00000" not in findings
    assert partitions <= stale_now(copy)


def check_what_is_built(whole: DataFolder, copy: DataFolder, spoiled: Iterable[str]) -> None:
    """What is spoiled is left out of the warehouse and of the CSV, and all the rest is in them."""
    build_warehouse(copy)
    for name in TABLES:
        assert set(map(repr, rows(copy, f"FROM {name}"))) <= set(map(repr, rows(whole, f"FROM {name}"))), name
    lost = 1 if "labels" in spoiled else 0
    assert rows(copy, "SELECT count(*) FROM labels") == [(8 - lost,)]
    assert sum(export_csv(copy).values()) == 6 - lost
    before, after = read_all(whole), read_all(copy)
    for name, tokens in after.items():
        assert isinstance(tokens, NcaError) or tokens == before[name], name
    assert sum(isinstance(tokens, NcaError) for tokens in after.values()) <= len(set(spoiled) & {"tokens", "imported"})


@pytest.mark.parametrize("fault", FAULTS)
def test_damaged_files_of_all_kinds_are_told_and_the_rest_is_built(
    whole: DataFolder, copy: DataFolder, fault: str
) -> None:
    spoiled = targets(copy)
    for target in spoiled.values():
        FAULTS[fault](target.file)
    told = {kind: target for kind, target in spoiled.items() if fault != "deleted" or kind in RECORDED}
    check_what_is_told(copy, told)
    check_what_is_built(whole, copy, spoiled)


def test_files_under_the_names_of_others_are_told_and_the_rest_is_built(whole: DataFolder, copy: DataFolder) -> None:
    spoiled = targets(copy)
    for target in spoiled.values():
        shutil.copyfile(target.sound, target.file)
    check_what_is_told(copy, spoiled)
    check_what_is_built(whole, copy, spoiled)


@pytest.mark.parametrize("seed", range(2))
def test_flipped_bits_of_all_kinds_are_told_and_the_rest_is_built(
    whole: DataFolder, copy: DataFolder, seed: int
) -> None:
    spoiled = targets(copy)
    for target in spoiled.values():
        flip(target.file, random.Random(seed))
    # An archive has bits that say nothing of its content, like its dates.
    check_what_is_told(copy, {kind: target for kind, target in spoiled.items() if kind != "tokens"})
    check_what_is_built(whole, copy, spoiled)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_of_any_file_is_told_or_changes_nothing(whole: DataFolder, copy: DataFolder, seed: int) -> None:
    chance = random.Random(seed)
    kind, target = chance.choice(sorted(targets(copy).items()))
    flip(target.file, chance)
    if kind != "tokens":
        check_what_is_told(copy, {kind: target})
    check_what_is_built(whole, copy, [kind])


@pytest.mark.parametrize(
    "kind", ["manifest", "labels", "curves", "sums", "imported", "collection", "history", "scores"]
)
@pytest.mark.parametrize("flips", [100, pytest.param(5000, marks=pytest.mark.long)])
def test_no_flipped_bit_gets_past_a_seal(whole: DataFolder, kind: str, flips: int) -> None:
    file = targets(whole)[kind].file
    place, content = str(file.relative_to(local(whole.root))), file.read_bytes()
    unsealed(content, place)
    chance = random.Random(kind)
    for _ in range(flips):
        with pytest.raises(ValueError, match=r"it has no seal|it does not match its seal"):
            unsealed(flipped(content, chance), place)


@pytest.mark.parametrize("flips", [200, pytest.param(5000, marks=pytest.mark.long)])
def test_a_flipped_bit_of_an_archive_is_damage_or_changes_no_token(
    whole: DataFolder, copy: DataFolder, flips: int
) -> None:
    """To every reader, and with no other exception."""
    key, file = ShardKey("set1", 1), targets(copy)["tokens"].file
    manifest, content, chance = read_manifest(key, copy), file.read_bytes(), random.Random(0)
    expected = RolloutSource.files(whole)[1].tokens
    source = RolloutSource.files(copy)
    for _ in range(flips):
        file.write_bytes(flipped(content, chance))
        [tokens] = source.read([1])
        assert isinstance(tokens, NcaError) or np.array_equal(tokens, expected)
        with suppress(DamageError):
            [(_, tokens)] = read_rollouts(key, copy, manifest)
            assert np.array_equal(tokens, expected)
