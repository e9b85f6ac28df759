"""HTTP to Braze: a transport, the meaning of its answers, single calls, a sender that retries, maps and bisects."""

from braze_runner.client.retry import Pause, RetryPolicy, Stop
from braze_runner.client.sender import Outcome, Sender
from braze_runner.client.transport import (
    Answer,
    HttpTransport,
    Transport,
    TransportError,
    braze_transport,
)

__all__ = [
    "Answer",
    "HttpTransport",
    "Outcome",
    "Pause",
    "RetryPolicy",
    "Sender",
    "Stop",
    "Transport",
    "TransportError",
    "braze_transport",
]
