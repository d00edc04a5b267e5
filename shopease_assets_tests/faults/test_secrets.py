"""Passwords kept in Secrets Manager: read over HTTP, used on a server that asks for them, and written down nowhere."""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from shopease_assets.aws import client, forget
from shopease_assets.core.errors import SettingsError, SourceUnavailable
from shopease_assets.secret_store import database_url, pseudonym_secret, revealed
from shopease_assets.settings import settings
from shopease_assets.sources.dsn import describe_dsn, source_dsn
from shopease_assets.sources.run_source import RunSource
from shopease_assets.storage.open import open_lake
from shopease_assets_tests.faults.cli import shopease
from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.platform import Platform

_ROLE, _PASSWORD, _ROTATED = "shop reader", "p@ss/w:rd?%#'2", "n3w&s3cret"
_NAME = "shop/source"
_FIELDS = {"engine": "postgres", "username": "u", "password": _PASSWORD, "host": "db.example.com", "dbname": "shop"}
_SOURCE = "SHOPEASE_SOURCE_DSN"


@dataclass(frozen=True)
class Guarded:
    """A shop whose server asks a role for its password."""

    dsn: str
    database: str
    host: str
    password: str = _PASSWORD

    @property
    def secret(self) -> str:
        """What RDS keeps of it."""
        told = {"username": _ROLE, "password": self.password, "host": self.host, "dbname": self.database, "port": 5432}
        return json.dumps({**told, "engine": "postgres"})

    def rotate(self, password: str) -> "Guarded":
        """Give the role another password; its secret is still the old one."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(
                sql.SQL("alter role {} password {}").format(sql.Identifier(_ROLE), sql.Literal(password))
            )
        return replace(self, password=password)


@pytest.fixture
def guarded(empty_shop: str) -> Iterator[Guarded]:
    """`empty_shop`, for a role that owns its schema and must give a password, over the socket too."""
    parts = conninfo_to_dict(empty_shop)
    with psycopg.connect(empty_shop, autocommit=True) as connection:
        [(rules,)] = connection.execute("show hba_file").fetchall()
        before = Path(rules).read_text()
        connection.execute(
            sql.SQL("create role {} superuser login password {}").format(sql.Identifier(_ROLE), sql.Literal(_PASSWORD))
        )
        Path(rules).write_text(f'local all "{_ROLE}" scram-sha-256\n{before}')
        connection.execute("select pg_reload_conf()")
        _wait_until_refused(make_conninfo(empty_shop, user=_ROLE, password="wrong"))
        yield Guarded(empty_shop, str(parts["dbname"]), str(parts["host"]))
        Path(rules).write_text(before)
        connection.execute("select pg_reload_conf()")
        for statement in ("drop owned by {} cascade", "drop role {}"):
            connection.execute(sql.SQL(statement).format(sql.Identifier(_ROLE)))  # type: ignore[arg-type]


def _wait_until_refused(dsn: str) -> None:
    """The server reads its rules again a moment after it was told to."""
    for _ in range(200):
        try:
            psycopg.connect(dsn).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.05)
    raise AssertionError("the server asks for no password")


def _put(value: str | bytes, name: str = _NAME) -> None:
    """Keep a secret, in the place of what was there."""
    secrets = client("secretsmanager")
    told = {"SecretBinary": value} if isinstance(value, bytes) else {"SecretString": value}
    try:
        secrets.create_secret(Name=name, **told)
    except secrets.exceptions.ResourceExistsException:
        secrets.put_secret_value(SecretId=name, **told)


def test_a_value_that_names_no_secret_is_itself() -> None:
    assert revealed(_SOURCE, "postgresql://u:p@h/shop") == "postgresql://u:p@h/shop"


def test_a_secret_is_found_by_its_name_and_by_its_arn(aws: str) -> None:
    _put("hush, hush")
    arn = client("secretsmanager").describe_secret(SecretId=_NAME)["ARN"]
    assert {revealed(_SOURCE, f"secretsmanager:{name}") for name in (_NAME, arn)} == {"hush, hush"}


def test_a_secret_of_rds_becomes_an_address_whatever_the_password_is_made_of(aws: str) -> None:
    _put(json.dumps({**_FIELDS, "port": 6432}))
    dsn = source_dsn(settings().model_copy(update={"source_dsn": f"secretsmanager:{_NAME}"}))
    assert conninfo_to_dict(dsn) == {
        "user": "u",
        "password": _PASSWORD,
        "host": "db.example.com",
        "port": "6432",
        "dbname": "shop",
    }
    assert describe_dsn(dsn) == "shop at db.example.com:6432"


def test_a_secret_may_be_a_whole_dsn(aws: str) -> None:
    _put("postgresql://u:p%40ss@h:1/shop")
    assert database_url(_SOURCE, f"secretsmanager:{_NAME}") == "postgresql://u:p%40ss@h:1/shop"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (json.dumps({**_FIELDS, "host": ""}), "lacks host; add what is missing"),
        (json.dumps({"username": "u", "password": _PASSWORD}), "lacks host; add"),
        (json.dumps({**_FIELDS, "engine": "mysql"}), "another engine than PostgreSQL"),
        (f'{{"password": "{_PASSWORD}"', "neither a postgresql:// address nor a JSON object"),
        (f'["{_PASSWORD}"]', "neither a postgresql:// address nor a JSON object"),
        (_PASSWORD.encode(), "holds bytes or nothing; store it as text"),
        (f"postgresql://u:{_PASSWORD}@h/shop", "SHOPEASE_SOURCE_DSN=secretsmanager:shop/source is no DSN"),
        (f"postgresql://u:{_ROTATED}@x/y@h/shop", "secretsmanager:shop/source: an @ or / in the user or password must"),
    ],
)
def test_a_secret_that_is_no_database_is_named_and_not_told(aws: str, value: str | bytes, said: str) -> None:
    _put(value)
    with pytest.raises(SettingsError) as refused:
        source_dsn(settings().model_copy(update={"source_dsn": f"secretsmanager:{_NAME}"}))
    assert said in str(refused.value)
    assert _SOURCE in str(refused.value)
    assert _PASSWORD not in str(refused.value)
    assert _ROTATED not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_secret_that_cannot_be_read_is_named_with_the_cure(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"secret shop/source cannot be read \(ResourceNotFound\w*\); create it"):
        revealed(_SOURCE, f"secretsmanager:{_NAME}")
    _put("value")
    client("secretsmanager").delete_secret(SecretId=_NAME)
    with pytest.raises(SettingsError, match="marked for deletion: restore it"):
        revealed(_SOURCE, f"secretsmanager:{_NAME}")
    with monkeypatch.context() as without:
        without.delenv("AWS_ACCESS_KEY_ID")
        forget()
        with pytest.raises(SettingsError, match=r"\(NoCredentialsError\); give this process AWS credentials"):
            revealed(_SOURCE, f"secretsmanager:{_NAME}")
        without.delenv("AWS_DEFAULT_REGION")
        forget()
        with pytest.raises(SettingsError, match="set AWS_DEFAULT_REGION"):
            revealed(_SOURCE, f"secretsmanager:{_NAME}")


def test_the_key_of_pseudonyms_may_be_a_secret_that_is_long_enough(aws: str) -> None:
    chosen = settings().model_copy(update={"pseudonym_key": SecretStr(f"secretsmanager:{_NAME}")})
    _put("sixteen or more characters")
    assert pseudonym_secret(chosen) == b"sixteen or more characters"
    _put("short")
    with pytest.raises(SettingsError, match="secret shop/source is too short; store 16 characters or more"):
        pseudonym_secret(chosen)


def test_a_publication_log_behind_a_password_is_opened_and_its_rotation_followed(
    aws: str, guarded: Guarded, tmp_path: Path
) -> None:
    chosen = settings().model_copy(
        update={"lake_uri": str(tmp_path / "lake"), "catalog_url": f"secretsmanager:{_NAME}"}
    )
    _put(guarded.secret)
    lake = open_lake(chosen)
    assert lake.log.position() == 0
    lake.log.close()
    rotated = guarded.rotate(_ROTATED)
    with pytest.raises(SettingsError, match="publication log postgresql") as refused:
        open_lake(chosen)
    assert _PASSWORD not in str(refused.value)
    _put(rotated.secret)
    lake = open_lake(chosen)
    assert lake.log.tables() == []
    lake.log.close()


def test_a_run_survives_a_password_that_is_rotated_before_its_secret(aws: str, guarded: Guarded) -> None:
    _put(guarded.secret)
    rotated = guarded.rotate(_ROTATED)
    chosen = settings().model_copy(update={"source_dsn": f"secretsmanager:{_NAME}"})
    source = RunSource(lambda: source_dsn(chosen))
    with pytest.raises(SourceUnavailable, match="password authentication failed"):  # a step tries this again
        source.snapshot()
    _put(rotated.secret)
    assert source.snapshot().ask("select 1 as one").to_pylist() == [{"one": 1}]
    source.close()


def test_a_good_run_and_a_failing_one_write_no_password_down(
    aws: str, guarded: Guarded, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    fill(guarded.dsn, rows=50, tables=["tenants"])
    _put(guarded.secret)
    caplog.set_level(logging.DEBUG)
    (tmp_path / "dagster").mkdir()
    instance = dg.DagsterInstance.local_temp(str(tmp_path / "dagster"))
    chosen = settings().model_copy(update={"source_dsn": f"secretsmanager:{_NAME}"})
    with Platform(source_dsn(chosen), tmp_path / "lake", instance) as platform:
        assert platform.run(DAY, tables=both_layers("tenants")).success
        guarded.rotate(_ROTATED)
        outcome = platform.run(DAY, tables=both_layers("tenants"))
    assert "password authentication failed" in outcome.failures[0].reason
    printed = capfd.readouterr()
    told = f"{outcome} {printed.out} {printed.err} {caplog.text}".encode() + _written(tmp_path)
    assert b"password authentication failed" in told  # what is searched does hold the failure
    assert _found(told) == []


@pytest.mark.parametrize("kept", ["in a secret", "in the setting"])
def test_the_command_line_writes_no_password_down(aws: str, guarded: Guarded, tmp_path: Path, kept: str) -> None:
    fill(guarded.dsn, rows=50, tables=["tenants"])
    _put(guarded.secret)
    address = database_url(_SOURCE, f"secretsmanager:{_NAME}")
    told = {"source_dsn": f"secretsmanager:{_NAME}" if kept == "in a secret" else address, "start_date": "2026-01-01"}
    command = ["run", "--from", str(DAY), "--to", str(DAY), "--table"]
    said = [shopease(*command, table, home=tmp_path / "home", **told) for table in both_layers("tenants")]
    assert [one.code for one in said] == [0, 0], said
    guarded.rotate(_ROTATED)
    said.append(shopease(*command, "bronze/tenants", home=tmp_path / "home", **told))
    assert said[-1].code == 1
    assert "password authentication failed" in said[-1].error
    written = _written(tmp_path / "home")
    assert b"matches_source" in written  # what is searched does hold the run
    assert _found(written + str(said).encode()) == []


def test_a_wrong_secret_setting_is_not_shown_in_its_error(tmp_path: Path) -> None:
    said = shopease("status", home=tmp_path / "home", pseudonym_key="hunter2")
    assert "SHOPEASE_PSEUDONYM_KEY: Value should have at least 16" in said.error
    assert "hunter2" not in said.error


def test_settings_do_not_show_what_is_secret() -> None:
    chosen = settings().model_copy(
        update={"source_dsn": f"postgresql://u:{_ROTATED}@h/d", "catalog_url": f"postgresql://u:{_ROTATED}@h/c"}
    )
    assert _ROTATED not in repr(chosen)


def _written(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def _found(told: bytes) -> list[str]:
    spoken = ["p@ss", "p%40ss", _ROTATED]  # pieces that no quoting changes
    return [one for one in spoken if one.encode() in told]
