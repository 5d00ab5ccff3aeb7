#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0

# What the programs cost per packet, beside the floor, on the same packets at the same time.
#
#   kernel.sh WEIR FLOOR RUNS [quick|variants]
#
# quick: the gate only. variants: the variants of the floor alone, which the decision records quote.
#
# Agents of three plans (zones, default, everything), the floor with the same two kinds of map and its empty program stand at one hook
# together; each run starts them anew, another one first. Prints, for every program that ran:
#
#   SOURCE|WORKLOAD|RUN|CANDIDATE|PROGRAM|NANOSECONDS|PACKETS
set -euo pipefail

WEIR=$1 FLOOR=$2 RUNS=$3 QUICK=${4:-}
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

SECS=1
FEW=1000 # runs of a program below which its time says nothing
FLOORS=(nop floor floor-percpu)
PLANS=(zones default everything)
VARIANTS=(nop parse hash16 hash40 pchash16 pchash40 lru40 hash40np hash40lock pchash40ts pchash40tc)

# measure SOURCE WORKLOAD RUN COMMAND…
measure() {
    local key="$1|$2|$3"
    shift 3
    programs >"$WORK/before"
    "$@" >"$WORK/traffic" 2>&1 || { cat "$WORK/traffic" >&2; return 1; }
    programs >"$WORK/after"
    while read -r id name time runs; do
        case ${OWNER[$id]:-others} in warm | others) continue ;; esac
        [ "$runs" -ge $FEW ] || continue
        echo "$key|${OWNER[$id]}|$name|$time|$runs"
    done < <(awk 'NR == FNR { time[$1] = $3; runs[$1] = $4; next } { print $1, $2, $3 - time[$1], $4 - runs[$1] }' "$WORK/before" "$WORK/after")
}

# start CANDIDATE SOURCE ENTRIES
start() {
    local place=w0 kind=tcx capture
    [ "$2" = cgroup ] && place=$(cgroup_root) kind=cg
    case $1 in
    warm) floor "$1" right "$place" $kind-parse "$3" first ;;
    nop) floor "$1" right "$place" $kind-nop "$3" ;;
    floor) floor "$1" right "$place" $kind-hash40 "$3" ;;
    floor-percpu) floor "$1" right "$place" $kind-pchash40 "$3" ;;
    variant-*) floor "$1" right w0 tcx-"${1#variant-}" "$3" ;;
    *)
        case $2 in
        cgroup) capture='source: cgroup' ;;
        *) capture="source: tc, tc: $2, interfaces: { include: [w0] }" ;;
        esac
        # Everything, but with the map of the defaults.
        [ "$1" = everything-default-map ] || capture+=", max_flows: $3"
        [[ $1 != *-sampled ]] || capture+=", sampling: 100"
        plan "$1" "$capture"
        agent "$1" right
        ;;
    esac
    owns "$1"
}

# start_all RUN SOURCE ENTRIES CANDIDATE…: in another order each run.
start_all() {
    local run=$1 source=$2 entries=$3 i
    shift 3
    owns others
    # Whoever comes first fetches the headers into the cache, and the stack would have to do it anyway: that is measured for nobody.
    [ "$source" != cgroup ] || start warm "$source" 1
    for ((i = 0; i < $#; i++)); do start "${@:((i + run * 2) % $# + 1):1}" "$source" "$entries"; done
    [ "$source" = cgroup ] || start warm "$source" 1
}

frames() { gen left raw w0 "$STATION" 10.77.0.2 "$1" 0 18 0 "${2:-$SECS}"; }
sockets() { gen right sock 10.77.0.2 10.77.0.1 "$1" 18 $SECS; }
hot_pair() {
    local cpu senders=()
    for cpu in $(seq 0 $(($(nproc) - 1))); do
        background left taskset -c "$cpu" "$GEN" raw w0 "$STATION" 10.77.0.2 1 0 18 0 $SECS
        senders+=($!)
    done
    wait "${senders[@]}"
}
tcp_stream() {
    stream_server right
    stream left 10.77.0.2 -t $SECS
}

# few_flows SOURCE RUN: the workloads that fit into the default map.
few_flows() {
    measure "$1" "1 k flows, frames" "$2" frames 1000
    measure "$1" "1 k flows, sockets" "$2" sockets 1000
    [ -z "$QUICK" ] || return 0
    measure "$1" "1 flow, frames" "$2" frames 1
    measure "$1" "1 hot pair, all CPUs" "$2" hot_pair
    measure "$1" "TCP stream" "$2" tcp_stream
    measure "$1" "10 k flows, frames" "$2" frames 10000
    measure "$1" "100 k flows, frames" "$2" frames 100000 $((2 * SECS))
}

host left right
veth left w0 right w0
wire_up
STATION=$(station right w0)
sink left 10.77.0.1
sink right 10.77.0.2
sysctl -qw kernel.bpf_stats_enabled=1

if [ "$QUICK" = variants ]; then
    for ((run = 0; run < RUNS; run++)); do
        start_all $run tcx 131072 "${VARIANTS[@]/#/variant-}"
        measure tcx "1 k flows, frames" $run frames 1000
        measure tcx "100 k flows, frames" $run frames 100000 $((2 * SECS))
        measure tcx "1 hot pair, all CPUs" $run hot_pair
        stop warm "${VARIANTS[@]/#/variant-}"
    done
    exit 0
fi
for ((run = 0; run < RUNS; run++)); do
    for source in tcx cgroup; do
        start_all $run $source 131072 "${FLOORS[@]}" "${PLANS[@]}"
        few_flows $source $run
        stop warm "${FLOORS[@]}" "${PLANS[@]}"
    done
    # Agents know their own clsact filters by a handle that all share, so one at a time; the floor is the same program at either hook.
    for i in "${!PLANS[@]}"; do
        plan=${PLANS[i]} turn=$((run * ${#PLANS[@]} + i))
        start_all $run clsact 131072 "${FLOORS[@]}" "$plan"
        measure clsact "1 k flows, frames" $turn frames 1000
        measure clsact "1 k flows, sockets" $turn sockets 1000
        stop warm "${FLOORS[@]}" "$plan"
    done
done
[ -z "$QUICK" ] || exit 0
# One packet in 100, beside all of them.
for ((run = 0; run < RUNS; run++)); do
    for source in tcx cgroup; do
        start_all $run $source 131072 nop floor everything everything-sampled
        measure $source "sampling, 1 k flows, frames" $run frames 1000
        measure $source "sampling, 1 k flows, sockets" $run sockets 1000
        stop warm nop floor everything everything-sampled
    done
done
# A million flows: with room for all, and with the default map, which is then drained again and again.
for ((run = 0; run < 2; run++)); do
    start_all $run tcx 1200000 nop floor everything everything-default-map
    measure tcx "1 M flows, frames" $run frames 1000000 10
    stop warm nop floor everything everything-default-map
done
