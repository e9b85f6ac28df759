"""What a verification found: counts by attribute; values only for who asks for them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from braze_runner.verify.compare import Finding, Verdict

VERDICTS: tuple[Verdict, ...] = ("equal", "different", "not comparable")


@dataclass
class Report:
    """One sample of one sync at one destination.

    ``left_out`` counts users that were drawn and not compared, by the reason. ``missing`` are users among the compared
    whom Braze does not have. ``attributes``: name -> verdict -> number.
    """

    sync: str
    destination: str
    seed: int
    sampled: int = 0
    compared: int = 0
    missing: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    attributes: dict[str, Counter[Verdict]] = field(default_factory=dict)
    differing_users: int = 0
    commands: list[Sequence[str]] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)

    def add(self, findings: Iterable[Finding]) -> None:
        """Count one user's attributes."""
        self.compared += 1
        different = False
        for finding in findings:
            self.attributes.setdefault(finding.name, Counter())[finding.verdict] += 1
            different = different or finding.verdict == "different"
        self.differing_users += different

    def count(self, verdict: Verdict) -> int:
        """Return the attributes of all users with this verdict."""
        return sum(counts[verdict] for counts in self.attributes.values())

    @property
    def exit_code(self) -> int:
        """Return 0 when all that could be compared is equal, else 1."""
        return 1 if self.differing_users else 0

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--output json``."""
        named = {verdict: verdict.replace(" ", "_") for verdict in VERDICTS}
        return {
            "sync": self.sync,
            "destination": self.destination,
            "seed": self.seed,
            "users": {
                "sampled": self.sampled,
                "compared": self.compared,
                "different": self.differing_users,
                "missing": self.missing,
                **self.left_out,
            },
            "attributes": {named[verdict]: self.count(verdict) for verdict in VERDICTS},
            "by_attribute": {
                name: {named[verdict]: counts[verdict] for verdict in VERDICTS}
                for name, counts in sorted(self.attributes.items())
            },
            "reemit": [list(command) for command in self.commands],
            "differences": self.shown,
            "exit_code": self.exit_code,
        }
