#!/bin/sh
# Changes a live setting and prints the new value: set.sh night.gain 8
set -eu
topics=pi_cam_node/${NODE:-porch}
# shellcheck disable=SC2086 # BROKER is several words
mosquitto_pub ${BROKER-} -q 1 -t "$topics/set/$1" -m "$2"
"$(dirname "$0")/ask.sh" get "\"key\":\"$1\"" | sed 's/.*"value":\([^,]*\),.*/\1/'
