#!/bin/sh
# Writes the picture of some seconds ago to standard output: past-picture.sh 2 >then.jpg
set -eu
here=$(dirname "$0")
reply=$("$here/ask.sh" pastStack "\"at\":${1:-2},\"formats\":[\"jpg\"]")
case $reply in *'"ok":true'*) ;; *) printf '%s\n' "$reply" >&2; exit 1 ;; esac
# Picture and facts are retained, and published before the reply. The facts tell whether another picture came meanwhile.
last=pi_cam_node/${NODE:-porch}/media/last
# shellcheck disable=SC2086 # BROKER is several words
found=$(mosquitto_sub ${BROKER-} -C 2 -W 10 -F '%t %x' -t "$last" -t "$last/image") || { echo "$last/image is empty" >&2; exit 1; }
decoded() { printf '%s\n' "$found" | sed -n "s#^$1 ##p" | perl -ne 'chomp; print pack "H*", $_'; }
id=$(printf '%s\n' "$reply" | sed 's/.*"data":{"id":"\([^"]*\)".*/\1/')
case $(decoded "$last") in
    *"\"id\":\"$id\""*) decoded "$last/image" ;;
    *) echo "another picture was saved meanwhile" >&2; exit 1 ;;
esac
