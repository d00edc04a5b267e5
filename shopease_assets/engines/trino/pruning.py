"""Which published partitions a query can see, so that no other file is opened.

A predicate is carried down to the tables it speaks of, through subqueries and CTEs. Where it says something about the
partition column alone it is evaluated for every published partition, by DuckDB itself; whatever else it says is NULL,
and a partition is left out only if the whole is false. So AND, OR and NOT need no rules of our own, and what is not
understood keeps its partitions.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import duckdb
from sqlglot import exp

from shopease_assets.engines.arrow_types import quoted
from shopease_assets.engines.parsing import Input
from shopease_assets.engines.session import session
from shopease_assets.engines.trino import types as t
from shopease_assets.engines.trino.functions import AGGREGATES
from shopease_assets.engines.trino.translation import rewritten

_OWN, _FOREIGN = "own", "foreign"
"""Marks on the columns of a predicate: of the source it was carried to, and of any other."""


@dataclass(frozen=True)
class Partitions:
    """What of a table is published: its partition column and the keys of the partitions that hold rows."""

    column: str
    keys: tuple[str, ...]


def needed(query: exp.Expr, published: Mapping[Input, Partitions], now: datetime) -> dict[Input, tuple[str, ...]]:
    """The partitions of each table that the typed query can see, sorted; a table it never reads has none."""
    walk = _Walk(published)
    walk.query(walk.with_newest(query.copy()), [], {})
    found: dict[Input, set[str]] = {table: set() for table in published}
    with session("query") as connection:
        for table, uses in walk.uses.items():
            for predicates in uses:
                found[table].update(_kept(connection, published[table], predicates, now))
    return {table: tuple(sorted(keys)) for table, keys in found.items()}


_Definition = tuple[exp.Expr, "_Definitions", bool]
_Definitions = dict[str, _Definition]
"""CTEs by name: the query, the CTEs it sees, whether it may call itself."""


@dataclass
class _Walk:
    published: Mapping[Input, Partitions]
    uses: dict[Input, list[list[exp.Expr]]] = field(default_factory=dict)
    open: list[exp.Expr] = field(default_factory=list)

    def with_newest(self, query: exp.Expr) -> exp.Expr:
        """`(select max(dt) from …)` as the date it is: the publication log knows it."""
        for subquery in list(query.find_all(exp.Subquery)):
            value = None if isinstance(subquery.parent, exp.From | exp.Join) else self._newest(subquery.this)
            if value is not None:
                subquery.replace(exp.paren(value))
        return query

    def _newest(self, select: exp.Expr) -> exp.Expr | None:
        """The one value of a select of max or min of the partition column of a whole table."""
        if not isinstance(select, exp.Select) or len(select.selects) != 1:
            return None
        source = select.args["from_"].this if select.args.get("from_") else None
        plain = not any(value for key, value in select.args.items() if key not in ("expressions", "from_"))
        if not isinstance(source, exp.Table) or not source.db or not plain:
            return None
        table = (source.db, source.name)
        partitions = self.published[table]
        value = exp.Paren(this=select.selects[0].unalias().copy())
        bounds = [call for call in value.find_all(exp.Anonymous) if call.name.lower() in ("max", "min")]
        for call in bounds:
            (argument,) = call.expressions
            if not isinstance(argument, exp.Column) or argument.name != partitions.column or not partitions.keys:
                return None
            bound = max if call.name.lower() == "max" else min
            key = exp.cast(exp.Literal.string(bound(partitions.keys)), "date")
            key.type, key.this.type = t.DATE, t.VARCHAR
            mine = exp.EQ(this=_own(argument), expression=key.copy())
            self.uses.setdefault(table, []).append([mine])
            call.replace(key)
        return None if not bounds or value.find(exp.Column) or _has_aggregate(value) else value.this

    def query(self, query: exp.Expr, incoming: list[exp.Expr], known: _Definitions) -> None:
        """Notes what a query reads of which its reader wants only the rows where all of `incoming` may hold."""
        if any(query is one for one in self.open):
            return
        self.open.append(query)
        definitions = dict(known)
        with_ = query.args.get("with_") or exp.With(expressions=[])
        recursive = bool(with_.args.get("recursive"))
        for cte in with_.expressions:
            definitions[cte.alias] = (cte.this, dict(definitions), recursive)
            if recursive:
                definitions[cte.alias][1][cte.alias] = definitions[cte.alias]
        if query.args.get("limit") or query.args.get("offset"):
            incoming = []
        match query:
            case exp.Select():
                self._select(query, incoming, definitions)
            case exp.SetOperation():
                names = query.this.named_selects
                self.query(query.this, incoming, definitions)
                self.query(query.expression, _renamed(incoming, names, query.expression.named_selects), definitions)
            case exp.Subquery():
                self.query(query.this, incoming, definitions)
            case _:
                self._everything(query, definitions)
        self.open.pop()

    def _select(self, select: exp.Select, incoming: list[exp.Expr], known: _Definitions) -> None:
        if self._newest(select) is not None:
            return
        outputs = _passed_through(select)
        predicates = [_substituted(predicate, outputs) for predicate in incoming]
        where = select.args.get("where")
        predicates += list(where.this.flatten() if isinstance(where.this, exp.And) else [where.this]) if where else []
        joins = select.args.get("joins") or []
        predicates += [join.args["on"] for join in joins if join.args.get("on") is not None and not join.side]
        first = select.args.get("from_")
        if first:
            self._source(first.this, predicates, known)
        for join in joins:
            own = [join.args["on"]] if join.args.get("on") is not None and join.side == "LEFT" else []
            self._source(join.this, predicates + own, known)
        for key, value in select.args.items():
            if key not in ("from_", "with_", "joins"):
                for part in value if isinstance(value, list) else [value]:
                    self._everything(part, known)
        for join in joins:
            self._everything(join.args.get("on"), known)

    def _source(self, source: exp.Expr, predicates: list[exp.Expr], known: _Definitions) -> None:
        alias = source.args.get("alias")
        mine = [_carried(predicate, source.alias_or_name) for predicate in predicates]
        if alias is not None and alias.args.get("columns"):
            mine = []
        if source.args.get("joins"):  # (a join b on …) in parentheses
            for join in source.args["joins"]:
                self._source(join.this, [], known)
                self._everything(join.args.get("on"), known)
            mine = []
        if isinstance(source, exp.Table) and source.db:
            self.uses.setdefault((source.db, source.name), []).append(mine)
        elif isinstance(source, exp.Table):
            query, seen, recursive = known[source.name]
            self.query(query, [] if recursive else mine, seen)
        elif isinstance(source, exp.Subquery) and isinstance(source.this, exp.Query):
            self.query(source.this, mine, known)
        elif isinstance(source, exp.Subquery):
            self._source(source.this, [], known)
        else:
            self._everything(source, known)

    def _everything(self, part: object, known: _Definitions) -> None:
        """The queries inside an expression, each by itself."""
        if isinstance(part, exp.Query):
            self.query(part, [], known)
        elif isinstance(part, exp.Table):
            self._source(part, [], known)
        elif isinstance(part, exp.Expr):
            for child in part.iter_expressions():
                self._everything(child, known)


def _passed_through(select: exp.Select) -> dict[str, exp.Expr]:
    """The outputs on which a filter may as well be applied to the rows the select reads."""
    if any(isinstance(node, exp.Window) for output in select.selects for node in output.walk()):
        return {}
    outputs = {output.alias_or_name: output.unalias() for output in select.selects}
    group = select.args.get("group")
    if group is None and not any(_has_aggregate(output) for output in select.selects) and not select.args.get("having"):
        return outputs
    if group is None or any(group.args.get(key) for key in ("rollup", "cube", "grouping_sets")):
        return {}
    if any(not isinstance(key, exp.Column) for key in group.expressions):
        return {}
    return {name: output for name, output in outputs.items() if output in group.expressions}


def _has_aggregate(expression: exp.Expr) -> bool:
    return any(call.name.lower() in AGGREGATES for call in expression.find_all(exp.Anonymous)) or bool(
        expression.find(exp.GroupConcat)
    )


def _mapped(predicate: exp.Expr, replacement: Mapping[str, exp.Expr] | None, alias: str) -> exp.Expr:
    whole = exp.Paren(this=predicate.copy())
    for column in list(whole.find_all(exp.Column)):
        if column.table != alias:
            column.set("table", exp.to_identifier(_FOREIGN))
        elif replacement is None:
            column.set("table", exp.to_identifier(_OWN))
        elif column.name in replacement:
            column.replace(exp.Paren(this=replacement[column.name].copy(), _type=replacement[column.name].type))
        else:
            column.set("table", exp.to_identifier(_FOREIGN))
    result: exp.Expr = whole.this
    return result


def _own(column: exp.Column) -> exp.Column:
    mine = exp.column(column.name, _OWN)
    mine.type = t.DATE
    return mine


def _carried(predicate: exp.Expr, alias: str) -> exp.Expr:
    """A predicate of a select as one of its sources sees it."""
    return _mapped(predicate, None, alias)


def _substituted(predicate: exp.Expr, outputs: Mapping[str, exp.Expr]) -> exp.Expr:
    """A predicate on a query's outputs as one on the columns it reads."""
    return _mapped(predicate, outputs, _OWN)


def _renamed(predicates: list[exp.Expr], names: list[str], others: list[str]) -> list[exp.Expr]:
    """Predicates on the outputs of the first query of a union, for the second: columns go by position."""
    columns = {name: exp.column(other, _OWN) for name, other in zip(names, others, strict=False)}
    return [_substituted(predicate, columns) for predicate in predicates]


def _kept(
    connection: duckdb.DuckDBPyConnection, partitions: Partitions, predicates: list[exp.Expr], now: datetime
) -> Collection[str]:
    """The keys for which no predicate is false."""
    texts = [_known(predicate, partitions.column, now) for predicate in predicates]
    told = [text for text in texts if text is not None]
    if not told or not partitions.keys:
        return partitions.keys
    keys = ", ".join(f"date '{date.fromisoformat(key)}'" for key in partitions.keys)
    condition = " and ".join(f"({text}) is not false" for text in told)
    column = quoted(partitions.column)
    sql = f"select {column} from (select unnest([{keys}]) as {column}) where {condition}"  # noqa: S608 - our own text
    try:
        return [row[0].isoformat() for row in connection.execute(sql).fetchall()]
    except duckdb.Error:  # a partition that cannot be judged is read, and the query itself says what is wrong
        return partitions.keys


def _known(predicate: exp.Expr, column: str, now: datetime) -> str | None:
    """What a predicate says of the partition column, in DuckDB's SQL; None if it says nothing."""
    match predicate:
        case exp.Paren():
            return _known(predicate.this, column, now)
        case exp.And() | exp.Or():
            word = "and" if isinstance(predicate, exp.And) else "or"
            left, right = (_known(side, column, now) for side in (predicate.this, predicate.expression))
            return f"({left or 'null'} {word} {right or 'null'})" if left or right else None
        case exp.Not():
            inside = _known(predicate.this, column, now)
            return f"(not {inside})" if inside else None
        case _:
            return _known_leaf(predicate, column, now)


def _known_leaf(predicate: exp.Expr, column: str, now: datetime) -> str | None:
    columns = list(predicate.find_all(exp.Column))
    if not columns or any(one.table != _OWN or one.name != column for one in columns):
        return None
    if predicate.find(exp.Query, exp.Subquery, exp.Window, exp.Placeholder) or _has_aggregate(predicate):
        return None
    told, of_null = exp.Paren(this=predicate.copy()), exp.Paren(this=predicate.copy())
    for one in told.find_all(exp.Column):
        one.set("table", None)
    for one in list(of_null.find_all(exp.Column)):
        one.replace(exp.cast(exp.Null(), "date"))
    # In a row that an outer join filled up the partition is null: a test that is not null then (IS NULL) tells nothing
    return f"case when {_text(of_null, now)} is null then {_text(told, now)} end"


def _text(predicate: exp.Expr, now: datetime) -> str:
    return str(rewritten(predicate, now).sql(dialect="duckdb", comments=False))
