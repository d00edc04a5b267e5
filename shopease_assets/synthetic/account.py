"""An AWS account of this machine: a moto server of its own process, and the environment that leads to it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from urllib.error import URLError
from urllib.request import urlopen

from shopease_assets.core.errors import ShopEaseError

REGION = "ap-south-1"
_START_SECONDS = 60


@contextmanager
def moto_server() -> Iterator[str]:
    """Starts a moto server on a free port of the loopback interface; hands out its address, stops it at the end.

    Raises:
        ShopEaseError: moto is not installed, or the server does not start.
    """
    if find_spec("moto") is None:
        raise ShopEaseError("moto, which plays AWS here, is not installed; run: pip install 'shopease_assets[dev]'")
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        _wait_for(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def environment(endpoint: str) -> dict[str, str]:
    """What a process needs to take `endpoint` for AWS, whatever account it knows otherwise."""
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urlopen(f"{endpoint}/moto-api/data.json"):  # noqa: S310 - our own server
                return
        except (URLError, ConnectionError):
            if process.poll() is not None or time.monotonic() > give_up:
                raise ShopEaseError(f"moto's server did not start on {endpoint}") from None
            time.sleep(0.05)
