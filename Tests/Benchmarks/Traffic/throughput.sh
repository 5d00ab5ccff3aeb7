#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0

# What traffic gets through with and without the agent, one right after the other. Generator, receiver and agent share the processors.
#
#   throughput.sh WEIR FLOOR RUNS [quick]
#
# Prints TRAFFIC|SOURCE|UNIT|WITHOUT|WITH, one line per run.
set -euo pipefail

WEIR=$(realpath "$1") FLOOR=$2 RUNS=$3 QUICK=${4:-}
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
SECS=2

packets_per_second() { gen left raw w0 "$STATION" 10.77.0.2 1000 0 18 0 $SECS | of pps; }

bits_per_second() {
    stream_server right
    in_host left iperf3 -c 10.77.0.2 -t $SECS --json | awk '/"sum_received"/ { inside = 1 } inside && /bits_per_second/ { gsub(/[^0-9.e+]/, "", $2); printf "%.0f\n", $2; exit }'
}

# both TRAFFIC UNIT SOURCE COMMAND
both() {
    local without with
    without=$($4)
    agent default right
    with=$($4)
    stop_agent default
    echo "$1|$3|$2|$without|$with"
}

host left right
veth left w0 right w0
wire_up
STATION=$(station right w0)
sink right 10.77.0.2
for ((run = 0; run < RUNS; run++)); do
    for source in tc cgroup; do
        plan default "source: $source"
        both "small packets, 1 k flows" packets/s $source packets_per_second
        both "TCP stream" bits/s $source bits_per_second
    done
    [ -z "$QUICK" ] || break
done
