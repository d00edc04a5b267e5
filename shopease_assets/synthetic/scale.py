"""How big a synthetic ShopEase is: the presets, and the check that a size makes sense.

No randomness and no frames here.
"""

from dataclasses import dataclass
from typing import Final

from shopease_assets.core.errors import SourceError

SUBSCRIBED_SHARE: Final = 0.30


@dataclass(frozen=True)
class Scale:
    """Row counts of a synthetic database; what is not listed follows from them."""

    tenants: int
    customers: int
    products: int
    orders: int
    order_items: int
    web_events: int
    days: int

    def __post_init__(self) -> None:
        if self.tenants < 1 or self.days < 1:
            raise SourceError("the scale has no tenant or no day; give at least 1 of each")
        if self.customers < self.tenants or self.products < 2 * self.tenants:
            raise SourceError(
                f"{self.customers} customers and {self.products} products are too few for {self.tenants} tenants;"
                " give every tenant a customer and two products"
            )
        if self.order_items < self.orders:
            raise SourceError(f"{self.order_items} items for {self.orders} orders; give every order an item")

    @property
    def subscriptions(self) -> int:
        """How many customers subscribe, rounded down."""
        return int(self.customers * SUBSCRIBED_SHARE)


PRESETS: Final[dict[str, Scale]] = {
    "tiny": Scale(2, 200, 60, 1_500, 4_500, 6_000, days=45),
    "dev": Scale(8, 1_000, 500, 5_000, 15_000, 50_000, days=90),
    "poc": Scale(8, 6_400, 800, 51_200, 153_600, 320_000, days=180),
    "staging": Scale(8, 10_000, 5_000, 50_000, 150_000, 500_000, days=365),
    "prod": Scale(8, 100_000, 50_000, 500_000, 1_500_000, 5_000_000, days=730),
    "shopease": Scale(8, 40_000, 5_000, 340_000, 1_020_500, 1_000_000, days=365),
}


def scale_named(preset: str) -> Scale:
    """The scale of a preset. Raises SourceError for a name we do not have."""
    if preset not in PRESETS:
        raise SourceError(f"{preset!r} is no preset; choose one of {', '.join(PRESETS)}")
    return PRESETS[preset]
