"""What Prometheus learns of this replica."""

from prometheus_client import Counter, Gauge

CONNECTIONS = Gauge("sextant_relay_connections", "Connections by what they are", ["kind"])
SESSIONS = Gauge("sextant_relay_sessions", "Engine.IO sessions, in the namespace /tasks or not")
ROOMS = Gauge("sextant_relay_rooms", "Rooms that hold a connection")
BINDINGS = Gauge("sextant_relay_bindings", "Keys for which this replica hears events")
EMITS = Counter("sextant_relay_emits_total", "Socket events sent, each to all of its audience", ["event"])
DELIVERIES = Counter("sextant_relay_deliveries_total", "Packets put into the queues of sockets", ["event"])
OVERFLOWS = Counter("sextant_relay_overflows_total", "Sockets closed because they did not take what was sent")
REFUSED_TOKENS = Counter("sextant_relay_refused_tokens_total", "Sockets turned away", ["notice"])
REFUSED_EVENTS = Counter("sextant_relay_refused_events_total", "Events of clients not acted upon", ["reason"])
COMMANDS_WAITING = Gauge("sextant_relay_commands_waiting", "Commands not yet confirmed by the broker")
COMMANDS_SENT = Counter("sextant_relay_commands_sent_total", "Commands confirmed by the broker", ["type"])
LOG_LINES_DROPPED = Counter("sextant_relay_log_lines_dropped_total", "Log lines given up because too many waited")
TOUCHES_FAILED = Counter("sextant_relay_touches_failed_total", "Rounds of lease touches that the broker did not take")
FOLLOWERS = Gauge("sextant_relay_followers", "Connections that asked for offsets", ["state"])
REPLAYED = Counter("sextant_relay_replayed_total", "Events told to connections that had missed them")
HISTORY_GAPS = Counter(
    "sextant_relay_history_gaps_total", "Connections told that what they missed is not known any more"
)
GAPS = Counter("sextant_relay_gaps_total", "Times at which events may have been missed")
