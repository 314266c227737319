"""The settings of api."""

from pydantic import Field

from sextant_shared.settings import BrokerSettings, DatabaseSettings, HttpSettings, LoggingSettings, PeerSettings


class ApiSettings(HttpSettings, LoggingSettings, DatabaseSettings, BrokerSettings, PeerSettings):
    """What api can be told."""

    presence_grace_seconds: float = Field(
        default=15.0, ge=0, description="How long a node stays online after its last connection closed"
    )
    presence_sweep_seconds: float = Field(
        default=2.0, gt=0, description="How often nodes without a live connection are looked for"
    )
    healing_check_seconds: float = Field(
        default=5.0, gt=0, description="How often runs that their node does not start are looked for"
    )
    healing_pending_seconds: float = Field(
        default=20.0,
        ge=0,
        description="How long a run may be pending at an online node before the node is told to look",
    )
    healing_repeat_seconds: float = Field(
        default=30.0, ge=0, description="How long a node that was told to look is not told again"
    )
    inbox_days: float = Field(
        default=7.0, gt=0, description="How long a message is remembered, so that it is not acted upon twice"
    )
    status_hold_seconds: float = Field(
        default=20.0, ge=0, description="How long a poll of an unfinished task's status is held until there is news"
    )
    status_settle_seconds: float = Field(
        default=0.5, ge=0, description="How long a held poll waits for the end once something less has changed"
    )
    status_recheck_seconds: float = Field(
        default=5.0, gt=0, description="How often the statuses that polls are held for are looked up unasked"
    )
