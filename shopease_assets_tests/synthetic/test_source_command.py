"""`shopease source generate` prints what it planted."""

import re

from typer.testing import CliRunner

from shopease_assets.cli.source import app
from shopease_assets.synthetic import Dirt, generate
from shopease_assets_tests.synthetic.conftest import START


def test_the_faults_that_are_printed_are_those_of_the_ledger_table_by_table() -> None:
    asked = ["generate", "--preset", "tiny", "--start", str(START), "--dirt", "--no-load"]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0, said.output
    printed = {
        (table, rule): int(faults.replace(",", ""))
        for table, rule, faults in re.findall(r"│ (\w+) +│ (\S+) +│ \w+ +│ .+? +│ +([\d,]+) +│", said.output)
    }
    ledger = generate("tiny", start=START, dirt=Dirt.FULL).ledger
    assert printed == {(table, rule): rows for table, rule, rows in ledger.group_by("table", "rule").len().rows()}
