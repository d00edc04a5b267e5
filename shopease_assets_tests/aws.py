"""AWS over HTTP on this machine, as tests use it: this process led to a moto server, emptied before each test."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.request import urlopen

from shopease_assets import aws
from shopease_assets.synthetic.account import REGION, environment, free_port, moto_server

__all__ = ["REGION", "aws_environment", "environment", "free_port", "make_bucket", "moto_server", "reset"]


@contextmanager
def aws_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """This process with those variables; clients are made anew."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    aws.forget()
    try:
        yield
    finally:
        aws.forget()
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
