"""Settings: the only reader of the environment. Frozen, read once at the edge; errors name the variable.

Every field is `SHOPEASE_<NAME>`; `.env` fills what is unset, and so does `<home>/demo.env`, which the demo writes,
as long as no source of one's own is set.
"""

import os
from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shopease_assets.core.errors import SettingsError
from shopease_assets.core.quality import THRESHOLDS, Dimension

_PREFIX = "SHOPEASE_"
#: The fewest characters a key of pseudonyms may have.
PSEUDONYM_KEY_LENGTH = 16


def _least_share(dimension: Dimension) -> Any:
    said = f"Least share of rows that must keep every {dimension} rule for a partition to be published"
    return Field(default=THRESHOLDS[dimension], ge=0, le=1, description=said)


class Settings(BaseSettings):
    """Everything that differs between a laptop and production."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_file=(".env", ".shopease/demo.env"),
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
    )

    home: Path = Field(default=Path(".shopease"), description="Folder of everything local: lake, server, Dagster")
    source_dsn: str | None = Field(
        default=None, repr=False, description="PostgreSQL to read; unset: an embedded server"
    )
    environment: str = Field(
        default="dev",
        pattern="^[a-z][a-z0-9_]*$",
        description="Names the databases in Glue: shopease_<environment>_gold",
    )
    lake_uri: str | None = Field(
        default=None, description="The lake: a folder, or s3://bucket/prefix; unset: <home>/lake"
    )
    kms_key: str | None = Field(
        default=None, description="KMS key that encrypts the objects; unset: as the bucket says"
    )
    catalog_url: str | None = Field(
        default=None, repr=False, description="Publication log; unset: SQLite in the lake's folder, for S3 in <home>"
    )
    gold_engine: Literal["duckdb", "athena", "spark"] = Field(
        default="duckdb", description="What runs gold's SQL models; athena needs a lake on S3"
    )
    athena_workgroup: str = Field(default="primary", description="Athena workgroup that queries run in")
    athena_results: str | None = Field(
        default=None, pattern="^s3://.+", description="Where Athena keeps results; unset: as the workgroup says"
    )
    athena_scan_limit_gb: float | None = Field(
        default=None, gt=0, description="Athena queries are cancelled that scan more; unset: as the workgroup says"
    )
    athena_usd_per_tb: Decimal = Field(
        default=Decimal(5), ge=0, description="Athena's price of a scanned terabyte in your region, in US dollars"
    )
    start_date: date = Field(default=date(2025, 1, 1), description="The lake's first day")
    timezone: str = Field(default="UTC", description="Time zone of the business day")
    pseudonym_key: SecretStr | None = Field(
        default=None,
        min_length=PSEUDONYM_KEY_LENGTH,
        description="Key of the analysts' pseudonyms; unset: one kept in <home>",
    )
    holidays_country: str = Field(
        default="IN", pattern="^[A-Z]{2}$", description="Country (ISO 3166) whose public holidays gold.dim_date knows"
    )
    alerts_topic: str | None = Field(
        default=None,
        pattern="^arn:[^:]+:sns:[^:]+:[^:]+:.+$",
        description="ARN of the SNS topic alerts are published to",
    )
    slack_webhook: SecretStr | None = Field(default=None, description="Incoming webhook of the channel alerts go to")
    dagster_url: str = Field(
        default="http://127.0.0.1:3000", pattern="^https?://", description="Where the Dagster UI is: alerts link to it"
    )
    stale_after_hours: int = Field(
        default=6, ge=0, description="Hours after the end of a business day by which its partitions must be published"
    )
    remind_after_hours: int = Field(
        default=24, ge=1, description="Hours after which a trouble that lasts is told again"
    )
    least_completeness: float = _least_share(Dimension.COMPLETENESS)
    least_accuracy: float = _least_share(Dimension.ACCURACY)
    least_consistency: float = _least_share(Dimension.CONSISTENCY)
    least_validity: float = _least_share(Dimension.VALIDITY)
    spark_glue_job: str | None = Field(default=None, description="Glue job that is Spark; unset: Spark is here")
    days_per_run: int = Field(default=31, ge=1, description="Days one backfill run takes")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"no time zone is called {zone!r}; take a name such as Asia/Kolkata") from error
        return zone

    @field_validator("lake_uri")
    @classmethod
    def _folder_or_bucket(cls, uri: str | None) -> str | None:
        scheme, has_scheme, path = (uri or "").partition("://")
        if has_scheme and scheme not in {"file", "s3"}:
            raise ValueError(f"{scheme}:// is not supported; give a folder, or s3://bucket/prefix")
        if scheme == "s3" and not path.split("/")[0]:
            raise ValueError("names no bucket; write s3://bucket/prefix")
        return uri

    @field_validator("gold_engine")
    @classmethod
    def _reads_the_lake(cls, engine: str, given: ValidationInfo) -> str:
        if engine == "athena" and not str(given.data.get("lake_uri")).startswith("s3://"):
            raise ValueError("Athena reads S3 only; set SHOPEASE_LAKE_URI=s3://bucket/prefix")
        return engine

    @property
    def home_folder(self) -> Path:
        """The absolute folder of everything local."""
        return self.home.expanduser().absolute()

    @property
    def demo_env(self) -> Path:
        """Where the demo keeps the settings that belong to its embedded source."""
        return self.home_folder / "demo.env"

    @property
    def lake_bucket(self) -> str | None:
        """The lake's address on S3, `s3://bucket/prefix`; None for a lake in a folder."""
        return self.lake_uri if self.lake_uri and self.lake_uri.startswith("s3://") else None

    @property
    def lake_folder(self) -> Path:
        """The absolute folder of the lake; of one on S3, where this machine keeps what belongs to it."""
        if self.lake_bucket is not None:
            return self.home_folder / self.lake_bucket.removeprefix("s3://").strip("/").replace("/", "_")
        if self.lake_uri is None:
            return self.home_folder / "lake"
        return Path(self.lake_uri.removeprefix("file://")).expanduser().absolute()

    @property
    def lake_address(self) -> str:
        """Where the lake is, as people write it: s3://bucket/prefix, or a folder."""
        return self.lake_bucket or str(self.lake_folder)

    @property
    def log_url(self) -> str:
        """SQLAlchemy's address of the publication log."""
        return self.catalog_url or f"sqlite:///{self.lake_folder / '_catalog.sqlite'}"

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its runs: DAGSTER_HOME, or a folder of ours."""
        return Path(os.environ.get("DAGSTER_HOME") or self.home_folder / "dagster").absolute()

    def run_link(self, run_id: str) -> str:
        """Where the Dagster UI shows a run."""
        return f"{self.dagster_url.rstrip('/')}/runs/{run_id}"

    def pseudonym_secret(self) -> bytes:
        """The key of pseudonyms: SHOPEASE_PSEUDONYM_KEY, or one of this home's own, made on first use."""
        if self.pseudonym_key is not None:
            return self.pseudonym_key.get_secret_value().encode()
        kept = self.home_folder / "pseudonym_key"
        if not kept.exists():
            self.home_folder.mkdir(parents=True, exist_ok=True)
            mine = self.home_folder / f"pseudonym_key.{os.getpid()}"
            mine.touch(mode=0o600)
            mine.write_text(token_hex(32))
            with suppress(FileExistsError):  # of two processes the first decides
                os.link(mine, kept)
            mine.unlink()
        return kept.read_bytes()

    @property
    def thresholds(self) -> dict[Dimension, float]:
        """The least share of good rows per dimension."""
        return {dimension: getattr(self, f"least_{dimension}") for dimension in Dimension}

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the business day."""
        return ZoneInfo(self.timezone)


#: Never shown, not even when wrong: all of each, or a part, is a secret.
_SECRETS = {"source_dsn", "catalog_url", "pseudonym_key", "slack_webhook"}


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: a variable is wrong; the message names it and says what is expected.
    """
    try:
        own = Settings(_env_file=".env")  # type: ignore[call-arg]  # pydantic-settings' own parameter
        return own if own.source_dsn else Settings(_env_file=(own.demo_env, ".env"))  # type: ignore[call-arg]
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(problem) for problem in error.errors())) from None


def _sentence(problem: object) -> str:
    assert isinstance(problem, dict)  # noqa: S101  # pydantic's ErrorDetails is a TypedDict
    field = "_".join(str(part) for part in problem["loc"])
    shown = "" if field in _SECRETS else f"={problem['input']!r}"
    return f"{_PREFIX}{field.upper()}{shown}: {str(problem['msg']).removeprefix('Value error, ')}"
