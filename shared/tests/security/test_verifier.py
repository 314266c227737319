"""Which tokens are believed: ours, for the purpose at hand, in their time, and nothing else."""

import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from sextant_shared.contract.claims import BEHIND_SECONDS, LEEWAY_SECONDS, ClientType, ContainerSubject, TokenUse
from sextant_shared.contract.errors import (
    ExpiredTokenError,
    InvalidTokenError,
    SextantError,
    UnavailableError,
    UnreadableTokenError,
)
from sextant_shared.security.verifier import TokenVerifier


def b64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


class Issuer:
    """Signs whatever it is told to; a `KeySource` that counts how often it is asked."""

    def __init__(self) -> None:
        self.signing_key = ECKey.generate_key("P-256", {"kid": "ours"}, auto_kid=False)
        self.asked: list[str] = []
        self.away = False

    async def key(self, kid: str) -> ECKey | None:
        self.asked.append(kid)
        if self.away:
            raise UnavailableError("no keys")
        return self.signing_key if kid == "ours" else None

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": "sextant",
            "aud": "sextant",
            "type": "access",
            "client_type": "user",
            "sub": 7,
            "jti": "j",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def sign(
        self, claims: Any = None, *, key: Any = None, header: dict[str, Any] | None = None, alg: str = "ES256"
    ) -> str:
        return jws.serialize_compact(
            {"alg": alg, "kid": "ours", **(header or {})},
            orjson.dumps(self.claims() if claims is None else claims),
            key or self.signing_key,
            algorithms=[alg],
        )


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def verifier(issuer: Issuer) -> TokenVerifier:
    return TokenVerifier(issuer)


# -- what is believed ------------------------------------------------------------------------------


async def test_a_good_token_gives_its_claims(issuer: Issuer, verifier: TokenVerifier) -> None:
    token = issuer.sign(issuer.claims(pv=3, fam="f", gen=2))

    claims = await verifier.verify(token, TokenUse.ACCESS)

    assert (claims.client_type, claims.sub, claims.principal_version) == (ClientType.USER, 7, 3)
    assert (claims.family, claims.generation) == ("f", 2)


async def test_the_subject_of_a_user_is_a_number(issuer: Issuer, verifier: TokenVerifier) -> None:
    claims = await verifier.verify(issuer.sign(), TokenUse.ACCESS)

    assert (type(claims.sub), claims.sub) == (int, 7)


async def test_the_subject_of_a_container_is_an_object(issuer: Issuer, verifier: TokenVerifier) -> None:
    subject = ContainerSubject(
        node_id=1,
        organization_id=2,
        collaboration_id=3,
        study_id=None,
        store_id=None,
        task_id=4,
        image="algorithm",
        databases=[{"label": "default"}],
    )
    token = issuer.sign(issuer.claims(client_type="container", sub=subject.model_dump(mode="json")))

    claims = await verifier.verify(token, TokenUse.ACCESS)

    assert subject == claims.sub


async def test_a_token_is_good_for_its_purpose_alone(issuer: Issuer, verifier: TokenVerifier) -> None:
    token = issuer.sign(issuer.claims(type="refresh"))

    with pytest.raises(InvalidTokenError):
        await verifier.verify(token, TokenUse.ACCESS)
    with pytest.raises(InvalidTokenError):
        await verifier.verify(token, TokenUse.SERVICE)
    assert (await verifier.verify(token, TokenUse.REFRESH)).use is TokenUse.REFRESH


# -- forgeries -------------------------------------------------------------------------------------


def signed_by_another_key(issuer: Issuer) -> str:
    return issuer.sign(key=ECKey.generate_key("P-256"))


def signed_by_another_kind_of_key(issuer: Issuer) -> str:
    return issuer.sign(key=RSAKey.generate_key(2048), alg="RS256")


def with_an_unknown_kid(issuer: Issuer) -> str:
    return issuer.sign(header={"kid": "theirs"})


def with_a_key_in_its_header(issuer: Issuer) -> str:
    key = ECKey.generate_key("P-256")
    return issuer.sign(key=key, header={"jwk": key.as_dict(private=False)})


def without_kid(issuer: Issuer) -> str:
    header = b64(b'{"alg":"ES256"}')
    return ".".join([header, *issuer.sign().split(".")[1:]])


def unsigned(issuer: Issuer) -> str:
    return f"{b64(orjson.dumps({'alg': 'none', 'kid': 'ours'}))}.{b64(orjson.dumps(issuer.claims()))}."


def with_its_signature_removed(issuer: Issuer) -> str:
    return issuer.sign().rpartition(".")[0] + "."


def with_the_public_key_as_secret(issuer: Issuer) -> str:
    head = b64(orjson.dumps({"alg": "HS256", "kid": "ours"})) + "." + b64(orjson.dumps(issuer.claims()))
    secret = issuer.signing_key.as_pem(private=False)
    return f"{head}.{b64(hmac.new(secret, head.encode(), hashlib.sha256).digest())}"


def with_changed_claims(issuer: Issuer) -> str:
    header, _, signature = issuer.sign().split(".")
    return f"{header}.{b64(orjson.dumps(issuer.claims(sub=1)))}.{signature}"


def from_another_issuer(issuer: Issuer) -> str:
    return issuer.sign(issuer.claims(iss="elsewhere"))


def without_issuer(issuer: Issuer) -> str:
    return issuer.sign(issuer.claims(iss=None))


def for_another_audience(issuer: Issuer) -> str:
    return issuer.sign(issuer.claims(aud="elsewhere"))


def for_no_audience(issuer: Issuer) -> str:
    return issuer.sign(issuer.claims(aud=None))


def without_expiry(issuer: Issuer) -> str:
    return issuer.sign(issuer.claims(exp=None))


def without_not_before(issuer: Issuer) -> str:
    return issuer.sign(issuer.claims(nbf=None))


def for_an_unknown_purpose(issuer: Issuer) -> str:
    return issuer.sign(issuer.claims(type="everything"))


def for_an_unknown_kind_of_principal(issuer: Issuer) -> str:
    return issuer.sign(issuer.claims(client_type="emperor"))


def with_an_incomplete_container(issuer: Issuer) -> str:
    return issuer.sign(issuer.claims(client_type="container", sub={"node_id": 1}))


def with_a_list_of_claims(issuer: Issuer) -> str:
    return issuer.sign([1, 2])


@pytest.mark.parametrize(
    "forge",
    [
        signed_by_another_key,
        signed_by_another_kind_of_key,
        with_an_unknown_kid,
        with_a_key_in_its_header,
        without_kid,
        unsigned,
        with_its_signature_removed,
        with_the_public_key_as_secret,
        with_changed_claims,
        from_another_issuer,
        without_issuer,
        for_another_audience,
        for_no_audience,
        without_expiry,
        without_not_before,
        for_an_unknown_purpose,
        for_an_unknown_kind_of_principal,
        with_an_incomplete_container,
        with_a_list_of_claims,
    ],
    ids=lambda forge: forge.__name__,
)
async def test_a_token_is_refused(issuer: Issuer, verifier: TokenVerifier, forge: Callable[[Issuer], str]) -> None:
    with pytest.raises(InvalidTokenError):
        await verifier.verify(forge(issuer), TokenUse.ACCESS)


async def test_an_algorithm_that_is_not_ours_is_refused_before_any_key_is_looked_up(
    issuer: Issuer, verifier: TokenVerifier
) -> None:
    for forge in (unsigned, with_the_public_key_as_secret, signed_by_another_kind_of_key):
        with pytest.raises(InvalidTokenError):
            await verifier.verify(forge(issuer), TokenUse.ACCESS)

    assert issuer.asked == []


async def test_a_token_is_not_judged_while_the_keys_are_away(issuer: Issuer, verifier: TokenVerifier) -> None:
    issuer.away = True

    with pytest.raises(UnavailableError):
        await verifier.verify(issuer.sign(), TokenUse.ACCESS)


# -- no token at all -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "...",
        "é.é.é",
        "\udcff.a.b",
        f"{b64(b'[]')}.e30.e30",
        f"{b64(b'7')}.e30.e30",
        f"{b64(b'null')}.e30.e30",
        f"{b64(b'{')}.e30.e30",
        f"{b64(bytes([255]))}.e30.e30",
        "x" * 20_000,
    ],
    ids=range(14),
)
async def test_what_is_no_token_is_told_apart_from_a_bad_one(verifier: TokenVerifier, text: str) -> None:
    with pytest.raises(UnreadableTokenError):
        await verifier.verify(text, TokenUse.ACCESS)


_PARTS = st.one_of(
    st.text(max_size=8),
    st.binary(max_size=8).map(b64),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda value: b64(str(value).encode("utf-8", "surrogatepass"))),
    st.dictionaries(
        st.sampled_from(["alg", "kid", "crit", "b64", "jwk", "typ"]),
        st.none() | st.just("ES256") | st.just(7) | st.just([]),
    ).map(lambda header: b64(orjson.dumps(header))),
)


@given(parts=st.lists(_PARTS, min_size=1, max_size=5))
async def test_whatever_comes_as_a_token_is_answered_with_an_error_for_the_caller(parts: list[str]) -> None:
    with pytest.raises(SextantError) as raised:
        await TokenVerifier(Issuer()).verify(".".join(parts), TokenUse.ACCESS)

    assert raised.value.status in {401, 422}


# -- time ------------------------------------------------------------------------------------------


@pytest.fixture
def now() -> Any:
    with time_machine.travel(1_800_000_000, tick=False) as traveller:
        yield traveller


async def test_a_token_lives_until_its_expiry_and_the_leeway(
    issuer: Issuer, verifier: TokenVerifier, now: time_machine.Traveller
) -> None:
    token = issuer.sign()
    now.shift(3600 + LEEWAY_SECONDS)
    await verifier.verify(token, TokenUse.ACCESS)

    now.shift(1)

    with pytest.raises(ExpiredTokenError):
        await verifier.verify(token, TokenUse.ACCESS)


async def test_a_token_that_was_remembered_expires_as_one_that_was_not(
    issuer: Issuer, verifier: TokenVerifier, now: time_machine.Traveller
) -> None:
    token = issuer.sign()
    await verifier.verify(token, TokenUse.ACCESS)
    await verifier.verify(token, TokenUse.ACCESS)
    assert len(issuer.asked) == 1

    now.shift(3600 + LEEWAY_SECONDS + 1)

    for _ in range(2):
        with pytest.raises(ExpiredTokenError):
            await verifier.verify(token, TokenUse.ACCESS)


async def test_a_grace_lets_an_expired_token_pass_for_a_while(
    issuer: Issuer, verifier: TokenVerifier, now: time_machine.Traveller
) -> None:
    token = issuer.sign()
    now.shift(3600 + LEEWAY_SECONDS + 100)
    await verifier.verify(token, TokenUse.ACCESS, expired_grace_seconds=100)

    with pytest.raises(ExpiredTokenError):
        await verifier.verify(token, TokenUse.ACCESS)
    now.shift(1)
    with pytest.raises(ExpiredTokenError):
        await verifier.verify(token, TokenUse.ACCESS, expired_grace_seconds=100)


@pytest.mark.parametrize(("claim", "ahead"), [("nbf", 0), ("iat", BEHIND_SECONDS)])
async def test_a_token_from_the_future_is_not_valid_yet(
    issuer: Issuer, verifier: TokenVerifier, now: time_machine.Traveller, claim: str, ahead: int
) -> None:
    token = issuer.sign(issuer.claims(**{claim: int(time.time()) + ahead + LEEWAY_SECONDS + 1}))
    with pytest.raises(InvalidTokenError):
        await verifier.verify(token, TokenUse.ACCESS)

    now.shift(1)

    await verifier.verify(token, TokenUse.ACCESS)
