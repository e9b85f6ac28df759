"""What was looked at, and what came out."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["ok", "failed", "not proved"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; ``detail`` is a sentence."""

    area: str
    subject: str
    verdict: Verdict
    detail: str


@dataclass(frozen=True)
class Report:
    """All of them, in order."""

    checks: list[Check]

    @property
    def exit_code(self) -> int:
        """Return 2 when something failed, else 0."""
        return 2 if any(each.verdict == "failed" for each in self.checks) else 0

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--output json``."""
        return asdict(self) | {"exit_code": self.exit_code}
