#!/bin/sh
# Run once by the postgres image, when its volume is new: the roles, the database, the extension. Migrations do the rest.
set -eu

psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner_password="$(cat /run/secrets/postgres_owner_password)" \
    --set service_password="$(cat /run/secrets/postgres_service_password)" <<'SQL'
CREATE ROLE nightlight_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE nightlight_service LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'service_password';
CREATE DATABASE nightlight OWNER nightlight_owner;
REVOKE ALL ON DATABASE nightlight FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE nightlight TO nightlight_service;
\connect nightlight
CREATE EXTENSION IF NOT EXISTS btree_gist;
SQL
