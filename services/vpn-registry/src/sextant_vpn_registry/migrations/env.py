"""Runs vpn-registry's history on the connection that the migrator hands over."""

from sextant_shared.db import migration_env

migration_env.run()
