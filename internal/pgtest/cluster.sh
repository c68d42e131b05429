#!/bin/sh
# One throwaway PostgreSQL cluster that lives exactly as long as this script's
# standard input stays open. It prints the superuser URL as the first line on
# standard output, waits for the end of its input, then stops the cluster and
# removes the folder. The lines "stop fast", "stop immediate" and "restart" on its
# input stop the server and start it again on its old port; "status" asks for it.
#
# Why a pipe and not a signal or a pid file: the kernel closes a dead process's
# pipes, so whoever holds the other end (a test process, .ci/with-postgres) may
# end in any way, kill -9 included, and no server is left behind.
set -eu
# Ctrl-C reaches the whole process group; only the pipe decides when to stop.
trap '' INT HUP TERM

fail() { echo "pgtest: $*" >&2; exit 1; }

bindir=
for dir in "$(pg_config --bindir 2>/dev/null || true)" /usr/lib/postgresql/15/bin \
	/usr/lib/postgresql/*/bin /usr/local/opt/postgresql*/bin /opt/homebrew/opt/postgresql*/bin \
	"$(dirname "$(command -v initdb || echo /nowhere/initdb)")"; do
	if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && [ -x "$dir/pg_ctl" ]; then
		bindir=$dir
		break
	fi
done
[ -n "$bindir" ] || fail "no PostgreSQL server programs found (initdb, postgres, pg_ctl);" \
	"install the package 'postgresql', or set SKAND_TEST_POSTGRES to a superuser URL"

# PostgreSQL refuses to run as root, so root lends it an unprivileged user. That
# user has to reach the folder, which root's own TMPDIR may not allow.
user= base=${TMPDIR:-/tmp}
if [ "$(id -u)" = 0 ]; then
	base=/tmp
	user=nobody
	if id postgres >/dev/null 2>&1; then user=postgres; fi
fi
# SKAND_PG_FSYNC=off: nothing has to reach the disk. What is committed still survives
# the death of any process, the server's too, but not the machine's. Then memory does
# as well, where there is enough of it: a database is some 400 files, and making them
# is most of what creating it costs.
relaxed=
if [ "${SKAND_PG_FSYNC:-on}" = off ]; then
	relaxed="-c fsync=off -c full_page_writes=off -c max_wal_size=256MB"
	room=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
	free=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo 2>/dev/null || true)
	if [ "${room:-0}" -gt 4000000 ] && [ "${free:-0}" -gt 6000000 ]; then base=/dev/shm; fi
fi
# SKAND_PG_DATA and SKAND_PG_WAL name folders of the caller's own, which that user may
# write to, for everything and for the write-ahead log: a test that fills a disk
# brings a small one.
base=${SKAND_PG_DATA:-$base}
as() {
	if [ -n "$user" ]; then runuser -u "$user" -- "$@"; else "$@"; fi
}

cd "$base"
root=$(as mktemp -d "$base/skand-pg.XXXXXX")
wal=
if [ -n "${SKAND_PG_WAL:-}" ]; then wal=$(as mktemp -d "$SKAND_PG_WAL/skand-pg.XXXXXX"); fi
cleanup() {
	as "$bindir/pg_ctl" stop -D "$root/data" -m immediate >/dev/null 2>&1 || true
	rm -rf "$root" ${wal:+"$wal"}
}
trap cleanup EXIT

# A superuser may run programs as its operating-system user, so even a throwaway
# server on the loopback has a password.
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '%s\n' "$password" | as tee "$root/password" >/dev/null
as chmod 600 "$root/password"
as "$bindir/initdb" -D "$root/data" -U postgres --auth=scram-sha-256 --pwfile="$root/password" \
	--encoding=UTF8 --locale=C ${wal:+--waldir="$wal"} >"$root/initdb.log" 2>&1 || {
	cat "$root/initdb.log" >&2
	fail "initdb failed (see above)"
}

# Ports below the ephemeral range: a test's outgoing connection cannot take one.
# SKAND_PG_PRELOAD names a library to preload under the server alone: internal/bench
# slows the disk down with it.
try=0
while :; do
	port=$(($(od -An -N2 -tu2 /dev/urandom) % 20000 + 10000))
	if as ${SKAND_PG_PRELOAD:+env LD_PRELOAD="$SKAND_PG_PRELOAD"} "$bindir/pg_ctl" start -w -t 60 -D "$root/data" -l "$root/server.log" -o "\
		-c listen_addresses=127.0.0.1 -c port=$port -c max_connections=200 $relaxed \
		-c unix_socket_directories='$root'" >/dev/null 2>&1; then
		break
	fi
	try=$((try + 1))
	if [ "$try" -ge 10 ]; then
		cat "$root/server.log" >&2
		fail "the server did not start on any of 10 ports (see above)"
	fi
done

echo "postgres://postgres:$password@127.0.0.1:$port/postgres?sslmode=disable"

# Orders of a test that takes its server away: each is answered by a line.
while read -r order mode; do
	case $order in
	status) as "$bindir/pg_ctl" status -D "$root/data" >/dev/null 2>&1 && echo running || echo ended ;;
	stop) as "$bindir/pg_ctl" stop -w -t 60 -D "$root/data" -m "$mode" >/dev/null 2>&1 && echo done || echo failed ;;
	# As it was started: pg_ctl keeps the options in postmaster.opts.
	restart) as "$bindir/pg_ctl" restart -w -t 60 -D "$root/data" -l "$root/server.log" </dev/null >/dev/null 2>&1 && echo done || echo failed ;;
	esac
done
