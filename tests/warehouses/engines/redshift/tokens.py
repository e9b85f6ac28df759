"""The tokens of a Redshift statement, so that no rule looks into a string or a comment."""

import re
from dataclasses import dataclass

KINDS = ("space", "string", "quoted", "word", "number", "sign")
TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<string>'(?:[^'\\]|''|\\.)*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<word>[A-Za-z_][\w$]*)
    |(?P<number>\d[\w.]*)
    |(?P<sign>::|\|\||!~\*|~\*|<=|>=|!=|<>|->>|->|\#>>|\#>|.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass
class Token:
    """One token; `text` is what is written out, so a rule changes that."""

    kind: str
    text: str

    def __post_init__(self) -> None:
        """Keep the identifier that it stands for, or the token in lower case."""
        quoted = self.kind == "quoted"
        self.name = self.text[1:-1].replace('""', '"') if quoted else self.text.lower()
        self.is_identifier = quoted or self.kind == "word"


def tokens_of(sql: str) -> list[Token]:
    """Return every token, white space and comments too: joined they are the statement again."""
    return [
        Token(next(kind for kind in KINDS if match[kind] is not None), match[0])
        for match in TOKEN.finditer(sql)
    ]


def meaningful(tokens: list[Token]) -> list[Token]:
    """Return the tokens without white space and comments."""
    return [token for token in tokens if token.kind != "space"]


def bare(sql: str) -> str:
    """Return the statement in lower case with single spaces, its strings empty and its identifiers unquoted."""
    return " ".join(
        "''" if token.kind == "string" else token.name.replace(" ", "_")
        for token in meaningful(tokens_of(sql))
    )


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())
