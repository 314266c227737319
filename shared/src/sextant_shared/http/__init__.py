"""The HTTP side that all services share: access rules, errors, middleware, health, paging, peers, serving."""
