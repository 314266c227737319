"""How nodes fare, for Prometheus: gauges with the node's id, dropped when the node has said nothing for a while.

Commands are shared by the replicas of api, so each replica shows what it was the last to hear; the newest
`sextant_node_reported_time` of a node says which of them is right.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import Gauge, Info

STALE_SECONDS: Final = 300.0
_MAX_GPUS: Final = 64

_SCALARS: Final = {
    "cpu_percent": Gauge("sextant_node_cpu_percent", "Load of the node's processors", ["node_id"]),
    "memory_percent": Gauge("sextant_node_memory_percent", "Memory in use", ["node_id"]),
    "num_algorithm_containers": Gauge("sextant_node_algorithm_containers", "Algorithms that run", ["node_id"]),
    "cpu_count": Gauge("sextant_node_cpus", "Processors", ["node_id"]),
    "memory_total": Gauge("sextant_node_memory_bytes", "Memory in all", ["node_id"]),
    "memory_available": Gauge("sextant_node_memory_available_bytes", "Memory to be had", ["node_id"]),
    "gpu_count": Gauge("sextant_node_gpus", "Graphics processors", ["node_id"]),
}
_LISTS: Final = {
    "gpu_load": Gauge("sextant_node_gpu_load", "Load of a graphics processor", ["node_id", "gpu"]),
    "gpu_memory_used": Gauge("sextant_node_gpu_memory_used", "Memory in use", ["node_id", "gpu"]),
    "gpu_memory_free": Gauge("sextant_node_gpu_memory_free", "Memory to be had", ["node_id", "gpu"]),
    "gpu_temperature": Gauge("sextant_node_gpu_temperature", "Temperature in Celsius", ["node_id", "gpu"]),
}
_REPORTED: Final = Gauge("sextant_node_reported_time", "When the node last reported, Unix time", ["node_id"])
_SYSTEM: Final = Info("sextant_node_system", "What the node runs on", ["node_id"])
_WORDS: Final = ("os", "platform")


class NodeMetrics:
    """What this replica heard of nodes."""

    def __init__(self) -> None:
        self._heard: dict[int, tuple[float, int]] = {}

    def report(self, node_id: int, metrics: Mapping[str, Any]) -> None:
        """Show what a node says of itself; what is no number is left out."""
        label = str(node_id)
        for name, gauge in _SCALARS.items():
            value = _number(metrics.get(name))
            if value is not None:
                gauge.labels(label).set(value)
        gpus = 0
        for name, gauge in _LISTS.items():
            values = metrics.get(name)
            for index, item in enumerate(values[:_MAX_GPUS] if isinstance(values, list) else ()):
                value = _number(item)
                if value is not None:
                    gauge.labels(label, str(index)).set(value)
                    gpus = max(gpus, index + 1)
        _SYSTEM.labels(label).info({word: str(metrics.get(word, ""))[:128] for word in _WORDS})
        _REPORTED.labels(label).set_to_current_time()
        _, before = self._heard.get(node_id, (0.0, 0))
        self._heard[node_id] = (time.monotonic(), max(gpus, before))

    def forget_silent(self, *, seconds: float = STALE_SECONDS) -> None:
        """Drop the nodes that have said nothing for so long."""
        limit = time.monotonic() - seconds
        for node_id, (heard_at, gpus) in list(self._heard.items()):
            if heard_at <= limit:
                del self._heard[node_id]
                _drop(str(node_id), gpus)


def _drop(label: str, gpus: int) -> None:
    # a series that is not there is removed without complaint
    for gauge in (*_SCALARS.values(), _REPORTED, _SYSTEM):
        gauge.remove_by_labels({"node_id": label})
    for index in range(gpus):
        for gauge in _LISTS.values():
            gauge.remove_by_labels({"node_id": label, "gpu": str(index)})


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
