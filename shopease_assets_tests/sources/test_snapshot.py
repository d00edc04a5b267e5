"""What a snapshot of the source knows of others at work, and what its errors keep to themselves."""

import psycopg
import pytest

from shopease_assets.core.errors import SourceUnavailable
from shopease_assets.sources.postgres import PostgresSnapshot


def test_a_snapshot_is_settled_up_to_the_oldest_transaction_still_open(empty_shop: str) -> None:
    with PostgresSnapshot(empty_shop) as alone:
        assert alone.settled_at == alone.taken_at
    with psycopg.connect(empty_shop) as writer:
        ((begun,),) = writer.execute("select now()").fetchall()
        with PostgresSnapshot(empty_shop) as beside:
            assert beside.settled_at == begun < beside.taken_at


def test_an_error_does_not_quote_the_values_a_query_was_handed(empty_shop: str) -> None:
    handed = """select * from json_to_recordset('[{"first_name": "Ada", "last_name": "O''Lovelace"}]')
                as v (first_name int, last_name text)"""
    with PostgresSnapshot(empty_shop) as snapshot, pytest.raises(SourceUnavailable) as error:
        snapshot.ask(handed)
    assert "Ada" not in str(error.value)
    assert "integer" in str(error.value)
