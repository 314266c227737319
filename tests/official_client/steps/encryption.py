"""A collaboration whose payloads only its members read.

In the official libraries one process has one private key, so the user and the node of this step share theirs.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from tests.official_client.given import IMAGE, PASSWORD

from .filters import ids
from .registry import step

if TYPE_CHECKING:
    from tests.official_client.stage import Stage


@step
def a_researcher_works_in_an_encrypted_collaboration(stage: Stage) -> None:
    organization = stage.organization()
    collaboration = stage.collaboration(organization, encrypted=True)
    client = stage.log_in(stage.user(organization, "Organization Admin"), PASSWORD)
    key = stage.folder / "private_key.pem"
    client.util.generate_private_key(file_=str(key))
    public_key = client.organization.get()["public_key"]
    assert b"PUBLIC KEY" in base64.b64decode(public_key)
    client.setup_encryption(private_key_file=str(key))
    assert client.organization.get()["public_key"] == public_key

    node = stage.node(organization, collaboration).client
    node.setup_encryption(private_key_file=str(key))
    researcher = stage.log_in(stage.user(organization), PASSWORD)
    researcher.setup_encryption(str(key))
    task = researcher.task.create([organization], "secret", IMAGE, "", {"method": "secret"}, collaboration)
    (run,) = node.run.list(state="open", include_task=False, task_id=task["id"])
    assert b'"secret"' in run["input"]
    node.run.patch(run["id"], {"result": b'{"sum": 1}', "status": "completed"}, init_org_id=organization)
    assert json.loads(researcher.result.get(run["id"])) == {"sum": 1}
    assert json.loads(researcher.run.get(run["id"])["input"]) == {"method": "secret"}
    assert ids(researcher.run.list(task=task["id"])) == [run["id"]]
    assert "$" in researcher.run.get(run["id"], decrypt_input=False)["input"]
