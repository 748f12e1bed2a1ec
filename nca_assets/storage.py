"""Former name of modules in ``store``."""

from nca_assets.store.copies import AT_ONCE as AT_ONCE
from nca_assets.store.copies import CACHE as CACHE
from nca_assets.store.copies import IN_USE as IN_USE
from nca_assets.store.copies import MOST_CACHED as MOST_CACHED
from nca_assets.store.location import Stored as Stored
from nca_assets.store.location import parse_location as parse_location
from nca_assets.store.refusals import clear_errors as clear_errors
from nca_assets.store.store import appeared as appeared
from nca_assets.store.store import cache_of as cache_of
from nca_assets.store.store import local_copies as local_copies
from nca_assets.store.store import local_copy as local_copy
from nca_assets.store.store import names as names
from nca_assets.store.store import names_below as names_below
from nca_assets.store.store import sizes as sizes
