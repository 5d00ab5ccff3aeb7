#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0

# What the agent takes: memory charged to its control group, kernel maps and all; processor time; time to start; time to drain.
#
#   memory.sh WEIR FLOOR RUNS [quick]
#
# Prints FIGURE|UNIT|VALUE, one line per run.
set -euo pipefail

WEIR=$(realpath "$1") FLOOR=$2 RUNS=$3 QUICK=${4:-}
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# loaded FLOWS ENTRIES: the everything plan (a key with ports: every flow is an entry) for three windows of so many flows, and what it takes at most.
loaded() {
    local most=0 now name=everything sender idle
    plan $name "source: tc, interfaces: { include: [w0] }, max_flows: $2"
    in_group $name
    idle=$(charged)
    background left "$GEN" raw w0 "$STATION" 10.77.0.2 "$1" 3 18 $(($1 / 5)) 0 >/dev/null
    sender=$!
    while kill -0 $sender 2>/dev/null; do
        now=$(charged)
        [ "$now" -le "$most" ] || most=$now
        sleep 0.1
    done
    sleep 1
    local spent
    spent=$(processor $name)
    stop_agent $name
    remove_group
    local flows drained
    flows=$(metric $name weir_pipeline_flows_total)
    drained=$(awk '$1 ~ /^weir_kernel_drain_seconds_total/ { print $2 }' "$CASE/$name.prom")
    [ "$flows" -ge "$1" ] || { echo "only $flows flows of $1 came" >&2; return 1; }
    echo "charged, $3 flows per window|bytes|$most"
    echo "charged, idle with room for $3|bytes|$idle"
    awk -v spent="$spent" -v flows="$flows" -v name="$3" 'BEGIN { printf "CPU per million flows, windows of %s|s|%.3f\n", name, spent * 1e6 / flows }'
    awk -v spent="$drained" -v flows="$flows" -v name="$3" 'BEGIN { printf "drain and pipeline per million flows, windows of %s|s|%.3f\n", name, spent * 1e6 / flows }'
}

idle() {
    plan default "source: tc, interfaces: { include: [w0] }"
    in_group default
    sleep 1
    echo "charged, idle, default configuration|bytes|$(charged)"
    stop_agent default
    remove_group
}

# start_up: from the start of the process until /readyz says yes.
start_up() {
    local start end
    plan default "source: tc, interfaces: { include: [w0] }" "http: { listen: 127.0.0.1:19190 }"
    start=$(now_ms)
    background right "$WORK/weir" run --config "$CASE/default.yaml" --final-metrics "$CASE/default.prom" >"$CASE/default.out" 2>"$CASE/default.log"
    AGENT_PID[default]=$!
    until in_host right curl -sf -o "$WORK/ready" --max-time 1 http://127.0.0.1:19190/readyz; do
        end=$(now_ms)
        [ $((end - start)) -lt 10000 ] || { echo "not ready after 10 s" >&2; return 1; }
        sleep 0.005
    done
    end=$(now_ms)
    echo "start until /readyz|ms|$((end - start))"
    stop_agent default
}

host left right
veth left w0 right w0
wire_up
STATION=$(station right w0)
sink right 10.77.0.2
"$WEIR_ITSELF" --version >/dev/null # so that the pages of the file are in nobody's account

echo "binary, not stripped|bytes|$(stat -Lc %s "$WEIR_ITSELF")"
for ((run = 0; run < RUNS; run++)); do
    idle
    start_up
    loaded 100000 131072 "100 k"
    loaded 1000000 1179648 "1 M"
    for entries in 100000:"100 k" 1000000:"1 M"; do
        # The key and the value of the everything plan.
        sed 's/[{}":]/ /g; s/,/ /g' < <("$FLOOR/drain" "${entries%%:*}" 52 24) | awk -v entries="${entries#*:}" '{
            for (i = 1; i < NF; i += 2) value[$i] = $(i + 1)
            print "empty a map of " entries " by reading and deleting|s|" value["take"]
            print "empty a map of " entries " by reading, freeing, a fresh one|s|" value["fresh"]
        }'
    done
    [ -z "$QUICK" ] || break
done
