#!/bin/sh
# usage: start-redis.sh PASSWORD_FILE RUN_FOLDER DATA_FOLDER [MORE…]
# The password goes from its file into one that only this process reads: not onto a command line, where
# a list of processes would show it.
set -eu
password_file=$1 run=$2 data=$3
shift 3
umask 077
printf 'requirepass %s\n' "$(cat "$password_file")" >"$run/password.conf"
exec redis-server "$(dirname "$0")/redis.conf" --include "$run/password.conf" --dir "$data" "$@"
