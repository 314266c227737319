"""What of the official clients no step can call, and why. An entry that a step does call fails the tests too."""

METHODS_LEFT_OUT: dict[tuple[str, str], str] = {
    ("AlgorithmClient", "name"): "it reads who the client is, which this client never finds out",
    ("AlgorithmClient", "setup_encryption"): "likewise; an algorithm leaves encryption to the node's proxy",
    ("NodeClient", "wait_for_task_completion"): "only users and containers may ask for a task's status",
}

ARGUMENTS_LEFT_OUT: dict[tuple[str, str, str], str] = {}
