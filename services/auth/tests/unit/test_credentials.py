"""Passwords, API keys and sealed secrets."""

import asyncio
import threading
from types import SimpleNamespace

import bcrypt
import pytest
from pydantic import SecretStr

from sextant_auth.credentials.api_keys import ApiKeys
from sextant_auth.credentials.password_policy import PasswordPolicy
from sextant_auth.credentials.passwords import Checked, PasswordHasher
from sextant_auth.secret_box import SealedSecretError, SecretBox
from sextant_shared.contract.errors import UnavailableError


@pytest.mark.parametrize("password", ["Valid-Pw-1!", "Sp ce-1AB", "aB3_5678", "x" * 124 + "aB1!", "Pässwort1 "])
def test_a_good_password_lacks_nothing(password: str) -> None:
    assert PasswordPolicy().shortcomings(password) == []


@pytest.mark.parametrize(
    ("password", "lacking"),
    [
        ("aB1!567", 1),
        ("x" * 126 + "aB1!", 1),
        ("NoDigits!!", 1),
        ("ALLUPPER1!", 1),
        ("alllower1!", 1),
        ("NoSpecial11", 1),
        ("", 5),
    ],
)
def test_a_bad_password_is_told_what_it_lacks(password: str, lacking: int) -> None:
    assert len(PasswordPolicy().shortcomings(password)) == lacking


def test_an_installation_may_ask_for_length_instead_of_kinds_of_characters() -> None:
    policy = PasswordPolicy(min_length=15, is_composed=False)

    assert policy.shortcomings("only lower case letters") == []
    assert len(policy.shortcomings("Valid-Pw-1!")) == 1


async def test_a_hash_opens_to_its_password_alone() -> None:
    hasher = PasswordHasher(workers=1, queue=4)
    stored = await hasher.hash("Valid-Pw-1!")

    assert (await hasher.check(stored, "Valid-Pw-1!")).right
    assert not (await hasher.check(stored, "Valid-Pw-2!")).right
    await hasher.close()


async def test_all_of_a_long_password_counts() -> None:
    hasher = PasswordHasher(workers=1, queue=4)
    stored = await hasher.hash("x" * 100 + "1")

    assert not (await hasher.check(stored, "x" * 100)).right
    await hasher.close()


async def test_a_hash_has_the_strength_that_owasp_asks_for() -> None:
    hasher = PasswordHasher(workers=1, queue=4)

    assert (await hasher.hash("x")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await hasher.close()


@pytest.mark.parametrize("prefix", [b"2a", b"2b"])
async def test_a_bcrypt_hash_is_accepted_and_bettered(prefix: bytes) -> None:
    hasher = PasswordHasher(workers=1, queue=4)
    stored = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4, prefix=prefix)).decode()

    checked = await hasher.check(stored, "x" * 80)

    assert checked.right
    assert checked.better_hash is not None
    assert (await hasher.check(checked.better_hash, "x" * 80)).right
    assert not (await hasher.check(stored, "x" * 71)).right
    await hasher.close()


@pytest.mark.parametrize("stored", ["", "plain", "$2b$04$short", "$argon2id$v=19$m=8,t=1,p=1$AAAA$BBBB"])
async def test_a_broken_hash_opens_to_nothing(stored: str) -> None:
    hasher = PasswordHasher(workers=1, queue=4)

    assert not (await hasher.check(stored, "Valid-Pw-1!")).right
    await hasher.close()


class Costs:
    """Counts what a hasher does, each operation by its kind and cost."""

    def __init__(self, hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hasher = hasher
        self.spent: list[str] = []
        argon2, checkpw = hasher._argon2, bcrypt.checkpw

        def note_hash(password: str) -> str:
            self.spent.append("argon2")
            return argon2.hash(password)

        def note_verify(stored: str, password: str) -> bool:
            self.spent.append("argon2")
            return argon2.verify(stored, password)

        def note_bcrypt(password: bytes, stored: bytes) -> bool:
            self.spent.append(f"bcrypt {stored[4:6].decode()}")
            return checkpw(password, stored)

        fake = SimpleNamespace(hash=note_hash, verify=note_verify, check_needs_rehash=argon2.check_needs_rehash)
        monkeypatch.setattr(hasher, "_argon2", fake)
        monkeypatch.setattr(bcrypt, "checkpw", note_bcrypt)

    async def of(self, stored: str | None, password: str, **more: int) -> list[str]:
        self.spent.clear()
        await self.hasher.check(stored, password, **more)
        return sorted(self.spent)


async def test_while_old_hashes_are_left_every_check_costs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = PasswordHasher(workers=1, queue=4)
    new = await hasher.hash("Valid-Pw-1!")
    old = bcrypt.hashpw(b"Valid-Pw-1!", bcrypt.gensalt(5)).decode()
    costs = Costs(hasher, monkeypatch)

    found = [
        await costs.of(stored, password, bcrypt_rounds=5)
        for stored in (None, new, old)
        for password in ("Valid-Pw-1!", "Wrong-Pw-1!")
    ]

    assert found == [["argon2", "bcrypt 05"]] * 6
    await hasher.close()


async def test_without_old_hashes_every_check_costs_one_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = PasswordHasher(workers=1, queue=4)
    new = await hasher.hash("Valid-Pw-1!")
    costs = Costs(hasher, monkeypatch)

    found = [await costs.of(stored, word) for stored in (None, new) for word in ("Valid-Pw-1!", "Wrong-Pw-1!")]

    assert found == [["argon2"]] * 4
    await hasher.close()


@pytest.mark.parametrize("rounds", [None, 4])
async def test_nothing_opens_an_account_that_does_not_exist(rounds: int | None) -> None:
    hasher = PasswordHasher(workers=1, queue=4)

    assert await hasher.check(None, "Valid-Pw-1!", bcrypt_rounds=rounds) == Checked(right=False)
    await hasher.close()


async def test_hashes_wait_for_a_worker_and_beyond_the_queue_they_are_refused() -> None:
    hasher = PasswordHasher(workers=1, queue=1)
    release = threading.Event()
    running = [asyncio.create_task(hasher._run(release.wait)) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(UnavailableError):
        await hasher.hash("x")
    release.set()

    assert await asyncio.gather(*running) == [True, True]
    assert await hasher.hash("x")
    await hasher.close()


def test_an_api_key_is_what_nodes_know() -> None:
    key = ApiKeys(SecretStr("pepper")).new()

    assert (len(key), key.count("-"), key) == (36, 4, key.lower())
    assert key[14] == "4"


def test_a_fingerprint_depends_on_the_pepper_and_the_key() -> None:
    keys = ApiKeys(SecretStr("pepper"))
    other = ApiKeys(SecretStr("other"))

    assert len({keys.fingerprint("a"), keys.fingerprint("b"), other.fingerprint("a")}) == 3
    assert keys.fingerprint("a") == keys.fingerprint("a")


def test_a_sealed_text_opens_with_the_same_secret_and_name() -> None:
    sealed = SecretBox(SecretStr("secret")).seal("text", name="row:1")

    assert SecretBox(SecretStr("secret")).open(sealed, name="row:1") == "text"
    assert "text" not in sealed


@pytest.mark.parametrize(("secret", "name"), [("other", "row:1"), ("secret", "row:2")])
def test_a_sealed_text_opens_with_nothing_else(secret: str, name: str) -> None:
    sealed = SecretBox(SecretStr("secret")).seal("text", name="row:1")

    with pytest.raises(SealedSecretError):
        SecretBox(SecretStr(secret)).open(sealed, name=name)


@pytest.mark.parametrize("sealed", ["", "v1.", "v1.####", "v1.AAAA"])
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(SealedSecretError):
        SecretBox(SecretStr("secret")).open(sealed, name="row:1")
