"""AWS clients: credentials, region and endpoints from AWS's own variables and files, nothing from ours.

The only place that makes one. boto3 is loaded on first use: a lake in a folder never pays for it.
"""

from functools import cache
from typing import Any

from shopease_assets.core.errors import SettingsError

_ATTEMPTS = 8
_CONNECTIONS = 32
_CONNECT_SECONDS, _READ_SECONDS = 5, 60


@cache
def client(service: str) -> Any:
    """The client of `s3`, `glue`, `athena`, `sns`, `secretsmanager`, …; one per process, safe to share by threads.

    Raises:
        SettingsError: no region is set.
    """
    session, config = session_and_config()
    return session.client(service, config=config)


def session_and_config() -> tuple[Any, Any]:
    """What clients are made of, for a library that makes its own.

    Throttled and failed calls (503 too) are repeated with growing, random pauses, eight times in all.

    Raises:
        SettingsError: no region is set.
    """
    import boto3  # noqa: PLC0415 - 0.2 s that local lakes need not pay
    from botocore.config import Config  # noqa: PLC0415

    session = boto3.Session()
    if session.region_name is None:
        raise SettingsError("no AWS region is set; set AWS_DEFAULT_REGION, as in AWS_DEFAULT_REGION=ap-south-1")
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        max_pool_connections=_CONNECTIONS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    )
    return session, config
