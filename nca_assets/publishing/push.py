"""The upload of a published folder to the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    HTTPError,  # pyright: ignore[reportPrivateImportUsage] - depends on its HTTP client
)

from nca_assets.errors import NcaError
from nca_assets.publishing.checksums import check_published

PUBLISHED = ["preview/*", "labels/*", "tokens/*", "figures/*", "nca_dataset*/*", "dataset_labels_set*.csv"]
"""Patterns that ``publish`` owns. Stale matches on the hub are deleted, or the configs would still load them."""


def push(folder: Path, repo: str, private: bool = False) -> str:
    """Upload a published folder to the dataset ``repo`` (NAMESPACE/NAME), created if needed; returns its address.

    Previously published files that are not in the folder are removed; other files stay. The token is the one that
    huggingface_hub finds (``hf auth login``, or ``HF_TOKEN``). Raises ``NcaError`` if the folder has changed since it
    was written, or if the hub refuses or can't be reached.
    """
    if findings := check_published(folder):
        raise NcaError(f"{folder} has changed since it was published ({findings[0]}): publish again, then push")
    if not get_token():
        raise NcaError("no token for the hub: run 'hf auth login', or set HF_TOKEN")
    api = HfApi()
    try:
        made = api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        api.upload_folder(
            folder_path=folder,
            repo_id=repo,
            repo_type="dataset",
            commit_message="Publish dataset",
            delete_patterns=PUBLISHED,
        )
    except HFValidationError as error:
        raise NcaError(f"invalid dataset name {repo!r}: write NAMESPACE/NAME ({error})") from None
    except HfHubHTTPError as error:
        raise NcaError(
            f"the hub refused {repo}: {_first_line(error)}. Check the token's rights and the name."
        ) from None
    except HTTPError as error:
        raise NcaError(f"the hub at {api.endpoint} can't be reached ({_first_line(error)}): try again later") from None
    return str(made)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
