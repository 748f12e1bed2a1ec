"""Former name of modules in ``store``."""

from nca_assets.store.bucket import KEPT as KEPT
from nca_assets.store.bucket import LATEST as LATEST
from nca_assets.store.store import present as present
from nca_assets.store.store import publish_version as publish_version
