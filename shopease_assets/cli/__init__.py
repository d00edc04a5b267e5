"""`shopease`: thin verbs over the platform. Verbs parse, call and print; heavy imports wait."""

from shopease_assets.cli.main import main

__all__ = ["main"]
