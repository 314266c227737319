#!/bin/bash
# Runs once, when the cluster is new: a role and a database of its own for every service that owns
# tables. No role can open another's database.
set -euo pipefail

create() { # create NAME SECRET: the role NAME with the password in that secret, and its database
    psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set role="$1" --set file="/run/secrets/$2" <<'SQL'
\set password `cat :file`
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
}

create sextant_auth auth_database_password
create sextant_api api_database_password
create sextant_vpn vpn_database_password
