"""Calls of BigQuery's functions, turned into calls of functions.py before the emulator translates the statement."""

import json
from collections.abc import Callable

import sqlglot
from sqlglot import exp

Rewrite = Callable[[exp.Expression], exp.Expression | None]


def rewritten(sql: str) -> str:
    """Return the statement with the calls replaced; as it is where sqlglot can't read it."""
    try:
        trees = sqlglot.parse(sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return sql
    if len(trees) != 1 or trees[0] is None or isinstance(trees[0], exp.Command):
        return sql
    tree = trees[0]
    changed = False
    for node in reversed(list(tree.walk())):
        rule = RULES.get(type(node))
        new = rule(node) if rule else None
        if new is not None:
            changed = True
            if node is tree:
                tree = new
            else:
                node.replace(new)
    return tree.sql(dialect="bigquery") if changed else sql


def _call(name: str, *arguments: exp.Expression) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _as_json(expression: exp.Expression) -> exp.Cast:
    return exp.Cast(this=expression, to=exp.DataType.build("JSON"))


def _text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def _argument(node: exp.Expression, name: str) -> exp.Expression | None:
    """Return the value of a named argument of a call, wherever sqlglot keeps it."""
    for kwarg in node.find_all(exp.Kwarg):
        if kwarg.parent is node and kwarg.name.lower() == name:
            value: exp.Expression = kwarg.expression
            return value
    return None


def _json_format(node: exp.Expression) -> exp.Expression:
    name = "bqx_to_json" if node.args.get("to_json") else "bqx_to_json_string"
    call = _call(name, node.this)
    return _as_json(call) if node.args.get("to_json") else call


def _parse_json(node: exp.Expression, name: str = "bqx_parse_json") -> exp.Expression | None:
    mode = _argument(node, "wide_number_mode") or _text("exact")
    return _as_json(_call(name, node.this, mode))


def _safe(node: exp.Expression) -> exp.Expression | None:
    """SAFE.PARSE_JSON: its argument is rewritten already, so it is a cast of a call here."""
    inner = node.this.this if isinstance(node.this, exp.Cast) else None
    if isinstance(inner, exp.Anonymous) and inner.name == "bqx_parse_json":
        return _as_json(_call("bqx_safe_parse_json", *inner.expressions))
    return None


def _strip_nulls(node: exp.Expression) -> exp.Expression:
    arrays = _argument(node, "include_arrays") or exp.true()
    empty = _argument(node, "remove_empty") or exp.false()
    return _as_json(_call("bqx_strip_nulls", node.this, arrays, empty))


def _path(node: exp.Expression) -> exp.Expression:
    """Return the steps of a JSONPath as a JSON array."""
    steps = [step.this for step in node.expression.expressions if not isinstance(step, exp.JSONPathRoot)]
    return _text(json.dumps(steps, ensure_ascii=False))


def _query(node: exp.Expression) -> exp.Expression:
    return _call("bqx_json_query", node.this, _path(node))


def _query_array(node: exp.Expression) -> exp.Expression:
    return _call("bqx_json_query_array", node.this, _path(node))


def _keys(node: exp.Expression) -> exp.Expression:
    return _call("bqx_json_keys", node.this, node.expression or exp.Literal.number(500))


def _format(node: exp.Expression) -> exp.Expression | None:
    if node.this.name == "%t" and len(node.expressions) == 1:
        return _call("coalesce", _call("bqx_string", node.expressions[0]), _text("NULL"))
    return None


def _cast(node: exp.Expression) -> exp.Expression | None:
    if node.to.is_type("text") and not (isinstance(node.this, exp.Null) or node.this.is_string):
        return _call("bqx_string", node.this)
    safe = "safe_" if isinstance(node, exp.TryCast) else ""
    if node.to.this == exp.DataType.Type.DECIMAL and not node.to.expressions:
        return _call(f"bqx_{safe}numeric", node.this)
    if node.to.this == exp.DataType.Type.BIGINT and not isinstance(node.this, exp.Literal):
        return _call(f"bqx_{safe}int64", node.this)
    return None


def _join(node: exp.Expression) -> exp.Expression | None:
    if node.args.get("null"):
        return None
    return _call("bqx_array_to_string", node.this, node.expression)


def _format_timestamp(node: exp.Expression) -> exp.Expression | None:
    moment = node.this.this if isinstance(node.this, exp.TsOrDsToTimestamp) else node.this
    zone = node.args.get("zone") or _text("UTC")
    return _call("bqx_format_timestamp", node.args["format"], moment, zone)


def _select(node: exp.Expression) -> exp.Expression | None:
    """WITH OFFSET counts from 0, DuckDB's WITH ORDINALITY from 1; the emulator subtracts 1 in outer queries too."""
    sources = [node.args.get("from_"), *(node.args.get("joins") or [])]
    unnests = [source.this for source in sources if source and isinstance(source.this, exp.Unnest)]
    offsets = {unnest.args["offset"].name: unnest for unnest in unnests if _has_named_offset(unnest)}
    for column in list(node.find_all(exp.Column)) if offsets else []:
        if column.name in offsets and not column.table and column.parent_select is node:
            place = exp.paren(exp.column(f"bqx_{column.name}") - 1)
            column.replace(exp.alias_(place, column.name) if column in node.expressions else place)
    for name, unnest in offsets.items():
        unnest.set("offset", exp.to_identifier(f"bqx_{name}"))
    return node if offsets else None


def _create(node: exp.Expression) -> exp.Expression | None:
    """Take the parentheses from CREATE TABLE t (columns) AS (query): the emulator knows the columns only without."""
    if isinstance(node.this, exp.Schema) and isinstance(node.expression, exp.Subquery):
        node.set("expression", node.expression.unnest())
        return node
    return None


def _has_named_offset(unnest: exp.Unnest) -> bool:
    offset = unnest.args.get("offset")
    return isinstance(offset, exp.Identifier) and not offset.name.startswith("bqx_")


RULES: dict[type[exp.Expression], Rewrite] = {
    exp.JSONFormat: _json_format,
    exp.ParseJSON: _parse_json,
    exp.SafeFunc: _safe,
    exp.JSONStripNulls: _strip_nulls,
    exp.JSONExtract: _query,
    exp.JSONExtractArray: _query_array,
    exp.JSONKeysAtDepth: _keys,
    exp.Format: _format,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Create: _create,
    exp.Select: _select,
    exp.ArrayToString: _join,
    exp.TimeToStr: _format_timestamp,
}
