#!/bin/sh
# Runs once, when the database is made. Two roles: the owner of the tables, used by `qianpu migrate`, and the
# application, which owns nothing, so that row-level security binds it.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set owner_password="$QIANPU_OWNER_PASSWORD" --set app_password="$QIANPU_APP_PASSWORD" <<'SQL'
CREATE ROLE qianpu_owner LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE qianpu_app LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'app_password';
REVOKE ALL ON DATABASE qianpu FROM PUBLIC;
GRANT CONNECT ON DATABASE qianpu TO qianpu_owner, qianpu_app;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO qianpu_owner WITH GRANT OPTION;
SQL
