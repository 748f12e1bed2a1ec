"""Former name of modules in ``store``."""

from nca_assets.store.replace import BEFORE as BEFORE
from nca_assets.store.replace import replaced_folder as replaced_folder
