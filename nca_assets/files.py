"""Former name of modules in ``store``."""

from nca_assets.store.refusals import is_transient as is_transient
from nca_assets.store.refusals import refusals_of_the_disk as refusals_of_the_disk
from nca_assets.store.replace import TEMPORARY as TEMPORARY
from nca_assets.store.replace import publish as publish
from nca_assets.store.store import whole_file as whole_file
