"""Whatever is asked that the document allows, and much that it does not: the answer is as the document says.

No crash, no undocumented status, content type or header, no body of another form, whoever asks. That what the document
does not allow is refused is not asked for: some numbers and booleans may be written as text, as the wire has it.
"""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import (
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.generation.meta import TestPhase as Phase
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .conftest import Target

pytestmark = pytest.mark.slow

DOCUMENT = Path(__file__).parent.parent.parent / "services/api/src/sextant_api/documentation/openapi.json"
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
UNAVAILABLE = {501, 503}
"""What is no crash although it is a server's error: not offered here, or away for a moment."""
FEW = 8
"""Ids are brought down to this, so that they are often those of something."""

_BOUNDED = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def _document(*, at_the_edges: bool) -> schemathesis.BaseSchema:
    """Load the document; `at_the_edges` adds requests for every bound and every missing or misplaced part."""
    project = ProjectConfig(
        # parameters that a route does not know are ignored, and tokens are our business
        generation=GenerationConfig(allow_extra_parameters=False, with_security_parameters=False),
        phases=PhasesConfig(coverage=CoveragePhaseConfig(enabled=at_the_edges)),
    )
    config = SchemathesisConfig(projects=ProjectsConfig(default=project))
    return schemathesis.openapi.from_dict(json.loads(DOCUMENT.read_text()), config=config)


document = _document(at_the_edges=True)
sketch = _document(at_the_edges=False)


def ask(case: schemathesis.Case[Any], target: Target, caller: str) -> None:
    """Send one request, and hold the answer against the document."""
    _aim(case, target)
    answer = case.call(base_url=target.url, headers=dict(target.headers[caller]))
    checks = CHECKS if answer.status_code in UNAVAILABLE else [not_a_server_error, *CHECKS]
    case.validate_response(answer, checks=checks)


def _aim(case: schemathesis.Case[Any], target: Target) -> None:
    """Let ids be of things that are there, but never of the user who asks."""
    if case.meta is None or case.meta.phase.name is not Phase.COVERAGE:
        case.path_parameters = _near(case.path_parameters)
        case.body = _near(case.body)
    if case.path_parameters.get("user_id") == target.user_id:
        case.path_parameters["user_id"] = 0


def _near(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _near(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_near(value) for value in part]
    if isinstance(part, int) and not isinstance(part, bool) and part > FEW:
        return 1 + part % FEW
    return part


@pytest.mark.parametrize("caller", ["user", "node", "container"])
@document.parametrize()
@settings(_BOUNDED, max_examples=15)
def test_callers_are_answered_as_documented(case: schemathesis.Case[Any], target: Target, caller: str) -> None:
    ask(case, target, caller)


@pytest.mark.parametrize("caller", ["nobody", "forger", "babbler"])
@sketch.parametrize()
@settings(_BOUNDED, max_examples=3)
def test_who_has_no_good_token_is_answered_as_documented(
    case: schemathesis.Case[Any], target: Target, caller: str
) -> None:
    ask(case, target, caller)


def test_the_user_was_let_in_to_the_end(target: Target) -> None:
    answer = httpx2.post(f"{target.url}/api/token/user/validate", headers=dict(target.headers["user"]))

    assert answer.json()["user_id"] == target.user_id
