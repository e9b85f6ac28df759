"""Braze's REST API: a transport, the meaning of its answers, a sender that retries, maps and bisects."""

from braze_runner.client.limiter import RateLimiter
from braze_runner.client.retry import RetryPolicy, Stop
from braze_runner.client.sender import Outcome, Sender
from braze_runner.client.transport import Answer, Transport, TransportError

__all__ = [
    "Answer",
    "Outcome",
    "RateLimiter",
    "RetryPolicy",
    "Sender",
    "Stop",
    "Transport",
    "TransportError",
]
