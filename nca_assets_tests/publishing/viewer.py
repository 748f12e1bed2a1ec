"""What the hub's viewer does with a dataset, as far as it can be done offline: ``python viewer.py FOLDER``.

It prints what it found as JSON; whatever is wrong with the folder raises.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}

import datasets
import pyarrow.parquet as pq
from PIL import Image

CONFIGS = ["preview", "labels", "tokens", "varied"]


def look_at(folder: Path, cache: Path) -> dict[str, object]:
    datasets.disable_progress_bars()
    place = str(folder)
    names = datasets.get_dataset_config_names(place)
    assert names == CONFIGS, names
    assert datasets.get_dataset_default_config_name(place) == "preview"
    found: dict[str, object] = {}
    for name in names:
        splits = datasets.get_dataset_split_names(place, name)
        first = {}
        rows = {}
        for split in splits:
            streamed = datasets.load_dataset(place, name, split=split, streaming=True, cache_dir=str(cache))
            # To the end: an iterator that is left half-way can abort the process when it exits (Arrow issue 45214).
            first[split], *_ = streamed
            whole = datasets.load_dataset(place, name, split=split, cache_dir=str(cache))
            rows[split] = len(whole)
            assert whole[0].keys() == first[split].keys()
        found[name] = {"splits": splits, "rows": rows}
        if name == "preview":
            row = first[splits[0]]
            images = {key: value for key, value in row.items() if isinstance(value, Image.Image)}
            assert images
            found["images"] = {key: value.size for key, value in images.items()}
            served = {split: len(json.dumps(rows_as_served(place, split, cache))) for split in splits}
            found["json_bytes"] = max(served.values())
    for file in sorted(folder.rglob("*.parquet")):
        metadata = pq.read_metadata(file)
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        columns = [group.column(i) for group in groups for i in range(metadata.num_columns)]
        assert all(column.has_offset_index for column in columns), file
        # Tokens have none: of values that long, no smallest and largest are kept.
        assert all(column.has_column_index or column.path_in_schema == "tokens" for column in columns), file
        if file.parent.name == "preview":
            assert max(group.num_rows for group in groups) <= 100, file
    return found


def rows_as_served(place: str, split: str, cache: Path) -> list[dict[str, object]]:
    """The first 100 rows as the viewer's API gives them: an image is its address and size."""
    data = datasets.load_dataset(place, "preview", split=split, cache_dir=str(cache))
    served = []
    for position in range(min(100, len(data))):
        row: dict[str, Any] = data[position]  # pyright: ignore[reportAssignmentType]
        shown = {
            name: {"src": f"https://viewer/assets/{'x' * 100}/{name}/image.png", "height": v.height, "width": v.width}
            if isinstance(v, Image.Image) else v
            for name, v in row.items()
        }  # fmt: skip
        served.append({"row": shown, "truncated_cells": []})
    return served


if __name__ == "__main__":
    print(json.dumps(look_at(Path(sys.argv[1]), Path(sys.argv[2]))), flush=True)
    os._exit(0)  # Arrow's threads now and then abort a process that ends right after a scan (Arrow issue 39862)
