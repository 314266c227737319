"""A small world in which tasks are made: two organizations that work together, and what they need for it."""

import base64
from dataclasses import dataclass
from typing import Any, Self

import httpx2

from services.api.tests.kit import Api
from sextant_shared.security import Principal
from sextant_shared.testing.fakes import DEFAULT_ROLES

IMAGE = "registry.example/average:1"
READABLE = base64.b64encode(b'{"method": "average"}').decode()
UNREADABLE = base64.b64encode(bytes(range(128, 256))).decode()

_COLLABORATION_ADMIN = DEFAULT_ROLES["Researcher"] | {
    "event:COLLABORATION:SEND",
    "event:ORGANIZATION:SEND",
}


@dataclass(frozen=True)
class World:
    """Organizations `near` and `far` in a collaboration, each with a node; `strange` is in none of it.

    Attributes:
        api: it is in.
        near: the organization of the users here.
        far: the one it works with.
        strange: the one it does not.
        collaboration: of near and far.
        near_node: of near.
        far_node: of far.
        researcher: of near.
        colleague: of far, a researcher too.
        admin: of near, who may end tasks.
        stranger: of strange, a researcher too.
    """

    api: Api
    near: int
    far: int
    strange: int
    collaboration: int
    near_node: Principal
    far_node: Principal
    researcher: Principal
    colleague: Principal
    admin: Principal
    stranger: Principal

    @classmethod
    async def made(cls, api: Api) -> Self:
        """Make it all."""
        near, far, strange = [await api.add_organization(name) for name in ("near", "far", "strange")]
        collaboration = await api.add_collaboration("joint", [near, far])
        return cls(
            api=api,
            near=near,
            far=far,
            strange=strange,
            collaboration=collaboration,
            near_node=await api.add_node(near, collaboration),
            far_node=await api.add_node(far, collaboration),
            researcher=api.auth.add_user(organization_id=near, role="Researcher"),
            colleague=api.auth.add_user(organization_id=far, role="Researcher"),
            admin=api.auth.add_user(organization_id=near, rules=_COLLABORATION_ADMIN),
            stranger=api.auth.add_user(organization_id=strange, role="Researcher"),
        )

    def asked(self, *organizations: int, **changes: Any) -> dict[str, Any]:
        """The body of a request for a task; a change to None leaves the field out."""
        body = {
            "name": "average",
            "image": IMAGE,
            "collaboration_id": self.collaboration,
            "organizations": [{"id": wanted, "input": READABLE} for wanted in organizations or (self.near, self.far)],
            **changes,
        }
        return {name: value for name, value in body.items() if value is not None}

    async def post(self, *organizations: int, caller: Principal | str | None = None, **changes: Any) -> httpx2.Response:
        """Ask for a task."""
        return await self.api.call(
            "POST", "/api/task", caller or self.researcher, json=self.asked(*organizations, **changes)
        )

    async def task(self, *organizations: int, caller: Principal | str | None = None, **changes: Any) -> dict[str, Any]:
        """Make a task."""
        answer = await self.post(*organizations, caller=caller, **changes)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def container(self, task: dict[str, Any], node: Principal | None = None) -> str:
        """The token of the algorithm that a node (near's, if not said otherwise) runs for a task."""
        return self.api.auth.container_token(node or self.near_node, task_id=task["id"], image=task["image"])

    async def run_of(self, task: dict[str, Any], organization: int) -> dict[str, Any]:
        """A task's run at an organization."""
        answer = await self.api.get("/api/run", self.researcher, task_id=task["id"], organization_id=organization)
        (run,) = answer.json()["data"]
        found: dict[str, Any] = run
        return found

    async def patch(self, run: dict[str, Any], node: Principal, **change: Any) -> dict[str, Any]:
        """Let a node say something about its run."""
        answer = await self.api.patch(f"/api/run/{run['id']}", node, **change)
        assert answer.status_code == 200, answer.text
        changed: dict[str, Any] = answer.json()
        return changed

    async def complete_near(self, task: dict[str, Any]) -> None:
        """Let near's node finish its run."""
        await self.patch(await self.run_of(task, self.near), self.near_node, status="completed", result="eA==")

    async def complete(self, task: dict[str, Any]) -> None:
        """Let both nodes finish a task."""
        await self.complete_near(task)
        await self.patch(await self.run_of(task, self.far), self.far_node, status="completed", result="eA==")

    async def status(self, task: dict[str, Any]) -> str:
        """A task's status."""
        answer = await self.api.get(f"/api/task/{task['id']}", self.researcher)
        status: str = answer.json()["status"]
        return status
