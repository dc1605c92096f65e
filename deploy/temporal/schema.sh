#!/bin/sh
# Makes Temporal's two databases, or brings them up to the version of the tool that runs: safe to repeat. Run it with the
# new version before the new server starts. Takes POSTGRES_SEEDS, DB_PORT, POSTGRES_USER and SQL_PASSWORD.
set -eu
sql() {
  temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_SEEDS" -p "${DB_PORT:-5432}" -u "$POSTGRES_USER" --db "$@"
}
for kind in temporal visibility; do
  case $kind in
    temporal) db=${DBNAME:-temporal} ;;
    visibility) db=${VISIBILITY_DBNAME:-temporal_visibility} ;;
  esac
  sql "$db" create-database
  sql "$db" setup-schema -v 0.0
  sql "$db" update-schema --schema-name "postgresql/v12/$kind"
done
