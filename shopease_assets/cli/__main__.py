"""`python -m shopease_assets.cli`: the same as `shopease`."""

from shopease_assets.cli.main import main

main()
