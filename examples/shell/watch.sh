#!/bin/sh
# Prints events, one per line, for some seconds or until interrupted: watch.sh [seconds]
set -eu
# shellcheck disable=SC2086 # BROKER is several words
mosquitto_sub ${BROKER-} -q 1 ${1:+-W "$1"} -t 'pi_cam_node/+/event/#' |
    sed -u 's/.*"event_type":"\([a-z_]*\)".*"at":"\([^"]*\)".*/\2 \1/'
