"""${message}

Revision: ${up_revision}, after: ${down_revision | comma,n}

A migration runs while the previous version still serves: it must fit the running code. Take no lock for long
(`lock_timeout` is 5 s), and leave the removal of a column to the version after the one that stopped using it.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
