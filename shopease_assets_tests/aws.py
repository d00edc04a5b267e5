"""AWS over HTTP on this machine: a moto server of its own process, and the environment that leads to it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

from shopease_assets import aws

REGION = "ap-south-1"
_START_SECONDS = 60


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def moto_server() -> Iterator[str]:
    """Starts a moto server; hands out its address, stops it at the end."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(endpoint, process)
            yield endpoint
        finally:
            process.terminate()


def environment(endpoint: str) -> dict[str, str]:
    """What a process needs to take `endpoint` for AWS."""
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def aws_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """This process with those variables; clients are made anew."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    aws.client.cache_clear()
    try:
        yield
    finally:
        aws.client.cache_clear()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def make_bucket(name: str) -> None:
    """An empty bucket in the account the environment leads to."""
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def reset(endpoint: str) -> None:
    """Forgets everything the server was told."""
    with urlopen(f"{endpoint}/moto-api/reset", data=b""):
        pass


def _wait_for(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urlopen(f"{endpoint}/moto-api/data.json"):
                return
        except (URLError, ConnectionError):
            if process.poll() is not None or time.monotonic() > give_up:
                raise
            time.sleep(0.05)
