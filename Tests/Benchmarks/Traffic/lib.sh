# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# What the measurements with real traffic are made of: the wire of the end-to-end tests, agents by plan, the floor beside them.
# Sourced with WEIR (the agent), FLOOR (the folder of gen, floor and obj/) and QUICK (1 or empty) set. Prints figures on standard
# output, one a line, for weir-bench; all else goes to standard error.

WORK=$(mktemp -d /tmp/weir-bench.XXXXXX)
RESULTS=$WORK/results
GEN=$FLOOR/gen
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../EndToEnd" && pwd)
# shellcheck source=../../EndToEnd/lib.sh
. "$here/lib.sh"
PREFIX=weir-bench
mkdir "$CASE"
: >"$CASE/failures"

stats_before=$(sysctl -n kernel.bpf_stats_enabled)
finish() {
    sysctl -qw kernel.bpf_stats_enabled="$stats_before"
    remove_everything
    rm -rf "$WORK"
}
trap finish EXIT
trap 'exit 130' INT TERM
# Where it stopped, for the message of weir-bench.
set -E
trap 'echo "${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND" >&2; cat "$CASE"/failures "$CASE"/*.log 2>/dev/null | tail -n 3 >&2' ERR

remove_everything

# The rights of the service, no more: the verifier makes programs of the mighty faster.
AS_SERVICE=(setpriv --bounding-set=-all,+bpf,+net_admin,+perfmon --inh-caps=-all)
cat >"$WORK/weir" <<EOF
#!/bin/bash
exec ${AS_SERVICE[*]} "$WEIR" "\$@"
EOF
chmod +x "$WORK/weir"
WEIR_ITSELF=$WEIR
WEIR=$WORK/weir

# plan NAME CAPTURE [MORE]: a configuration that leads to the plan zones, default or everything; without the listener, so that several run.
plan() {
    local metrics
    case $1 in
    zones*) metrics='{ network.flow.bytes: [src.zone, dst.zone], network.flow.packets: [src.zone, dst.zone] }' ;;
    default*) metrics= ;;
    everything*) metrics='{ network.flow.bytes: [src.port, dst.port, client.port, server.port, transport, iface, src.owner.name, dst.owner.name] }' ;;
    esac
    # The cgroup source refuses interfaces, devices know no owners.
    [[ $2 == *cgroup* ]] && metrics=${metrics/ iface,/} || metrics=${metrics/, src.owner.name, dst.owner.name/}
    {
        echo "capture: { $2 }"
        [ -z "$metrics" ] || echo "metrics: $metrics"
        echo "${3:-http: off}"
        echo "export: [prometheus]"
    } >"$CASE/$1.yaml"
    chmod 0600 "$CASE/$1.yaml"
}

# programs: the numbers of all loaded programs of the agent and the floor, with their names, time and runs.
programs() {
    bpftool prog show | awk '
        $2 != "name" && /^[0-9]+: / { id = $1 + 0; name = ""; time = 0; runs = 0
            for (i = 2; i < NF; i++) {
                if ($i == "name") name = $(i + 1)
                if ($i == "run_time_ns") time = $(i + 1)
                if ($i == "run_cnt") runs = $(i + 1)
            }
            if (name ~ /^(weir|floor)_/) print id, name, time, runs
        }'
}

declare -A OWNER # of a program's number: the candidate that loaded it

# owns CANDIDATE: all programs that nobody owned so far are its.
owns() {
    local id rest
    while read -r id rest; do
        [ -n "${OWNER[$id]:-}" ] || OWNER[$id]=$1
    done < <(programs)
}

# floor NAME HOST INTERFACE|CGROUP VARIANT ENTRIES [first]: one variant of the floor, with the rights of the service.
floor() {
    background "$2" "${AS_SERVICE[@]}" "$FLOOR/floor" "$FLOOR/obj/$4.o" "$3" "$5" 5 ${6:+"$6"} >"$CASE/$1.out" 2>"$CASE/$1.log"
    AGENT_PID[$1]=$!
    wait_for "floor $1" 10 grep -q attached "$CASE/$1.out"
}

stop() {
    local name
    for name; do
        kill -TERM "${AGENT_PID[$name]}"
        wait_for_end "${AGENT_PID[$name]}"
        unset "AGENT_PID[$name]"
    done
    OWNER=()
}

# memory_group: a control group with a memory controller, v2 or v1; leaves its folder in GROUP.
memory_group() {
    local v1
    v1=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)
    GROUP=${v1:-$(cgroup_root)}/$PREFIX-memory
    [ -n "$v1" ] || echo +memory >"$(cgroup_root)/cgroup.subtree_control" 2>/dev/null || true
    mkdir -p "$GROUP"
    CURRENT=$GROUP/memory.current
    [ -e "$CURRENT" ] || CURRENT=$GROUP/memory.usage_in_bytes
    [ -e "$CURRENT" ] || { echo "no memory controller: neither v1 nor v2" >&2; exit 1; }
}

remove_group() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do rmdir "$GROUP" 2>/dev/null && return; sleep 0.2; done
}

# in_group NAME: starts the agent NAME there.
in_group() {
    memory_group
    WEIR=$WORK/weir-in-group
    printf '#!/bin/bash\necho $$ >%s/cgroup.procs\nexec %s "$@"\n' "$GROUP" "$WORK/weir" >"$WEIR"
    chmod +x "$WEIR"
    agent "$1" right
}

# processor NAME: seconds that the agent has spent, of the user's and the kernel's time.
processor() { awk -v ticks="$(getconf CLK_TCK)" '{ print ($14 + $15) / ticks }' "/proc/${AGENT_PID[$1]}/stat"; }

charged() { cat "$CURRENT"; }
