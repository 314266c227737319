"""The settings of api."""

from typing import Literal

from pydantic import Field, SecretStr

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
    repeat_patience_seconds: float = Field(
        default=2.0,
        ge=0,
        description="How long a request for a task waits if another replica may just have answered an equal one",
    )
    repeat_window_seconds: float = Field(
        default=900.0,
        ge=0,
        description="How long a request for a task whose answer got lost is given the task that it had made",
    )
    event_history_seconds: float = Field(
        default=3600.0, gt=0, description="How long events are kept for those who missed some"
    )
    event_history_events: int = Field(default=50_000, ge=1, description="How many events are kept at most")
    event_history_tidy_seconds: float = Field(
        default=5.0, gt=0, description="How often events are cleared away that are too old or too many"
    )
    public_url: str = Field(
        default="",
        description="By which the outside knows this server, without `/api`; algorithm stores know it by this; "
        "empty: by what their caller says or used",
    )
    store_hosts: list[str] = Field(
        default_factory=list,
        description="JSON list of the hosts at which algorithm stores may be, `*.example.org` for all below one; "
        "empty: anywhere that the next setting allows",
    )
    store_private_addresses: Literal["forced", "never"] = Field(
        default="forced",
        description="Whether algorithm stores may be at addresses that are not public, if whoever adds them sets "
        "`force`",
    )
    store_timeout_seconds: float = Field(
        default=10.0, gt=0, description="How long an algorithm store may take to answer one question"
    )
    column_image: str = Field(
        default="ghcr.io/vantage6/algorithm-basics:latest",
        description="The algorithm that finds out which columns a database has",
    )
    blob_store: str = Field(
        default="",
        description="Where large payloads are kept: `file:///folder`, `s3://bucket/prefix`, `az://container/prefix` "
        "or `gs://bucket/prefix`; empty: nowhere, they go through the ordinary requests",
    )
    blob_store_options: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="JSON object of the store's options by obstore's names, such as `aws_endpoint`, "
        "`aws_access_key_id` or `azure_storage_account_key`",
    )
    blob_max_bytes: int = Field(default=10 * 1024**3, ge=1024, description="Largest accepted upload")
    blob_uploads_at_once: int = Field(
        default=16, ge=1, description="How many uploads one process reads at a time, each with about 10 MiB of memory"
    )
    blob_stall_seconds: float = Field(default=60.0, gt=0, description="How long an upload may stand still")
    blob_unused_hours: float = Field(
        default=24.0, gt=0, description="How long an upload is kept that no input or result refers to"
    )
    blob_collect_seconds: float = Field(
        default=300.0, gt=0, description="How often uploads are cleared away that nothing refers to any more"
    )
