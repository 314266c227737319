"""The stable codes of errors and the base of everything that a client may be told.

An error is a type with a status, a code that programs can rely on and a public sentence. Detail for operators
belongs into the log. One handler (`sextant_shared.http.exception_handlers`) makes the body.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class SextantError(Exception):
    """Something went wrong in a way that the client should hear about.

    Attributes:
        status: the HTTP status.
        code: stable, for programs.
        headers: extra headers of the answer.
        extra: extra members of the JSON body.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"

    def __init__(
        self,
        msg: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(msg)
        self.msg = msg
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


class BadRequestError(SextantError):
    """The request contradicts itself or the state of what it is about."""

    status = 400
    code = "bad_request"


class ValidationFailedError(SextantError):
    """A field of the request is not what it should be; `errors` says which."""

    status = 400
    code = "validation_failed"

    def __init__(self, errors: Mapping[str, Any], msg: str = "The request is not valid") -> None:
        super().__init__(msg, extra={"errors": dict(errors)})


class UnauthenticatedError(SextantError):
    """The caller has not shown who it is."""

    status = 401
    code = "unauthenticated"


class InvalidTokenError(UnauthenticatedError):
    """The token is not one of ours, or no longer good."""

    code = "invalid_token"


class ForeignTokenError(InvalidTokenError):
    """The token was never good here: not signed by us, or for another purpose. The wire says 422."""

    status = 422


class ExpiredTokenError(UnauthenticatedError):
    """The token was good once."""

    code = "expired_token"


class UnreadableTokenError(SextantError):
    """What stands in the Authorization header is no token at all."""

    status = 422
    code = "unreadable_token"


class PermissionDeniedError(SextantError):
    """The caller is known and may not do this. The wire of vantage6 4.x says 401 here, not 403."""

    status = 401
    code = "permission_denied"


class WrongPrincipalError(SextantError):
    """This kind of principal (user, node, container) has no business at this route."""

    status = 403
    code = "wrong_principal"


class NotFoundError(SextantError):
    """There is no such thing, or none that the caller may know of."""

    status = 404
    code = "not_found"


class GoneError(SextantError):
    """What is asked for was there once."""

    status = 410
    code = "gone"


class TooManyRequestsError(SextantError):
    """The caller should slow down."""

    status = 429
    code = "too_many_requests"


class NotConfiguredError(SextantError):
    """This installation does not offer the feature."""

    status = 501
    code = "not_configured"


class UnavailableError(SextantError):
    """Something that is needed for the answer is away; the same request may work in a moment."""

    status = 503
    code = "unavailable"

    def __init__(self, msg: str, *, retry_after_seconds: int = 2) -> None:
        super().__init__(msg, headers={"Retry-After": str(retry_after_seconds)})
