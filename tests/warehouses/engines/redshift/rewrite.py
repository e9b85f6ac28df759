"""Redshift's SQL as PostgreSQL's, where functions of the prelude are not enough."""

from functools import lru_cache
from itertools import pairwise

from tokens import Token, meaningful, tokens_of, words

UNIT_FIRST = ("dateadd", "datediff", "date_add", "date_diff", "date_part", "date_trunc")
# Functions that PostgreSQL's grammar knows otherwise.
RENAMED = {"array": "rs_array", "json_serialize": "super_serialize"}
QUERIES = ("select", "with", "create", "insert", "merge", "update", "delete", "explain")
BEFORE_RELATION = ("from", "join", "into", "update", "table", "view", "using", "exists", "only")
PAIRS = (("sortkey", "auto"), ("backup", "no"), ("backup", "yes"))
CLAUSE_WORDS = words(
    "all and as asc between by case cast desc distinct else end exists from group having in inner is join left "
    "like limit not null on or order outer right select set then union using values when where with within"
)


@lru_cache(maxsize=500)
def rewrite(sql: str) -> str:
    """Return the statement for PostgreSQL."""
    tokens = tokens_of(sql)
    solid = meaningful(tokens)
    if not solid:
        return sql
    replace_words(solid)
    replace_text_types(solid)
    move_listagg_order(solid)
    if solid[0].name == "create":
        drop_table_attributes(solid)
    if solid[0].name in QUERIES and not any(is_catalogue(token) for token in solid):
        unnest(solid)
        navigate(solid)
    return "".join(token.text for token in tokens)


def is_catalogue(token: Token) -> bool:
    """Tell whether a statement with this token reads the catalogue, which holds no SUPER."""
    return token.name == "information_schema" or token.name.startswith(("pg_", "svv_", "stv_"))


def closing(tokens: list[Token], opening: int) -> int:
    """Return the index of the parenthesis that closes the one at `opening`."""
    depth = 0
    for index in range(opening, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[index].text, 0)
        if depth == 0:
            return index
    return len(tokens) - 1


def replace_words(tokens: list[Token]) -> None:
    """Units as strings, functions by the names that the prelude gives them, KEEP as a comma."""
    padded = [*tokens, Token("sign", ""), Token("sign", ""), Token("sign", "")]
    for index, token in enumerate(tokens):
        following = padded[index + 1]
        if token.kind != "word" or (index and tokens[index - 1].text == "."):
            continue
        if token.name in UNIT_FIRST and following.text == "(" and padded[index + 3].text == ",":
            if padded[index + 2].kind == "word":
                padded[index + 2].text = f"'{padded[index + 2].name}'"
        elif token.name in RENAMED and following.text == "(":
            token.text = RENAMED[token.name]
        elif token.name == "sysdate" and following.text != "(":
            token.text = "transaction_sysdate()"
        elif token.name == "keep" and following.kind == "string":
            token.text = ","


def replace_text_types(tokens: list[Token]) -> None:
    """varchar(max) is a domain that counts bytes."""
    for index, token in enumerate(tokens[:-3]):
        if token.name not in ("varchar", "varying") or tokens[index + 1].text != "(":
            continue
        if tokens[index + 2].name in ("max", "65535"):
            start = index - 1 if token.name == "varying" else index
            for part in tokens[start : index + 4]:
                part.text = ""
            tokens[start].text = "varchar_max"


def move_listagg_order(tokens: list[Token]) -> None:
    """listagg(a, b) within group (order by c) is listagg(a, b order by c) in PostgreSQL."""
    for index, token in enumerate(tokens[:-1]):
        if token.name != "listagg" or tokens[index + 1].text != "(":
            continue
        end = closing(tokens, index + 1)
        if [part.name for part in tokens[end + 1 : end + 4]] == ["within", "group", "("]:
            for part in tokens[end : end + 4]:
                part.text = " "


def drop_table_attributes(tokens: list[Token]) -> None:
    """Distribution, sort keys, encodings and late binding mean nothing to PostgreSQL."""
    for index, token in enumerate(tokens):
        following = tokens[index + 1].name if index + 1 < len(tokens) else ""
        end = index
        if token.name in ("distkey", "sortkey") and following == "(":
            end = closing(tokens, index + 1)
        elif (token.name, following) in PAIRS or (token.name in ("diststyle", "encode") and following != "("):
            end = index + 1
        elif token.name in ("compound", "interleaved") and following == "sortkey":
            token.text = ""
        elif [part.name for part in tokens[index : index + 4]] == ["with", "no", "schema", "binding"]:
            end = index + 3
        if end > index:
            for part in tokens[index : end + 1]:
                part.text = ""


def unnest(tokens: list[Token]) -> None:
    """`, a.b as item at position` iterates over an array: PartiQL's FROM clause."""
    for index, token in enumerate(tokens):
        if token.name != "at" or token.kind != "word" or index < 6 or not tokens[index + 1].is_identifier:
            continue
        comma, table, dot, column, alias, item = tokens[index - 6 : index]
        if comma.text == "," and dot.text == "." and alias.name == "as":
            table.text = f"lateral super_items({table.text}"
            column.text = f"{column.text})"
            item.text = f"{item.text}_items({item.text}, {tokens[index + 1].text})"
            token.text = tokens[index + 1].text = ""


def navigate(tokens: list[Token]) -> None:
    """`a.b` is a field of the SUPER column a when nothing in the statement is a relation of that name."""
    relations = names_of_relations(tokens)
    for index in range(1, len(tokens) - 2):
        column, dot, field = tokens[index : index + 3]
        before = tokens[index - 1]
        is_path = column.is_identifier and dot.text == "." and field.is_identifier and before.text != "."
        is_call = index + 3 < len(tokens) and tokens[index + 3].text == "("
        if is_path and not is_call and before.name not in BEFORE_RELATION and column.name not in relations:
            column.text = f"super_field({column.text}, '{field.name}')"
            dot.text = field.text = ""


def names_of_relations(tokens: list[Token]) -> set[str]:
    """Return every name that may be a relation's: what follows FROM and the like, and whatever is an alias."""
    names = set()
    in_path = False
    for before, token in pairwise(tokens):
        starts = before.kind == "word" and before.name in BEFORE_RELATION
        in_path = starts or (in_path and "." in (before.text, token.text))
        follows_name = before.text == ")" or (before.is_identifier and before.name not in CLAUSE_WORDS)
        if token.is_identifier and (in_path or before.name == "as" or follows_name):
            names.add(token.name)
    # A CTE is named before AS, and may be read in a list after a comma.
    names.update(
        before.name for before, token in pairwise(tokens) if token.name == "as" and before.is_identifier
    )
    return names
