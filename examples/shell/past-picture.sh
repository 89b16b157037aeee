#!/bin/sh
# Writes the picture of some seconds ago to standard output: past-picture.sh 2 >then.jpg
set -eu
here=$(dirname "$0")
reply=$("$here/ask.sh" pastStack "\"at\":${1:-2},\"formats\":[\"jpg\"]")
case $reply in *'"ok":true'*) ;; *) printf '%s\n' "$reply" >&2; exit 1 ;; esac
# The picture is retained, and published before the reply.
# shellcheck disable=SC2086 # BROKER is several words
exec mosquitto_sub ${BROKER-} -C 1 -N -t "pi_cam_node/${NODE:-porch}/media/last/image"
