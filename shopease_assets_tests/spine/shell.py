"""`shopease` in this process, over a platform's lake and source: a helper, not a test."""

import sys
from collections.abc import Callable, Iterator

import pytest

from shopease_assets.settings import settings
from shopease_assets_tests.platform import Platform

Shell = Callable[..., str]


def shell_over(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    """Runs a verb; returns what it prints, and on standard error when it exits with another code than 0."""
    yield from shell_with(
        monkeypatch,
        capsys,
        lake_uri=platform.lake.location.address(platform.lake.location.root),
        source_dsn=platform.dsn,
    )


def shell_with(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **chosen: str) -> Iterator[Shell]:
    """The same with settings of a test's own."""
    for name, value in chosen.items():
        monkeypatch.setenv(f"SHOPEASE_{name.upper()}", value)
    settings.cache_clear()

    def run(*arguments: str, exits: int = 0) -> str:
        from shopease_assets.cli import main

        monkeypatch.setattr(sys, "argv", ["shopease", *arguments])
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code or 0
        told = capsys.readouterr()
        assert code == exits, told
        return (told.err or told.out) if exits else told.out

    yield run
    monkeypatch.undo()
    settings.cache_clear()
