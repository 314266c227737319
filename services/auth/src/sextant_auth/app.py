"""The composition root of auth."""

from datetime import timedelta

from sextant_auth.audit import judged
from sextant_auth.credentials.api_keys import ApiKeys
from sextant_auth.credentials.lockout_policy import LockoutPolicy
from sextant_auth.credentials.password_policy import PasswordPolicy
from sextant_auth.credentials.passwords import PasswordHasher
from sextant_auth.dependencies import AuthParts
from sextant_auth.directory.consumer import ApiEvents
from sextant_auth.directory.service import Directory
from sextant_auth.housekeeping import Housekeeping
from sextant_auth.keys.keyring import Keyring, rotation_policy
from sextant_auth.keys.rotation import RotationPolicy
from sextant_auth.keys.routes import router as keys_router
from sextant_auth.mail.delivery import MailDelivery
from sextant_auth.mail.letters import Letters
from sextant_auth.mail.null import NullTransport
from sextant_auth.mail.port import MailTransport
from sextant_auth.mail.post import Post
from sextant_auth.mail.smtp import SmtpTransport
from sextant_auth.models import outbox
from sextant_auth.nodes.key_reset import NodeKeys
from sextant_auth.nodes.legacy_keys import LegacyKeys
from sextant_auth.nodes.routes import router as nodes_router
from sextant_auth.nodes.service import NodeCredentials
from sextant_auth.presence.consumer import RelayCommands
from sextant_auth.presence.sweeper import Sweeper
from sextant_auth.principals.routes import router as principals_router
from sextant_auth.principals.source import LocalPrincipalSource
from sextant_auth.recovery.routes import router as recovery_router
from sextant_auth.recovery.service import PasswordRecovery, SecondFactorRecovery
from sextant_auth.recovery.tokens import RecoveryTokens
from sextant_auth.roles.routes import router as roles_router
from sextant_auth.roles.service import Roles
from sextant_auth.rules.routes import router as rules_router
from sextant_auth.rules.service import Rules
from sextant_auth.secret_box import SecretBox
from sextant_auth.settings import AuthSettings
from sextant_auth.tokens.grants.container import ContainerGrant
from sextant_auth.tokens.grants.handler import GrantHandler
from sextant_auth.tokens.grants.node import NodeGrant
from sextant_auth.tokens.grants.refresh import RefreshGrant
from sextant_auth.tokens.grants.service import ServiceGrant
from sextant_auth.tokens.grants.user import UserGrant
from sextant_auth.tokens.issuer import Lifetimes, TokenIssuer
from sextant_auth.tokens.logins import Logins, refresh_policies
from sextant_auth.tokens.refresh_policy import RefreshPolicy
from sextant_auth.tokens.routes import router as tokens_router
from sextant_auth.unit_of_work import changes
from sextant_auth.users.legacy_passwords import LegacyPasswords
from sextant_auth.users.lockout import LockNotice, Lockout
from sextant_auth.users.password_login import PasswordLogin
from sextant_auth.users.passwords import Passwords
from sextant_auth.users.routes import router as users_router
from sextant_auth.users.second_factor import SecondFactor
from sextant_auth.users.service import Users
from sextant_auth.users.tasks import UserTasks
from sextant_shared.clock import Clock, SystemClock
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.routing import API, AUTH
from sextant_shared.db import Database, OutboxDispatcher
from sextant_shared.http.access import Gate
from sextant_shared.http.health import health_router
from sextant_shared.http.peers import Network, Peers
from sextant_shared.http.service import Service, make_app, wrap_app
from sextant_shared.messaging import AUTH_COMMANDS, AUTH_EVENTS, Bus
from sextant_shared.periodic import Periodic
from sextant_shared.security import PrincipalCache, TokenVerifier
from sextant_shared.security.principal_cache import BROADCAST_KEYS


def create_service(
    settings: AuthSettings,
    *,
    bus: Bus,
    network: Network,
    clock: Clock | None = None,
    mail_transport: MailTransport | None = None,
) -> Service:
    """Put auth together.

    Args:
        settings: validated.
        bus: shared by whatever runs in this process; the caller runs it.
        network: how to reach the other services.
        clock: tells the time; the machine's, if none is given.
        mail_transport: carries mails; what the settings say, if none is given.
    """
    clock = clock or SystemClock()
    db = Database(
        settings.database_address,
        source=AUTH,
        outbox=outbox,
        pool_size=settings.database_pool_size,
        acquire_seconds=settings.database_acquire_seconds,
        clock=clock,
    )
    box = SecretBox(settings.key_encryption_secret)
    keyring = Keyring(db, box, _rotation(settings), clock)
    issuer = TokenIssuer(keyring, _lifetimes(settings), clock)
    verifier = TokenVerifier(keyring)
    source = LocalPrincipalSource(db)
    principals = PrincipalCache(source)
    change = changes(db, principals)
    peers = Peers(network, settings, name=AUTH, tokens=lambda: issuer.service(AUTH))
    api = peers.peer(API)
    directory = Directory(db, api)
    node_credentials = NodeCredentials(api_keys := ApiKeys(settings.api_key_pepper), clock)
    legacy_keys = LegacyKeys(db, workers=settings.legacy_key_workers)
    hasher = PasswordHasher(workers=settings.password_hash_workers, queue=settings.password_hash_queue)
    lockout_policy = LockoutPolicy(settings.max_failed_logins, timedelta(seconds=settings.lockout_seconds))
    post = Post(
        Letters(settings.server_name, settings.support_email),
        box,
        timedelta(seconds=settings.mail_interval_seconds),
        clock,
    )
    lock_notice = LockNotice(post, clock)
    lockout = Lockout(lockout_policy, lock_notice, clock)
    second_factor = SecondFactor(box, lockout_policy, lock_notice, issuer=settings.two_factor_issuer, clock=clock)
    password_login = PasswordLogin(db, hasher, legacy=LegacyPasswords(db), lockout=lockout, clock=clock)
    recovery_tokens = RecoveryTokens(db, timedelta(seconds=settings.recovery_token_seconds), clock)
    users = Users(db, directory, hasher, UserTasks(api), clock)
    roles = Roles(db, directory)
    keep_evidence = judged(change)
    logins = Logins(issuer, _refresh(settings), clock)

    app = make_app(title="Sextant auth", description="Accounts, rights and tokens")
    app.state.parts = AuthParts(
        db=db,
        change=change,
        keyring=keyring,
        hasher=hasher,
        principal_source=source,
        node_credentials=node_credentials,
        node_keys=NodeKeys(db, directory, node_credentials),
        users=users,
        password_policy=PasswordPolicy(settings.password_min_length, settings.password_composition),
        passwords=Passwords(db, hasher, lockout, recovery=recovery_tokens, post=post, clock=clock),
        password_recovery=PasswordRecovery(recovery_tokens, post, hasher, clock),
        second_factor_recovery=SecondFactorRecovery(recovery_tokens, post, password_login, second_factor, clock),
        roles=roles,
        rules=Rules(db, roles),
        judged=keep_evidence,
        grants=GrantHandler(keep_evidence),
        user_grant=UserGrant(
            change,
            passwords=password_login,
            second_factor=second_factor if settings.two_factor else None,
            logins=logins,
            clock=clock,
        ),
        node_grant=NodeGrant(db, change, api_keys, legacy=legacy_keys, credentials=node_credentials, logins=logins),
        refresh_grant=RefreshGrant(change, verifier, logins, credentials=node_credentials, clock=clock),
        container_grant=ContainerGrant(db, api, issuer),
        service_grant=ServiceGrant(settings.service_secrets, issuer),
        trust_forwarded=settings.trust_forwarded,
    )
    Gate(verifier, principals).install(app)
    for router in (
        tokens_router,
        recovery_router,
        users_router,
        roles_router,
        rules_router,
        keys_router,
        principals_router,
        nodes_router,
    ):
        app.include_router(router)
    app.include_router(health_router({"database": db.ping, "broker": bus.ping}))

    bus.broadcast(principals.on_event, keys=BROADCAST_KEYS, on_gap=principals.forget_all)
    bus.consume(AUTH_EVENTS, ApiEvents(change, directory, users, node_credentials).on_event)
    bus.consume(AUTH_COMMANDS, RelayCommands(db).on_command)
    return Service(
        name=AUTH,
        app=app,
        asgi=wrap_app(app, settings, service=AUTH),
        tasks=[
            keyring.run,
            OutboxDispatcher(db, outbox, bus.publish, service=AUTH).run,
            MailDelivery(db, mail_transport or _mail_transport(settings), box, clock).run,
            Housekeeping(db, clock).run,
            Periodic(Sweeper(db).sweep, seconds=settings.presence_sweep_seconds, name="sweep").run,
        ],
        close=[peers.close, hasher.close, legacy_keys.close, db.close],
    )


def _rotation(settings: AuthSettings) -> RotationPolicy:
    return rotation_policy(
        rotate_seconds=settings.key_rotation_seconds,
        publish_seconds=settings.key_publish_seconds,
        longest_token_seconds=settings.longest_token_seconds,
    )


def _mail_transport(settings: AuthSettings) -> MailTransport:
    return SmtpTransport(settings) if settings.smtp_host else NullTransport()


def _lifetimes(settings: AuthSettings) -> Lifetimes:
    return Lifetimes(
        access=settings.access_token_seconds,
        user_refresh=settings.refresh_token_seconds,
        node_refresh=settings.node_refresh_token_seconds,
        container=settings.container_token_seconds,
        service=settings.service_token_seconds,
    )


def _refresh(settings: AuthSettings) -> dict[ClientType, RefreshPolicy]:
    return refresh_policies(
        grace_seconds=settings.refresh_grace_seconds,
        user_seconds=settings.refresh_token_seconds,
        user_family_seconds=settings.refresh_family_seconds,
        node_seconds=settings.node_refresh_token_seconds,
    )
