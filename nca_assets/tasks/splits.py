"""The held-out split of rollouts, where tasks look for it."""

from __future__ import annotations

from nca_assets.loading.splits import split_of as split_of
