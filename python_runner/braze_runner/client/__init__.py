"""Braze's REST API: a transport, the meaning of its answers, a sender that retries, maps and bisects."""

from braze_runner.client.retry import Pause, RetryPolicy, Stop
from braze_runner.client.sender import Outcome, Sender
from braze_runner.client.transport import Answer, RequestsTransport, Transport, TransportError

__all__ = [
    "Answer",
    "Outcome",
    "Pause",
    "RequestsTransport",
    "RetryPolicy",
    "Sender",
    "Stop",
    "Transport",
    "TransportError",
]
