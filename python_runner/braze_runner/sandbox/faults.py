"""Which requests go wrong, and how: rules given by ``--fault`` or by ``PUT /sandbox/faults``."""

import dataclasses
import math
import random
from collections.abc import Iterable, Mapping
from typing import Any, Final

from braze_runner.errors import ConfigError

KINDS: Final = {
    "rate_limited": "429 with x-ratelimit-retry-after, `seconds` of it; not applied",
    "server_error": "a JSON body with a `status` of 500, 502, 503 or 504",
    "html": "an HTML body, as from the edge before Braze, with a `status` of 5xx or 400",
    "redirect": "302 to the same path at `location`; not applied",
    "reset_before": "the connection is reset; not applied",
    "reset_after": "applied, then the connection is reset without an answer",
    "slow": "applied, and answered `seconds` later",
    "truncated": "applied, then half of the body that Content-Length announces",
    "empty": "applied, with an empty body",
}
"""Kind of fault -> what the client gets."""

_APPLIED: Final = {"reset_after", "slow", "truncated", "empty"}
_MAY_APPLY: Final = {"server_error", "html"}
_STATUSES: Final[dict[str, tuple[int, ...]]] = {
    "server_error": (500, 502, 503, 504),
    "html": (502, 400, 500, 503, 504, 520, 521, 522, 524),
}
_TYPES: Final = {
    "kind": str,
    "share": int | float,
    "paths": list | tuple | None,
    "times": int | None,
    "seconds": int | float,
    "status": int,
    "applied": bool,
    "location": str,
}
_TEXT_TYPES: Final = {"share": float, "times": int, "seconds": float, "status": int}


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One rule. ``share`` of the requests to ``paths`` (None: all), at most ``times`` of them (None: any).

    ``applied`` says whether the request takes effect; only ``server_error`` and ``html`` leave it open.
    """

    kind: str
    share: float = 1.0
    paths: tuple[str, ...] | None = None
    times: int | None = None
    seconds: float = 1.0
    status: int = 0
    applied: bool = False
    location: str = "https://elsewhere.example.com"

    def __post_init__(self) -> None:
        """Refuse what no request could be answered by (ConfigError); fill in what the kind decides."""
        if self.kind not in KINDS:
            raise ConfigError(f"A fault is one of {', '.join(KINDS)}, not {self.kind!r}.")
        if not 0 <= self.share <= 1:
            raise ConfigError(f"The share of fault {self.kind} is {self.share}, not between 0 and 1.")
        if not 0 <= self.seconds < math.inf or (self.times is not None and self.times < 0):
            raise ConfigError(f"Fault {self.kind}: seconds and times are 0 or more.")
        statuses = _STATUSES.get(self.kind, (0,))
        if self.status and self.status not in statuses:
            raise ConfigError(f"The status of fault {self.kind} can't be {self.status}.")
        object.__setattr__(self, "status", self.status or statuses[0])
        if self.applied and self.kind not in _APPLIED | _MAY_APPLY:
            raise ConfigError(f"What fault {self.kind} hits is never applied.")
        object.__setattr__(self, "applied", self.applied or self.kind in _APPLIED)

    @classmethod
    def of(cls, values: Any) -> "Fault":
        """Make a rule of a JSON object; ConfigError for one that is none."""
        if not isinstance(values, Mapping) or not isinstance(values.get("kind"), str):
            raise ConfigError("A fault is an object with a kind.")
        unknown = values.keys() - _TYPES.keys()
        if unknown:
            raise ConfigError(f"A fault has no {', '.join(sorted(unknown))}.")
        paths = values.get("paths")
        wrong = [name for name, value in values.items() if not isinstance(value, _TYPES[name])]
        if wrong or not all(isinstance(path, str) for path in paths or ()):
            raise ConfigError(f"Fault {values['kind']}: wrong type of {', '.join(wrong) or 'paths'}.")
        return cls(**{**values, "paths": None if paths is None else tuple(paths)})

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read ``KIND[:SHARE][,NAME=VALUE …]``, such as ``slow:0.1,seconds=5,paths=/users/track``."""
        head, *pairs = text.split(",")
        kind, _, share = head.partition(":")
        values: dict[str, Any] = {"kind": kind} | ({"share": share} if share else {})
        for pair in pairs:
            name, _, value = pair.partition("=")
            values[name] = value
        try:
            for name in values.keys() & _TEXT_TYPES.keys():
                values[name] = _TEXT_TYPES[name](values[name])
        except ValueError as exc:
            raise ConfigError(f"Fault {kind}: {name} is no number.") from exc
        if "applied" in values:
            values["applied"] = values["applied"] == "true"
        if "paths" in values:
            values["paths"] = values["paths"].split("+")
        return cls.of(values)


class Faults:
    """The rules in force: the first that hits a request decides."""

    def __init__(self, rules: Iterable[Fault], seed: int | None) -> None:
        self._random = random.Random(seed)  # noqa: S311 (no secret)
        self.replace(rules)

    def replace(self, rules: Iterable[Fault]) -> None:
        """Put other rules in force."""
        self.rules = list(rules)

    def pick(self, path: str) -> Fault | None:
        """Return what this request suffers, and count it."""
        for index, rule in enumerate(self.rules):
            if rule.times == 0 or not (rule.paths is None or path in rule.paths):
                continue
            if self._random.random() < rule.share:
                if rule.times is not None:
                    self.rules[index] = dataclasses.replace(rule, times=rule.times - 1)
                return rule
        return None
