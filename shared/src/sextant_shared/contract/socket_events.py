"""The names of socket events on `/tasks`, verbatim from the wire of vantage6 4.x, hence the mixed styles."""

from typing import Final

NAMESPACE: Final = "/tasks"

SYNC: Final = "sync"
NEW_TASK: Final = "new_task"
KILL_CONTAINERS: Final = "kill_containers"
NODE_ONLINE: Final = "node-online"
NODE_OFFLINE: Final = "node-offline"
STATUS_UPDATE: Final = "status_update"
EXPIRED_TOKEN: Final = "expired_token"  # noqa: S105 - the name of an event, not a secret
INVALID_TOKEN: Final = "invalid_token"  # noqa: S105 - the name of an event, not a secret
MESSAGE: Final = "message"
ERROR: Final = "error"
PING: Final = "ping"

ALGORITHM_STATUS_CHANGE: Final = "algorithm_status_change"
"""In both directions."""
ALGORITHM_LOG: Final = "algorithm_log"
"""In both directions."""
NODE_INFO_UPDATE: Final = "node_info_update"
NODE_METRICS_UPDATE: Final = "node_metrics_update"

HISTORY_GAP: Final = "history_gap"
"""Ours: what was missed is not known any more. Only for connections that asked for offsets."""
HISTORY_CAUGHT_UP: Final = "history_caught_up"
"""Ours: what was missed has been told. As above."""
