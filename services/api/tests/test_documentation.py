"""The documentation in the browser: all that the page needs comes from here, and nothing else may."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from sextant_api.documentation import router
from sextant_shared.http.service import make_app

DOCUMENT = Path(__file__).parent.parent / "src/sextant_api/documentation/openapi.json"


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    app = make_app(title="api", description="")
    app.include_router(router)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://api"
    ) as http:
        yield http


async def test_the_document_is_the_one_that_was_made_beforehand(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/api/openapi.json")

    assert answer.headers["content-type"] == "application/json"
    assert answer.content == DOCUMENT.read_bytes()


async def test_all_that_the_page_loads_is_there(http: httpx2.AsyncClient) -> None:
    page = await http.get("/api/docs")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    found = {file: (await http.get(f"/api/{file}")).headers["content-type"].partition(";")[0] for file in loaded}
    assert found == {
        "docs/favicon-32x32.png": "image/png",
        "docs/swagger-ui.css": "text/css",
        "docs/swagger-ui-bundle.js": "text/javascript",
        "docs/start.js": "text/javascript",
    }


async def test_the_page_asks_nobody_else(http: httpx2.AsyncClient) -> None:
    page = (await http.get("/api/docs")).text
    start = (await http.get("/api/docs/start.js")).text

    assert "//" not in page
    assert "validatorUrl: null" in start


async def test_the_browser_runs_scripts_of_this_server_alone(http: httpx2.AsyncClient) -> None:
    policy = (await http.get("/api/docs")).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"


async def test_other_files_are_not_handed_out(http: httpx2.AsyncClient) -> None:
    for name in ("routes.py", "..%2Froutes.py", "page.html"):
        assert (await http.get(f"/api/docs/{name}")).status_code == 404
