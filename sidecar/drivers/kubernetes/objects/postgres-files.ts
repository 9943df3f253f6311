/** What a PostgreSQL of a tenant's own is started with: the roles and rules that a shared server has, and no password. */

export interface PostgresFilesParts {
  /** Of the cluster: a folder of the volume. */
  readonly data: string
  /** Where these files are. */
  readonly files: string
  readonly port: number
  readonly connections: number
  readonly operatorVerifier: string
}

export function postgresFiles(parts: PostgresFilesParts): Record<string, string> {
  return {
    "start.sh": start(parts),
    "roles.sql": roles(parts),
    "pg_hba.conf": rules,
    "postgresql.conf": settings(parts),
  }
}

/** A first start that was killed half-way begins anew: a cluster gets its name when it is whole. */
function start({ data, files }: PostgresFilesParts): string {
  return `set -eu
if [ ! -s ${data}/PG_VERSION ]; then
  rm -rf ${data} ${data}.new
  initdb -D ${data}.new -U postgres --encoding=UTF8 --locale=C --auth=reject
  postgres --single -D ${data}.new postgres < ${files}/roles.sql
  mv ${data}.new ${data}
fi
exec postgres -D ${data} -c config_file=${files}/postgresql.conf -c hba_file=${files}/pg_hba.conf
`
}

/** A statement a line, as the single-user mode reads them. */
function roles({ operatorVerifier }: PostgresFilesParts): string {
  return `CREATE ROLE saas_operator LOGIN CREATEDB CREATEROLE PASSWORD '${operatorVerifier}'
CREATE ROLE saas_template NOLOGIN NOINHERIT
GRANT saas_template TO saas_operator WITH ADMIN OPTION
CREATE DATABASE saas_operator OWNER saas_operator TEMPLATE template0
REVOKE ALL ON DATABASE saas_operator FROM PUBLIC
REVOKE ALL ON DATABASE postgres FROM PUBLIC
REVOKE ALL ON DATABASE template1 FROM PUBLIC
`
}

/** The first line that fits decides. A tenant's role is named as its database, so \`sameuser\` shuts all others. */
const rules = `host all postgres all reject
host all saas_operator all scram-sha-256
host sameuser all all scram-sha-256
`

function settings({ port, connections }: PostgresFilesParts): string {
  return `listen_addresses = '*'
port = ${port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = ${connections}
shared_buffers = '128MB'
max_locks_per_transaction = 256
max_wal_size = '1GB'
temp_file_limit = '2GB'
timezone = 'UTC'
${liveness.join("\n")}
`
}

/**
 * By these it finds out that a client is not there any more, as where a network loses everything that is sent: else its
 * locks and its connection are kept for hours. k8s/base and docker-compose.yml have the same. What tenants ask of their
 * side is in runtime/servers/connections.py.
 */
const liveness: readonly string[] = [
  "tcp_keepalives_idle = 10",
  "tcp_keepalives_interval = 5",
  "tcp_keepalives_count = 3",
  // Longer than a client gives its server: one that is only slow to read is not to lose what it is reading.
  "tcp_user_timeout = '60s'",
  // While a statement runs nothing else would notice.
  "client_connection_check_interval = '10s'",
]
