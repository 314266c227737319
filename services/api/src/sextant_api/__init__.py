"""Organizations, collaborations, studies, nodes, tasks and runs: the service `api`."""
