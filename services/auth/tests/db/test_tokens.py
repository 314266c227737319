"""What tokens say, and which ones are believed."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from services.auth.tests.kit import Auth, claims_of, running
from sextant_shared.contract.claims import AUDIENCE, ISSUER

WIRE = {"fresh", "iat", "jti", "type", "sub", "nbf", "csrf", "exp", "client_type", "roles"}
DROPPED = object()


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def header_of(token: str) -> dict[str, Any]:
    part = token.split(".", maxsplit=1)[0]
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return header


async def ours(auth: Auth, **changes: Any) -> str:
    """A token for root, signed with the key of now, but with other claims."""
    now = int(time.time())
    payload: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "type": "access",
        "sub": 1,
        "client_type": "user",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        "jti": "a",
    }
    payload |= changes
    payload = {name: value for name, value in payload.items() if value is not DROPPED}
    signing = await auth.parts.keyring.signing_key()
    header = {"alg": "ES256", "kid": signing.kid}
    return jws.serialize_compact(header, json.dumps(payload).encode(), signing.key)


async def test_a_user_token_says_what_programs_of_vantage6_look_for(auth: Auth) -> None:
    pair = await auth.log_in("root")
    access, refresh = claims_of(pair["access_token"]), claims_of(pair["refresh_token"])

    assert set(access) >= WIRE
    assert (access["sub"], access["type"], access["client_type"], access["fresh"]) == (1, "access", "user", False)
    assert access["roles"] == ["Root"]
    assert access["exp"] - access["iat"] == 6 * 3600
    assert (refresh["type"], refresh["exp"] - refresh["iat"]) == ("refresh", 48 * 3600)
    assert access["jti"] != refresh["jti"]


async def test_a_node_token_says_what_programs_of_vantage6_look_for(auth: Auth) -> None:
    pair = await auth.log_in_node(await auth.add_node(7))
    access, refresh = claims_of(pair["access_token"]), claims_of(pair["refresh_token"])

    assert set(access) >= WIRE
    assert (access["sub"], access["client_type"], access["roles"]) == (7, "node", [])
    assert refresh["exp"] - refresh["iat"] == 30 * 24 * 3600


async def test_a_token_says_what_it_is_signed_with(auth: Auth) -> None:
    header = header_of(await auth.token_of("root"))
    keys = (await auth.get("/.well-known/jwks.json")).json()["keys"]

    assert (header["alg"], header["typ"]) == ("ES256", "at+jwt")
    assert [key["kid"] for key in keys] == [header["kid"]]


async def test_a_token_of_ours_opens(auth: Auth) -> None:
    assert (await auth.get("/api/user/1", await ours(auth))).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"type": "refresh"}, 422),
        ({"type": "service"}, 422),
        ({"type": "else"}, 401),
        ({"type": DROPPED}, 401),
        ({"iss": "somebody"}, 422),
        ({"aud": "somebody"}, 422),
        ({"exp": int(time.time()) - 120}, 401),
        ({"exp": DROPPED}, 401),
        ({"nbf": int(time.time()) + 3600}, 401),
        ({"nbf": DROPPED}, 401),
        ({"iat": int(time.time()) + 4 * 3600}, 401),
        ({"client_type": "node"}, 403),
        ({"client_type": "else"}, 401),
        ({"sub": 987654}, 401),
        ({"sub": "1"}, 401),
        ({"sub": {"id": 1}}, 401),
        ({"sub": DROPPED}, 401),
        ({"jti": DROPPED}, 401),
    ],
)
async def test_a_token_of_ours_with_a_wrong_claim_opens_nothing(
    auth_on_sqlite: Auth, changes: dict[str, Any], status: int
) -> None:
    answer = await auth_on_sqlite.get("/api/user/1", await ours(auth_on_sqlite, **changes))

    assert answer.status_code == status
    assert set(answer.json()) >= {"msg", "code", "request_id"}


async def test_an_unsigned_token_opens_nothing(auth_on_sqlite: Auth) -> None:
    payload = claims_of(await ours(auth_on_sqlite))
    kid = (await auth_on_sqlite.parts.keyring.signing_key()).kid
    for algorithm in ("none", "None", "NONE"):
        unsigned = f"{encoded({'alg': algorithm, 'kid': kid})}.{encoded(payload)}."

        assert (await auth_on_sqlite.get("/api/user/1", unsigned)).status_code == 422


async def test_a_token_signed_with_another_key_opens_nothing(auth_on_sqlite: Auth) -> None:
    payload = json.dumps(claims_of(await ours(auth_on_sqlite))).encode()
    kid = (await auth_on_sqlite.parts.keyring.signing_key()).kid
    other = ECKey.generate_key("P-256")
    for name in (kid, "unknown"):
        forged = jws.serialize_compact({"alg": "ES256", "kid": name}, payload, other)

        assert (await auth_on_sqlite.get("/api/user/1", forged)).status_code == 422


async def test_a_token_signed_with_the_public_key_as_a_secret_opens_nothing(auth_on_sqlite: Auth) -> None:
    signing = await auth_on_sqlite.parts.keyring.signing_key()
    content = f"{encoded({'alg': 'HS256', 'kid': signing.kid})}.{encoded(claims_of(await ours(auth_on_sqlite)))}"
    for secret in (signing.key.as_pem(private=False), signing.key.as_der(private=False)):
        digest = hmac.new(secret, content.encode(), hashlib.sha256).digest()
        signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

        assert (await auth_on_sqlite.get("/api/user/1", f"{content}.{signature}")).status_code == 422


async def test_a_token_that_brings_its_own_key_opens_nothing(auth_on_sqlite: Auth) -> None:
    payload = json.dumps(claims_of(await ours(auth_on_sqlite))).encode()
    other = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "jwk": other.as_dict(private=False)}
    forged = jws.serialize_compact(header, payload, other)

    assert (await auth_on_sqlite.get("/api/user/1", forged)).status_code == 422


async def test_a_changed_payload_opens_nothing(auth_on_sqlite: Auth) -> None:
    header, payload, signature = (await ours(auth_on_sqlite)).split(".")
    changed = encoded(claims_of(f"{header}.{payload}.{signature}") | {"sub": 2})

    assert (await auth_on_sqlite.get("/api/user/1", f"{header}.{changed}.{signature}")).status_code == 422


async def test_a_token_opens_until_it_expires(database_url: str) -> None:
    async with running(database_url, access_token_seconds=600) as auth:
        token = await auth.token_of("root")
        auth.clock.move(seconds=595)
        before = await auth.get("/api/user/1", token)
        auth.clock.move(seconds=70)
        after = await auth.get("/api/user/1", token)

        assert (before.status_code, after.status_code) == (200, 401)
        assert after.json()["code"] == "expired_token"


async def test_the_token_of_one_kind_opens_nothing_of_another(auth: Auth) -> None:
    node = (await auth.log_in_node(await auth.add_node(7)))["access_token"]
    user = await auth.token_of("root")
    service = await auth.service_token()

    assert (await auth.get("/api/user", node)).status_code == 403
    assert (await auth.post("/api/token/user/validate", node)).status_code == 403
    assert (await auth.post("/api/token/node/validate", user)).status_code == 403
    assert (await auth.post("/api/token/container", user, task_id=1, image="i")).status_code == 403
    assert (await auth.get("/api/user", service)).status_code == 422
    assert (await auth.get("/internal/principals/user/1", user)).status_code == 422


async def test_without_a_token_nothing_opens(auth_on_sqlite: Auth) -> None:
    for method, path in (("GET", "/api/user"), ("GET", "/internal/principals/user/1"), ("GET", "/api/rule/1")):
        assert (await auth_on_sqlite.call(method, path)).status_code == 401
