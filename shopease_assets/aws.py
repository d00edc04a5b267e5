"""AWS clients: credentials, region and endpoints from AWS's own variables and files, nothing from ours.

The only place that makes one. boto3 is loaded on first use: a lake in a folder never pays for it.
"""

import os
from functools import cache
from threading import Lock
from typing import Any

from shopease_assets.core.errors import SettingsError

#: How often a call is tried, and how long each try may take; other libraries' readers keep to them too.
ATTEMPTS = 8
CONNECT_SECONDS, READ_SECONDS = 5, 60
_CONNECTIONS = 32


@cache
def client(service: str) -> Any:
    """The client of `s3`, `glue`, `athena`, `sns`, `secretsmanager`, …; one per process, safe to share by threads.

    Raises:
        SettingsError: no region is set.
    """
    with _one_at_a_time:
        session, config = session_and_config()
        return session.client(service, config=config)


def session_and_config() -> tuple[Any, Any]:
    """What clients are made of, for a library that makes its own.

    Throttled and failed calls (503 too) are repeated with growing, random pauses, eight times in all.

    Raises:
        SettingsError: no region is set.
    """
    from botocore.config import Config  # noqa: PLC0415 - 0.2 s that local lakes need not pay

    session = _session()
    if session.region_name is None:  # boto3 would do without for S3, other readers would not
        raise SettingsError("no AWS region is set; set AWS_DEFAULT_REGION, as in AWS_DEFAULT_REGION=ap-south-1")
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        max_pool_connections=_CONNECTIONS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    return session, config


def forget() -> None:
    """Clients and credentials are found anew: a fork must not use its parent's connections."""
    global _one_at_a_time  # noqa: PLW0603 - a lock may be held while the process forks
    _one_at_a_time = Lock()
    client.cache_clear()
    _session.cache_clear()


@cache
def _session() -> Any:
    """One for all clients: the next ones cost a twentieth of the first."""
    import boto3  # noqa: PLC0415 - 0.2 s that local lakes need not pay

    return boto3.Session()


_one_at_a_time = Lock()  # clients are safe to share by threads, sessions are not
os.register_at_fork(after_in_child=forget)
