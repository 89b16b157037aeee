#!/bin/sh
# Prints the telemetry of a node, by an MQTT 5 request with a response topic: health.sh
set -eu
# shellcheck disable=SC2086 # BROKER is several words
exec mosquitto_rr ${BROKER-} -V 5 -q 1 -W 20 -t "pi_cam_node/${NODE:-porch}/cmd/health" -e "replies/health-$$" -n
