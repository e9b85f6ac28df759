"""Braze's REST API: a transport, the meaning of its answers, a sender that retries, maps and bisects."""

from braze_runner.client.limiter import RateLimiter
from braze_runner.client.retry import RetryPolicy, Stop
from braze_runner.client.sender import Outcome, Sender
from braze_runner.client.transport import Answer, HttpTransport, Transport, TransportError, braze_transport

__all__ = [
    "Answer",
    "HttpTransport",
    "Outcome",
    "RateLimiter",
    "RetryPolicy",
    "Sender",
    "Stop",
    "Transport",
    "TransportError",
    "braze_transport",
]
