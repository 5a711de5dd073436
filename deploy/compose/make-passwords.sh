#!/bin/sh
# usage: make-passwords.sh FOLDER
# Each subfolder of FOLDER gets a file `password` with a random one, where it has none yet. Whoever is
# given such a folder may read it: others do not see it at all.
set -eu
for folder in "$1"/*/; do
  [ -s "$folder/password" ] && continue
  head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$folder/password.new"
  chmod 444 "$folder/password.new"
  mv "$folder/password.new" "$folder/password"
done
