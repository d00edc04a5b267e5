"""A synthetic ShopEase: generate it, load it, play further days on it. Realistic, repeatable, clean or dirty on order.

Nothing of the platform depends on this; only the CLI and tests import it.
"""

from shopease_assets.synthetic.advance import Advance, advance
from shopease_assets.synthetic.dataset import TABLES, Dataset
from shopease_assets.synthetic.dirt import Dirt, cascades
from shopease_assets.synthetic.generate import generate
from shopease_assets.synthetic.load import Loaded, create, drop, export, load
from shopease_assets.synthetic.presence import ensure_empty, newest_day
from shopease_assets.synthetic.scale import PRESETS, Scale

__all__ = [
    "PRESETS",
    "TABLES",
    "Advance",
    "Dataset",
    "Dirt",
    "Loaded",
    "Scale",
    "advance",
    "cascades",
    "create",
    "drop",
    "ensure_empty",
    "export",
    "generate",
    "load",
    "newest_day",
]
