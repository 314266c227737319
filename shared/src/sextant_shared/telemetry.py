"""The Prometheus metrics that every service has; metrics of one service alone live in that service.

Standalone runs all services in one process, so each series carries the service's name.
"""

from prometheus_client import Counter, Gauge, Histogram

HTTP_REQUESTS = Counter("sextant_http_requests_total", "Requests answered", ["service", "method", "route", "status"])
HTTP_SECONDS = Histogram(
    "sextant_http_request_seconds",
    "Time to the end of the answer",
    ["service", "method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
OUTBOX_PENDING = Gauge("sextant_outbox_pending", "Events that wait to be published", ["service"])
OUTBOX_LAG_SECONDS = Gauge("sextant_outbox_lag_seconds", "Age of the oldest event that waits", ["service"])
OUTBOX_PUBLISHED = Counter("sextant_outbox_published_total", "Events confirmed by the broker", ["service"])
MESSAGES_CONSUMED = Counter(
    "sextant_messages_consumed_total", "Messages taken from a queue", ["queue", "type", "outcome"]
)
PARKED_MESSAGES = Gauge("sextant_parked_messages", "Messages that were given up on and lie in parking", ["queue"])
BROKER_CONNECTED = Gauge("sextant_broker_connected", "1 while connected to the broker", ["service"])
