"""The explorer's file: the page's parts, the engine and the content, put together."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from nca_assets.explorer.content import content, packed
from nca_assets.loading.source import RolloutSource
from nca_assets.progress import Progress, unwatched
from nca_assets.store.location import Stored
from nca_assets.store.store import whole_file

FOLDER = Path(__file__).parent

ENGINE = FOLDER / "engine.wasm"
"""The compiled engine; ``make engine`` makes it anew from ``engine/engine.c``."""

SCRIPTS = ("content", "engine", "stage", "curves", "changes", "filters", "gallery", "map", "details", "main")
"""The page's scripts in order: each uses what those before it define."""


@dataclass(frozen=True)
class Explorer:
    """A written explorer: its number of rollouts, the file's size, and its SHA-256."""

    rollouts: int
    bytes: int
    digest: str


def write_explorer(source: RolloutSource, file: Stored, progress: Progress = unwatched) -> Explorer:
    """Write a page that shows the rollouts of ``source`` into ``file``; the same bytes for the same labels.

    ``source`` must carry all labels. Raises ``NcaError`` if the vocabulary, or an imported rollout's shard, is missing
    or damaged.
    """
    page = _page(packed(content(source, progress))).encode()
    with whole_file(file) as out:
        out.write(page)
    return Explorer(len(source), len(page), hashlib.sha256(page).hexdigest())


def _page(content: str) -> str:
    """The page with its style, its scripts, and its data in Base64, in which nothing can end an element."""
    parts = {
        "STYLE": _part("style.css"),
        "SCRIPT": "\n".join(_part(f"{name}.js") for name in SCRIPTS),
        "ENGINE": base64.b64encode(ENGINE.read_bytes()).decode(),
        "CONTENT": content,
    }
    page = _part("page.html")
    for name, text in parts.items():
        page = page.replace(f"{{{{{name}}}}}", text)
    return page


def _part(name: str) -> str:
    return (FOLDER / "parts" / name).read_text(encoding="utf-8")
