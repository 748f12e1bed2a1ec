"""Token sequences as flat files for nanoGPT and its like: ``train.bin``, ``val.bin``, ``test.bin`` and a description.

A file is the tokens alone, uint16, little-endian, one sequence after another:
``np.memmap("train.bin", dtype="<u2", mode="r").reshape(-1, length)``. ``sequences.json`` says what they mean and how
they were made; while it is missing, the files are incomplete.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from nca_assets.loading.splits import split_of
from nca_assets.progress import Progress, unwatched
from nca_assets.sequences.stream import Sequences
from nca_assets.sequences.text import Text
from nca_assets.store.store import whole_file
from nca_assets.versions import RECIPE_VERSION
from nca_assets.vocabulary.current import current_digest

FILES = {"train": "train.bin", "validation": "val.bin", "test": "test.bin"}
"""The file of each split."""

DESCRIPTION = "sequences.json"


def write_sequences(
    sequences: Sequences, folder: Path, selection: str = "", progress: Progress = unwatched
) -> dict[str, Any]:
    """Write the sequences of one epoch to ``folder``, each to its split's file; returns the description written.

    The files depend only on the rollouts and the options, not on where the tokens are read from. ``selection`` says in
    the description how the rollouts were selected; ``progress`` is called with the rollouts done and their number.
    Raises ``NcaError`` if a rollout can't be read, if no sequence is within the bounds of complexity, or if the folder
    can't be written to; earlier files then remain.
    """
    splits = [sequences.split] if sequences.split else list(FILES)
    ids = sequences.source.ids
    with ExitStack() as stack:
        files = {split: _File(stack.enter_context(whole_file(folder / FILES[split]))) for split in splits}
        for done, of_one in enumerate(sequences.by_rollout(), start=1):
            if of_one:
                files[split_of(ids[of_one[0].position])].add([sequence.text for sequence in of_one])
            progress(done, len(sequences.positions))
        (folder / DESCRIPTION).unlink(missing_ok=True)
    description = _description(sequences, selection, files)
    with whole_file(folder / DESCRIPTION) as out:
        out.write(json.dumps(description, indent=1).encode() + b"\n")
    return description


@dataclass
class _File:
    """A file being written, with what is known of its content so far."""

    out: BinaryIO
    sequences: int = 0
    rollouts: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, texts: list[Text]) -> None:
        """The texts of one rollout."""
        content = np.stack(texts).astype("<u2").tobytes()
        self.out.write(content)
        self.digest.update(content)
        self.sequences += len(texts)
        self.rollouts += 1


def _description(sequences: Sequences, selection: str, files: dict[str, _File]) -> dict[str, Any]:
    alphabet, source = sequences.alphabet, sequences.source
    return {
        "format": 1,
        "dataset": source.data.id,
        "selection": selection,
        "rollouts": {
            "selected": len(source),
            "fitting": len(sequences.positions),
            "ids_sha256": hashlib.sha256("\n".join(map(str, source.ids)).encode()).hexdigest(),
        },
        "options": {
            "unit": sequences.unit,
            "length": sequences.length,
            "spans": sequences.spans,
            "complexity": sequences.complexity,
            "split": sequences.split,
            "shuffled": sequences.shuffled,
            "seed": sequences.seed,
        },
        "vocabulary": {
            "size": alphabet.size,
            "row_end": alphabet.row,
            "frame_end": alphabet.frame,
            "sequence_start": alphabet.sequence,
        },
        "files": {
            FILES[split]: {
                "sequences": file.sequences,
                "tokens": file.sequences * sequences.length,
                "rollouts": file.rollouts,
                "sha256": file.digest.hexdigest(),
            }
            for split, file in files.items()
        },
        "versions": {"recipe": RECIPE_VERSION, "vocabulary_digest": current_digest(source.data)},
    }
