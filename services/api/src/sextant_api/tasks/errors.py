"""What can be wrong with a task or with whoever acts for one."""

from sextant_shared.contract.errors import BadRequestError, PermissionDeniedError


class TaskFinishedError(BadRequestError):
    """The task is over."""

    code = "task_finished"


class NotJsonError(BadRequestError):
    """The body does not say that it is JSON: a bad request here, where others say 415, as on the wire."""

    code = "no_json"


class WrongImageError(PermissionDeniedError):
    """The image is not the task's."""

    code = "wrong_image"


class NotYourTaskError(PermissionDeniedError):
    """The node has no run of the task."""

    code = "not_your_task"
