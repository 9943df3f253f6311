#!/bin/sh
# Makes an empty PostgreSQL with our roles and databases. What is there is left as it is; what was begun and not
# finished is begun anew.
set -eu
data=/var/lib/postgresql/data/cluster
draft=$data.new
if [ -s "$data/PG_VERSION" ]; then exit 0; fi
rm -rf "$draft"
initdb -D "$draft" -U postgres --auth-local=trust --auth-host=reject --encoding=UTF8 --locale=C.UTF-8
pg_ctl -D "$draft" -w -s -o "-c listen_addresses='' -c unix_socket_directories=/var/run/postgresql" start
psql -h /var/run/postgresql -U postgres -d postgres -v ON_ERROR_STOP=1 -q -f /etc/postgresql/roles/roles.sql
pg_ctl -D "$draft" -w -s -m fast stop
mv "$draft" "$data"
