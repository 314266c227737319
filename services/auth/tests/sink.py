"""A mail server for tests: real SMTP on a real socket, which keeps what it is sent and can be told to misbehave."""

import asyncio
import email
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

USERNAME = "sextant"
SMTP_PASSWORD = "smtp-password"


@dataclass
class Sink:
    """The mailbox of everybody.

    Attributes:
        port: where it listens.
        certificate: by which its TLS is trusted.
        received: the mails, oldest first.
        refused: recipients that are unknown here.
        data_reply: what is said to a mail's content.
        silent: say nothing at all to a recipient.
        protected: whether each mail came over TLS.
    """

    port: int = 0
    certificate: Path | None = None
    received: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    data_reply: str = "250 OK"
    silent: bool = False
    protected: list[bool] = field(default_factory=list)
    server: asyncio.Server | None = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept a recipient, or not."""
        if self.silent:
            await asyncio.get_running_loop().create_future()
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail."""
        if self.data_reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = email.message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            self.received.append(message)
            self.envelopes.append(envelope)
            self.protected.append(server.transport is not None and bool(server.transport.get_extra_info("ssl_object")))
        return self.data_reply

    async def stop(self) -> None:
        """Be lost."""
        if self.server is not None:
            self.server.close()
            self.server = None


@asynccontextmanager
async def smtp_sink(
    folder: Path, *, tls: Literal["none", "starttls", "tls"] = "none", login: bool = False
) -> AsyncIterator[Sink]:
    """Run a sink."""
    sink = Sink()
    context = None
    if tls != "none":
        sink.certificate, key = certificate_for_localhost(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sink.certificate, key)
    options: dict[str, Any] = {"tls_context": context, "require_starttls": True} if tls == "starttls" else {}
    if login:
        options |= {"authenticator": _judge, "auth_required": True, "auth_require_tls": tls == "starttls"}
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            # it knows of no TLS but STARTTLS, and warns of logins without
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(sink, hostname="sink.test", loop=loop, **options)

    sink.server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if tls == "tls" else None)
    sink.port = sink.server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        await sink.stop()


def _judge(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
    right = LoginPassword(USERNAME.encode(), SMTP_PASSWORD.encode())
    return AuthResult(success=given == right, handled=False)


def certificate_for_localhost(folder: Path) -> tuple[Path, Path]:
    """Make a certificate that vouches for itself; returns it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    certificate, private = folder / "sink.pem", folder / "sink.key"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, private
