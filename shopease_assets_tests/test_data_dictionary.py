"""The data dictionary says what the code says, of every table, and notices when it no longer does."""

from pathlib import Path

import pytest

from shopease_assets.data_dictionary import outdated, pages, write
from shopease_assets.definitions import assets


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return pages(assets)


def test_every_table_has_a_page_and_a_line_in_the_index(written: dict[str, str]) -> None:
    tables = {f"{asset.key.to_user_string()}.md" for asset in assets}
    assert written.keys() == tables | {"README.md"}
    assert all(f"]({table})" in written["README.md"] for table in tables)


def test_every_grain_is_told(written: dict[str, str]) -> None:
    rows = [line for line in written["README.md"].splitlines() if line.startswith("| [")]
    assert len(rows) == len(assets)
    assert [row for row in rows if not row.split("|")[3].strip()] == []


def test_a_page_tells_types_keys_rules_persons_and_parents(written: dict[str, str]) -> None:
    customers, orders = written["silver/customers.md"], written["silver/orders.md"]
    assert "| customer_id | bigint | no | key |" in customers
    assert "| email | varchar | no | **personal**, format |" in customers
    assert "| loyalty_tier | varchar | yes | from JSON `metadata` |" in customers
    assert "| total_amount | decimal(12,2) | no | min |" in orders
    assert "| sales_channel | varchar | no | one of web, mobile, store, marketplace |" in orders
    assert "| shipped_after_ordered | accuracy | Nothing leaves before it is ordered. |" in orders
    assert "bronze_orders[bronze.orders] --> silver_orders[silver.orders]" in orders
    assert "| price_covers_cost | warning |" in written["silver/products.md"]


def test_a_changed_missing_or_superfluous_page_is_noticed_and_mended(tmp_path: Path, written: dict[str, str]) -> None:
    write(tmp_path, written)
    assert outdated(tmp_path, written) == []
    (tmp_path / "README.md").write_text("hand-made")
    (tmp_path / "gold" / "fact_sales.md").unlink()
    (tmp_path / "gold" / "of_yore.md").write_text("gone")
    assert outdated(tmp_path, written) == ["README.md", "gold/fact_sales.md", "gold/of_yore.md"]
    write(tmp_path, written)
    assert outdated(tmp_path, written) == []
