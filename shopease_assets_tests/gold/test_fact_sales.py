import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from hashlib import md5
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlglot
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from shopease_assets.engines.duckdb import run
from shopease_assets.engines.sql_model import SqlModel
from shopease_assets_tests.gold.shop import Row, at, customer, item, load, order, product, rows_of, stock

DAY = date(2025, 3, 1)


def facts(
    tmp_path: Path, orders: list[Row], items: list[Row], products: Sequence[Row] = (), customers: Sequence[Row] = ()
) -> list[dict[str, Any]]:
    frames = {
        "silver.orders": orders,
        "silver.order_items": items,
        "silver.products": products,
        "silver.customers": customers,
    }
    return rows_of("fact_sales", stock(tmp_path, frames))


def test_a_line_carries_its_order_its_product_and_its_profit(tmp_path: Path) -> None:
    lines = facts(
        tmp_path,
        [
            order(7, DAY, customer_id=5, store_id=3, status="shipped", sales_channel="store", delivered_at=None)
            | {"tax_amount": Decimal("4.86"), "shipping_cost": Decimal("2.50"), "discount_amount": Decimal("1.00")}
        ],
        [item(70, 7, DAY, "27.00", quantity=3, unit_price=Decimal("10.00"), discount_amount=Decimal("3.00"))],
        [product(1, at(date(2025, 1, 1)), "4.25")],
        [customer(5, at(date(2025, 1, 2)))],
    )
    assert lines == [
        {
            "dt": DAY,
            "order_id": 7,
            "order_item_id": 70,
            "tenant_id": 1,
            "customer_id": 5,
            "customer_key": "5 of 02 Jan 12:00",
            "product_id": 1,
            "product_key": "1 of 01 Jan 12:00",
            "geography_key": md5(b"IN|MH|Pune").hexdigest(),
            "store_id": 3,
            "sku": "SKU-1",
            "order_date_key": 20250301,
            "order_status": "shipped",
            "payment_method": "card",
            "sales_channel": "store",
            "is_sale": True,
            "quantity": 3,
            "unit_price": Decimal("10.00"),
            "discount_amount": Decimal("3.00"),
            "line_total": Decimal("27.00"),
            "allocated_tax": Decimal("4.86"),
            "allocated_shipping": Decimal("2.50"),
            "allocated_discount": Decimal("1.00"),
            "unit_cost": Decimal("4.25"),
            "line_cost": Decimal("12.75"),
            "line_profit": Decimal("14.25"),
            "ordered_at": at(DAY),
            "days_to_ship": 1,
            "days_to_deliver": None,
        }
    ]


def test_every_status_has_its_lines_and_three_of_them_are_sales(tmp_path: Path) -> None:
    statuses = ["pending", "processing", "shipped", "delivered", "cancelled", "returned"]
    lines = facts(
        tmp_path,
        [order(number, DAY, status=status) for number, status in enumerate(statuses)],
        [item(number, number, DAY) for number in range(len(statuses))],
        [product(1, at(DAY, 0))],
    )
    assert {line["order_status"]: line["is_sale"] for line in lines} == {
        "pending": False,
        "processing": True,
        "shipped": True,
        "delivered": True,
        "cancelled": False,
        "returned": False,
    }


VERSIONS = [
    product(1, at(date(2025, 2, 1)), "1.00"),
    product(1, at(DAY, 12), "2.00"),
    product(1, at(DAY, 18), "3.00", sku="NEW"),
    product(1, at(date(2025, 3, 5)), "9.00"),
]


@pytest.mark.parametrize(
    ("ordered_at", "cost"),
    [
        (at(DAY, 11, 59), "1.00"),
        (at(DAY, 12), "2.00"),
        (at(DAY, 17, 59), "2.00"),
        (at(DAY, 18), "3.00"),
        (at(DAY, 23, 59), "3.00"),
    ],
)
def test_the_cost_is_the_one_known_when_the_order_was_placed(tmp_path: Path, ordered_at: datetime, cost: str) -> None:
    (line,) = facts(tmp_path, [order(1, DAY, ordered_at=ordered_at)], [item(1, 1, DAY)], VERSIONS)
    assert line["unit_cost"] == Decimal(cost)


def test_an_order_before_the_first_known_version_takes_the_earliest_one(tmp_path: Path) -> None:
    (line,) = facts(tmp_path, [order(1, DAY)], [item(1, 1, DAY)], [
        product(1, at(date(2025, 3, 9)), "6.00"), product(1, at(date(2025, 3, 4)), "5.00")
    ])  # fmt: skip
    assert line["unit_cost"] == Decimal("5.00")


def test_a_line_of_an_unknown_product_is_kept_without_cost(tmp_path: Path) -> None:
    (line,) = facts(tmp_path, [order(1, DAY)], [item(1, 1, DAY, product_id=99)], [product(1, at(DAY, 0))])
    assert (line["line_total"], line["sku"], line["line_cost"], line["line_profit"]) == (
        Decimal("10.00"),
        None,
        None,
        None,
    )


def test_two_versions_of_the_same_instant_do_not_double_a_line(tmp_path: Path) -> None:
    twins = [product(1, at(DAY, 1), "5.00"), product(1, at(DAY, 1), "6.00")]
    (line,) = facts(tmp_path, [order(1, DAY)], [item(1, 1, DAY)], twins)
    assert line["unit_cost"] == Decimal("6.00")


@pytest.mark.parametrize(
    ("ordered_at", "key", "city"),
    [
        (at(date(2024, 12, 24)), "1 of 01 Feb 12:00", "Pune"),
        (at(DAY, 11, 59), "1 of 01 Feb 12:00", "Pune"),
        (at(DAY, 12), "1 of 01 Mar 12:00", "Mumbai"),
        (at(DAY, 23), "1 of 01 Mar 12:00", "Mumbai"),
    ],
)
def test_the_customer_and_where_he_lives_are_those_of_when_the_order_was_placed(
    tmp_path: Path, ordered_at: datetime, key: str, city: str
) -> None:
    versions = [
        customer(1, at(DAY, 12), city="Mumbai"),
        customer(1, at(date(2025, 3, 2)), city="Delhi"),
        customer(1, at(date(2025, 2, 1))),
        customer(2, at(DAY, 1), city="Agra"),
    ]
    (line,) = facts(tmp_path, [order(1, DAY, ordered_at=ordered_at)], [item(1, 1, DAY)], (), versions)
    assert (line["customer_key"], line["geography_key"]) == (key, md5(f"IN|MH|{city}".encode()).hexdigest())


def test_the_product_version_is_the_one_whose_cost_is_taken(tmp_path: Path) -> None:
    (line,) = facts(tmp_path, [order(1, DAY)], [item(1, 1, DAY)], VERSIONS)
    assert (line["product_key"], line["unit_cost"]) == ("1 of 01 Mar 12:00", Decimal("2.00"))


# ---- amounts of the order over its lines -----------------------------------------------------------------------


def allocated(folder: Path, amounts: dict[str, str], totals: Sequence[str]) -> list[list[Decimal]]:
    """Tax, shipping and discount of each line of an order with these amounts and line totals."""
    placed = order(1, DAY, **{name: Decimal(amount) for name, amount in amounts.items()})
    lines = facts(folder, [placed], [item(n, 1, DAY, total) for n, total in enumerate(totals)])
    return [
        [line[f"allocated_{name}"] for name in ("tax", "shipping", "discount")]
        for line in sorted(lines, key=lambda line: line["order_item_id"])
    ]


def test_cents_left_over_go_to_the_largest_remainders(tmp_path: Path) -> None:
    # of 1.00 over 5 : 3 : 1 the shares are 55.6, 33.3 and 11.1 cents
    lines = allocated(tmp_path, {"tax_amount": "1.00"}, ["5.00", "3.00", "1.00"])
    assert [tax for tax, _, _ in lines] == [Decimal("0.56"), Decimal("0.33"), Decimal("0.11")]


def test_equal_remainders_are_settled_by_the_order_of_lines(tmp_path: Path) -> None:
    lines = allocated(tmp_path, {"shipping_cost": "1.00", "discount_amount": "0.02"}, ["7.00", "7.00", "7.00"])
    assert lines == [
        [Decimal("0.00"), Decimal("0.34"), Decimal("0.01")],
        [Decimal("0.00"), Decimal("0.33"), Decimal("0.01")],
        [Decimal("0.00"), Decimal("0.33"), Decimal("0.00")],
    ]


def test_lines_that_cost_nothing_share_equally_and_beside_others_take_nothing(tmp_path: Path) -> None:
    free = allocated(tmp_path / "free", {"shipping_cost": "5.00"}, ["0.00", "0.00"])
    mixed = allocated(tmp_path / "mixed", {"shipping_cost": "5.00"}, ["0.00", "0.01"])
    assert [line[1] for line in free] == [Decimal("2.50")] * 2
    assert [line[1] for line in mixed] == [Decimal("0.00"), Decimal("5.00")]


def test_an_order_s_amounts_stay_whole_when_a_line_was_set_aside(tmp_path: Path) -> None:
    placed = order(1, DAY, tax_amount=Decimal("3.00"))  # the third line is in quarantine
    lines = facts(tmp_path, [placed, order(2, DAY)], [item(1, 1, DAY), item(2, 1, DAY), item(3, 2, DAY)])
    assert [line["allocated_tax"] for line in lines] == [Decimal("1.50"), Decimal("1.50"), Decimal("0.00")]


MOST = 10**12 - 1  # cents of a decimal(12, 2)
CENTS = st.integers(0, 2000) | st.integers(0, MOST)
ORDERS = st.lists(
    st.tuples(st.tuples(CENTS, CENTS, CENTS), st.lists(CENTS, min_size=1, max_size=6)), min_size=1, max_size=20
)


@settings(max_examples=40, deadline=None)
@given(ORDERS)
@example([((MOST, MOST - 1, 999_999), [MOST]), ((MOST, 1, 2), [MOST // 3] * 3), ((5, MOST, 1), [1, MOST - 1])])
def test_what_is_allocated_adds_up_and_is_within_a_cent_of_its_share(
    placed: list[tuple[tuple[int, int, int], list[int]]],
) -> None:
    """Against the method itself in fractions; lines add up to a subtotal, which is a decimal(12, 2) too."""
    orders, items, expected = [], [], {}
    for order_id, (amounts, totals) in enumerate(placed):
        lines = [total * MOST // max(sum(totals), MOST) for total in totals]
        names = dict(zip(("tax_amount", "shipping_cost", "discount_amount"), map(_money, amounts), strict=True))
        orders.append(order(order_id, DAY, **names))
        for n, cents in enumerate(lines):
            items.append(item(order_id * 10 + n, order_id, DAY, str(_money(cents))))
            expected[order_id * 10 + n] = [_hamilton(amount, lines)[n] for amount in amounts]
    with tempfile.TemporaryDirectory() as folder:
        found = {
            line["order_item_id"]: [line[f"allocated_{name}"] for name in ("tax", "shipping", "discount")]
            for line in facts(Path(folder), orders, items)
        }
    assert found == {line: [_money(cents) for cents in shares] for line, shares in expected.items()}


def test_an_engine_that_divides_as_doubles_allocates_the_same(tmp_path: Path) -> None:
    """Athena is sent `//` as the truncated quotient of two doubles."""
    chance = Random(7)
    amounts = [[_money(chance.randint(0, MOST)) for _ in range(3)] for _ in range(300)]
    names = ("tax_amount", "shipping_cost", "discount_amount")
    placed = [order(n, DAY, **dict(zip(names, told, strict=True))) for n, told in enumerate(amounts)]
    lines = [item(n, n % 300, DAY, str(_money(chance.randint(0, MOST // 3)))) for n in range(900)]
    tables = stock(tmp_path, {"silver.orders": placed, "silver.order_items": lines})
    model = load("fact_sales")
    query = sqlglot.parse_one(model.sql, dialect="duckdb")
    for quotient in reversed(list(query.find_all(exp.IntDiv))):
        double = exp.cast(quotient.this.copy(), "double") / exp.cast(quotient.expression.copy(), "double")
        quotient.replace(exp.cast(exp.func("trunc", double), "bigint"))
    assert not query.find(exp.IntDiv)
    athena_s = SqlModel(model.name, query.sql("duckdb"))
    in_integers, in_doubles = (run(one, tables).sort_by("order_item_id") for one in (model, athena_s))
    assert in_doubles.equals(in_integers)


def _hamilton(amount: int, lines: list[int]) -> list[int]:
    weights = lines if any(lines) else [1] * len(lines)
    exact = [Fraction(amount * weight, sum(weights)) for weight in weights]
    shares = Counter({n: int(share) for n, share in enumerate(exact)})
    order_of_remainders = sorted(range(len(exact)), key=lambda n: (-(exact[n] % 1), n))
    shares.update(order_of_remainders[: amount - sum(shares.values())])
    assert sum(shares.values()) == amount
    assert all(abs(shares[n] - share) < 1 for n, share in enumerate(exact))
    return [shares[n] for n in range(len(lines))]


def _money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def test_shipping_the_same_evening_takes_no_day_and_over_midnight_takes_one(tmp_path: Path) -> None:
    lines = facts(
        tmp_path,
        [
            order(1, DAY, ordered_at=at(DAY, 1), shipped_at=at(DAY, 23)),
            order(2, DAY, ordered_at=at(DAY, 23), shipped_at=at(date(2025, 3, 2), 1)),
        ],
        [item(1, 1, DAY), item(2, 2, DAY)],
        [],
    )
    assert [line["days_to_ship"] for line in lines] == [0, 1]


def test_a_range_of_days_gives_what_the_days_give_one_by_one(tmp_path: Path) -> None:
    days = [DAY + timedelta(n) for n in range(4)]
    tables = stock(
        tmp_path,
        {
            "silver.orders": [order(n, days[n % 4], ordered_at=at(days[n % 4], n)) for n in range(24)],
            "silver.order_items": [item(n, n % 24, days[n % 4], product_id=1 + n % 2) for n in range(48)],
            "silver.products": [
                *[product(1, at(day, 6), f"{n}.50") for n, day in enumerate(days)],
                *[product(2, at(day, 20), f"{n}.25") for n, day in enumerate([date(2025, 2, 1), *days])],
            ],
        },
    )
    orders, items, products = (tables["silver", name] for name in ("orders", "order_items", "products"))
    day_by_day = [
        line
        for day in days
        for line in rows_of(
            "fact_sales",
            tables
            | {
                ("silver", "orders"): orders.days(day),
                ("silver", "order_items"): items.days(day),
                ("silver", "products"): products.until(day),
            },
        )
    ]
    assert rows_of("fact_sales", tables) == day_by_day
    assert len(day_by_day) == 48
    assert len({line["unit_cost"] for line in day_by_day}) > 4


def test_an_item_and_an_order_of_different_days_do_not_meet(tmp_path: Path) -> None:
    assert facts(tmp_path, [order(1, DAY)], [item(1, 1, date(2025, 3, 2))], []) == []


def test_a_day_without_orders_is_an_empty_table(tmp_path: Path) -> None:
    result = run(load("fact_sales"), stock(tmp_path, {}))
    assert result.num_rows == 0
