"""Faults in the bytes of files, read in this process: an error of ours that names the file, or the same answer."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from nca_assets.data_folder import DataFolder
from nca_assets.errors import NcaError
from nca_assets.ids import ShardKey
from nca_assets.project import Project
from nca_assets_tests.faults import damage
from nca_assets_tests.faults.readers import KEYS, READERS, Reader, answer, published
from nca_assets_tests.faults.world import World


def trials(world: World, count: int, chance: random.Random) -> Iterator[tuple[str, list[str]]]:
    """``count`` trials: what was tried, and what was wrong."""
    data = Project.load().data
    kinds = {kind: files for kind, files in world.kinds().items() if kind in READERS}

    @cache
    def expected(reader: Reader, key: ShardKey) -> str:
        return answer(reader, data, key)

    for _ in range(count):
        kind = chance.choice(sorted(kinds))
        file, fault, reader = chance.choice(kinds[kind]), chance.choice(damage.IN_PLACE), chance.choice(READERS[kind])
        place = str(file.relative_to(world.folder))
        key = next((key for key in KEYS if place in _files_of(key, data, world)), KEYS[0])
        before, content = expected(reader, key), file.read_bytes()
        try:
            fault(file, kinds[kind], chance)
            wrong = _wrong(reader, data, key, before, file.name)
        finally:
            damage.restore(file, content)
        what = f"{kind} {fault.__name__} {getattr(reader, '__name__', 'reader')}"
        yield what, [f"{what} of {place}: {fault_found}" for fault_found in wrong]


def _of_a_list(reader: Reader, said: str) -> bool:
    """A damaged list of checksums names the files that it is of."""
    return reader is published and said.endswith(("has changed", "is missing", "is not listed"))


def _files_of(key: ShardKey, data: DataFolder, world: World) -> set[str]:
    files = [data.manifest_file(key), data.labels_file(key), data.curves_file(key), data.curve_sums_file(key)]
    files.append(world.folder / f"life/{key.number}.npz" if key.imported else data.tokens_file(key))
    return {str(file)[len(str(world.folder)) + 1 :] for file in files}


def _wrong(reader: Reader, data: DataFolder, key: ShardKey, before: str, name: str) -> list[str]:
    try:
        found = answer(reader, data, key)
    except NcaError as error:
        said = str(error)
        wrong = [] if name.split("-")[0] in said or _of_a_list(reader, said) else [f"another file is named: {said}"]
        return wrong + ([f"more than a line: {said}"] if "\n" in said and "DuckDB" not in said else [])
    except BaseException as error:
        return [f"{type(error).__name__}: {error}"]
    return [] if found == before else ["another answer, and not a word"]
