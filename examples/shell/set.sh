#!/bin/sh
# Changes a live setting and prints what became of it: set.sh night.gain 8
set -eu
[ $# -eq 2 ] || { echo "usage: set.sh KEY VALUE" >&2; exit 2; }
value=$(printf %s "$2" | sed 's/[\\"]/\\&/g')
reply=$("$(dirname "$0")/ask.sh" set "\"key\":\"$1\",\"value\":\"$value\"")
printf '%s\n' "$reply" | sed -E 's/.*"message":"(([^"\\]|\\.)*)".*/\1/; s/\\(["\\])/\1/g'
case $reply in *'"ok":true'*) ;; *) exit 1 ;; esac
