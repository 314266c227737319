"""The caller as a value."""

from typing import Any

from pydantic import BaseModel, ConfigDict, PrivateAttr

from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.permissions import Rule, Rules


class Principal(BaseModel):
    """A user, node, container or service, as auth knows it.

    Attributes:
        client_type: which of them.
        id: of the user or node; 0 for services. A container has its task's id.
        organization_id: it belongs to (0 for services).
        name: username, node name or service name.
        rules: `resource:SCOPE:OPERATION` each.
        collaboration_id: of a node or container.
        node_id: of a node or container.
        study_id: of a container.
        image: of a container: the only image it may use for subtasks.
        databases: of a container: what its subtasks inherit when they name none.
        version: grows with each change.
        tokens_valid_from: tokens issued before this second (Unix time) are refused.
        active: False for one that may not do anything any more.
    """

    model_config = ConfigDict(frozen=True)

    client_type: ClientType
    id: int
    organization_id: int
    name: str = ""
    rules: frozenset[str] = frozenset()
    collaboration_id: int | None = None
    node_id: int | None = None
    study_id: int | None = None
    store_id: int | None = None
    image: str | None = None
    databases: list[dict[str, Any]] | None = None
    version: int = 0
    tokens_valid_from: int = 0
    active: bool = True

    _rights: Rules | None = PrivateAttr(default=None)

    @property
    def rights(self) -> Rules:
        """The rules as values (read once)."""
        if self._rights is None:
            self._rights = Rules(Rule.parse(text) for text in self.rules)
        return self._rights

    @property
    def is_user(self) -> bool:
        """A person."""
        return self.client_type is ClientType.USER

    @property
    def is_node(self) -> bool:
        """A data station."""
        return self.client_type is ClientType.NODE

    @property
    def is_container(self) -> bool:
        """An algorithm, speaking through its node."""
        return self.client_type is ClientType.CONTAINER
