"""Former name of modules in ``store``."""

from nca_assets.store.seal import BLANK as BLANK
from nca_assets.store.seal import MARK as MARK
from nca_assets.store.seal import ZEROS as ZEROS
from nca_assets.store.seal import read_sealed as read_sealed
from nca_assets.store.seal import sealed as sealed
from nca_assets.store.seal import sound_copies as sound_copies
from nca_assets.store.seal import unsealed as unsealed
from nca_assets.store.seal import write_sealed as write_sealed
