"""The page docs/athena_dialect.md, written from the functions: what differs from DuckDB, and what is refused."""

from shopease_assets.engines.trino.functions import FUNCTIONS, KNOWN_REFUSED

_OPENING = """# Athena's SQL on a laptop

`shopease query` and `shopease queries run` answer SELECTs of Athena's dialect (Trino) from the published partitions, by
translating them to DuckDB. An answer is Athena's, or there is none: a function, a piece of syntax or a mix of types
that is not known to give the same is refused, and the message says what to write instead.

Written from the code by `python -m shopease_assets.engines.trino.reference > docs/athena_dialect.md`.

* Tables are `gold.x` or, as in Athena, `shopease_dev_gold.x` (`SHOPEASE_ENVIRONMENT` is the `dev`).
* Types are Trino's. Integers divide to integers; the quotient of decimals has the larger scale, rounded half up, and
  `avg` of decimals keeps theirs. A date plus an interval is a date. Dates and numbers do not meet texts: write
  `dt = date '2026-01-01'`, not `dt = '2026-01-01'`, which Athena refuses.
* Timestamps have no zone and are in UTC, with milliseconds. What `at time zone` gives must be cast.
* Only partitions that conditions on `dt` or `month` can be true for are opened, through subqueries and CTEs too.
* Comparing NaN is the one known difference: DuckDB takes two NaN for equal.
"""


def page() -> str:
    """The whole page."""
    differing = sorted((name, function.differs) for name, function in FUNCTIONS.items() if function.differs)
    lines = [
        _OPENING,
        "## Functions translated with a difference to DuckDB's own",
        "",
        "| function | in Athena |",
        "|---|---|",
    ]
    lines += [f"| `{name}` | {differs} |" for name, differs in differing]
    same = ", ".join(f"`{name}`" for name in sorted(FUNCTIONS) if not FUNCTIONS[name].differs)
    lines += ["", "## Functions translated as they are", "", same + "."]
    lines += ["", "## Functions of Athena's that are refused", "", "| function | instead |", "|---|---|"]
    lines += [f"| `{name}` | {instead} |" for name, instead in sorted(KNOWN_REFUSED.items())]
    syntax = "lambdas, subscripts, maps, rows, `unnest … with ordinality`, `any`, `all`, samples, `match_recognize`"
    lines += ["", f"So is any other function by its name, and {syntax}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
