#!/bin/sh
# Sends a command and prints its final reply: ask.sh pastStack '"at":2'
# NODE is the node's id, BROKER are options of mosquitto_pub, such as "-h broker.lan -u anna -P secret".
set -eu
[ $# -ge 1 ] || { echo "usage: ask.sh VERB [JSON FIELDS]" >&2; exit 2; }
node=${NODE:-porch} verb=$1 id=shell-$$-$(date +%s)
topics=pi_cam_node/$node
# shellcheck disable=SC2086 # BROKER is several words
mosquitto_sub ${BROKER-} -C 1 -W 10 -t "$topics/availability" >/dev/null || { echo "$node is not known there" >&2; exit 1; }
heard=$(mktemp -d)
mkfifo "$heard/replies"
# shellcheck disable=SC2086 # BROKER is several words
mosquitto_sub ${BROKER-} -q 1 -W 60 -t "$topics/availability" -t "$topics/reply/$verb" >"$heard/replies" &
listener=$!
trap 'kill "$listener" 2>/dev/null; rm -rf "$heard"' EXIT
exec 3<"$heard/replies"
read -r available <&3 # retained, so it arrives as soon as the subscription is active
[ "$available" = online ] || { echo "$node is $available" >&2; exit 1; }
# shellcheck disable=SC2086
mosquitto_pub ${BROKER-} -q 1 -t "$topics/cmd/$verb" -m "{\"id\":\"$id\"${2:+,$2}}"
while read -r reply <&3; do
    case $reply in
        *"\"id\":\"$id\""*'"stage":"final"'*) printf '%s\n' "$reply"; exit ;;
        *'"message":"ERROR: the payload is not JSON: '*) printf '%s\n' "$reply"; exit ;; # its id could not be read
    esac
done
echo "no reply within a minute" >&2
exit 1
