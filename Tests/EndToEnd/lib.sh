# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# What the cases are made of: namespaces and wires, the agent under test, truth, and expectations.
# Sourced by every case with WEIR, GEN, ATTACHED, WORK and RESULTS set.

PREFIX=weir-e2e
# The folder of the case that runs: configurations, logs, metrics.
CASE=$WORK/case
declare -A AGENT_PID

# shellcheck source=cells.sh
. "$here/cells.sh"
# shellcheck source=matrix.sh
. "$here/matrix.sh"

# ---- Cases ----

# run_case NAME FUNCTION [ARGUMENT…]: runs the function by itself, cleans up after it, prints one line.
run_case() {
    local name=$1 start status seconds measurements
    shift
    [[ $name == ${ONLY:-*} ]] || return 0
    [ -n "$CELL" ] || [ -z "${EXACT:-}" ] || return 0
    case $CELL in
        '' | various) ;;
        *) planned "$CELL" ;;
    esac
    measurements=$(measurements)
    start=$(now_ms)
    rm -rf "$CASE"
    mkdir "$CASE"
    : >"$CASE/failures"
    : >"$CASE/remark"
    set +e
    (
        set -eE
        trap 'fail "line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND"' ERR
        trap remove_everything EXIT
        "$@"
    )
    status=$?
    set -e
    # Other cases may have measured the same cell.
    [ -z "$CELL" ] || [ "$(measurements)" -gt "$measurements" ] || fail "has the cell '$CELL', and measured nothing"
    seconds=$(awk -v ms=$(($(now_ms) - start)) 'BEGIN { printf "%.1fs", ms / 1000 }')
    if [ "$status" = 0 ] && ! [ -s "$CASE/failures" ]; then
        echo ok >>"$RESULTS"
        printf 'ok   %-34s %s   %s\n' "$name" "$(paste -sd' ' "$CASE/remark")" "$seconds"
        return
    fi
    echo failed >>"$RESULTS"
    printf 'FAIL %-34s %s   %s\n' "$name" "$(sort -u "$CASE/failures" | paste -sd';')" "$seconds"
    tail -q -n 5 "$CASE"/*.log 2>/dev/null | cut -c 1-240 | sed 's/^/       /' || true
    if [ -n "${KEEP:-}" ]; then cp -r "$CASE" "$WORK/$name"; fi
}

skip_case() { printf 'skip %-34s %s\n' "$1" "$2"; }

now_ms() { date +%s%3N; }

fail() { echo "$*" >>"$CASE/failures"; }

# What the line of a passed case says.
remark() { echo "$*" >>"$CASE/remark"; }

# ---- Expectations ----

# expect WHAT EXPECTED GOT
expect() { [ "$2" = "$3" ] || fail "$1: expected $2 got $3"; }

# expect_that WHAT COMMAND…: the command succeeds.
expect_that() {
    local what=$1
    shift
    "$@" || fail "$what"
}

# expect_truth AGENT METRIC BYTES PACKETS [TRUTH]: METRIC.bytes and METRIC.packets add up to exactly this, by TRUTH (generator).
expect_truth() {
    local bytes packets
    bytes=$(metric "$1" "weir_${2}_bytes_total")
    packets=$(metric "$1" "weir_${2}_packets_total")
    measured "$CELL" "${5:-generator}" "$3" "$4" "$bytes" "$packets"
    remark "$((bytes - $3)) bytes, $((packets - $4)) packets off of $4;"
}

# expect_books AGENT: both books of the design's section 3.1 balance, to the byte and to the packet, and no drain ever differed.
expect_books() {
    local unit seen counted overflow left taken series kept held
    for unit in bytes packets; do
        seen=$(metric "$1" weir_kernel_seen_${unit}_total)
        counted=$(metric "$1" weir_kernel_counted_${unit}_total)
        overflow=$(metric "$1" weir_kernel_overflow_${unit}_total)
        left=$(metric "$1" weir_kernel_not_counted_${unit}_total)
        expect "$1: kernel book, $unit" "$seen" $((counted + overflow + left))
        taken=$(metric "$1" weir_pipeline_taken_${unit}_total)
        series=$(metric "$1" weir_pipeline_series_${unit}_total)
        kept=$(metric "$1" weir_pipeline_not_exported_${unit}_total)
        held=$(metric "$1" weir_pipeline_held_${unit})
        expect "$1: pipeline book, $unit" "$taken" $((series + kept + held))
        expect "$1: taken from the kernel, $unit" "$counted" "$taken"
        # A metric without a filter of its own shows all of it.
        if grep -q "^weir_network_flow_${unit}_total{" "$CASE/$1.prom"; then
            expect "$1: network.flow.$unit" "$series" "$(metric "$1" weir_network_flow_${unit}_total)"
        fi
    done
    expect "$1: unbalanced drains" 0 "$(metric "$1" weir_kernel_unbalanced_drains_total)"
}

# expect_all AGENT BYTES PACKETS [TRUTH]: every packet of the devices was seen, and is in series or, where there was no room, in overflow. ARP and its like apart.
expect_all() {
    local bytes packets
    bytes=$(accounted "$1" bytes)
    packets=$(accounted "$1" packets)
    measured "$CELL" "${4:-interface counters}" "$2" "$3" "$bytes" "$packets"
    expect "$1: packets seen" "$packets" "$(metric "$1" weir_kernel_seen_packets_total)"
    remark "$1: $((bytes - $2)) bytes, $((packets - $3)) packets off of $3 on all devices;"
}

accounted() {
    local series overflow other
    series=$(metric "$1" "weir_network_flow_${2}_total")
    overflow=$(metric "$1" "weir_kernel_overflow_${2}_total")
    other=$(metric "$1" "weir_kernel_not_counted_${2}_total" 'reason="non_ip"')
    echo $((series + overflow + other))
}

# expect_nothing_lost AGENT: no packet found the map and the ring full.
expect_nothing_lost() { expect "$1: overflow packets" 0 "$(metric "$1" weir_kernel_overflow_packets_total)"; }

# ---- Namespaces and wires ----

# host NAME…: namespaces that stand for hosts and containers. No chatter of IPv6, no reverse path filter.
host() {
    local name
    for name; do
        ip netns add "$PREFIX-$name"
        in_host "$name" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
            net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0
        ip -n "$PREFIX-$name" link set lo up
    done
}

# in_host NAME COMMAND…: in its network namespace alone: /sys/fs/cgroup must stay in view.
in_host() {
    local name=$1
    shift
    nsenter --net="/run/netns/$PREFIX-$name" "$@"
}

ip_in() {
    local name=$1
    shift
    ip -n "$PREFIX-$name" "$@"
}

# veth HOST DEVICE HOST DEVICE: a pair, down. Offloads stay as the kernel has them.
veth() { ip_in "$1" link add "$2" type veth peer name "$4" netns "$PREFIX-$3"; }

no_offloads() { in_host "$1" ethtool -K "$2" tso off gso off gro off tx off rx off sg off >/dev/null 2>&1; }

station() { in_host "$1" ip -j link show "$2" | sed 's/.*"address":"\([^"]*\)".*/\1/'; }

# knows HOST DEVICE ADDRESS STATION: so that nobody needs to ask by ARP or ND.
knows() { ip_in "$1" neigh replace "$3" lladdr "$4" dev "$2" nud permanent; }

# wire: left (10.77.0.1, fd77::1) and right (10.77.0.2, fd77::2) on w0, still down, so that an agent that starts now sees all it ever carries.
wire() {
    local side
    host left right
    veth left w0 right w0
    for side in left right; do no_offloads $side w0; done
}

# wire_with_offloads: the same, and a pfifo on both ends that counts segments as they go onto the wire.
wire_with_offloads() {
    local side
    host left right
    veth left w0 right w0
    for side in left right; do ip netns exec "$PREFIX-$side" tc qdisc add dev w0 root pfifo limit 100000; done
}

wire_up() {
    local left right
    left=$(station left w0) right=$(station right w0)
    ip_in right link set w0 up
    ip_in left link set w0 up
    ip_in left addr add 10.77.0.1/24 dev w0
    ip_in right addr add 10.77.0.2/24 dev w0
    ip_in left addr add fd77::1/64 dev w0 nodad
    ip_in right addr add fd77::2/64 dev w0 nodad
    knows left w0 10.77.0.2 "$right"
    knows left w0 fd77::2 "$right"
    knows right w0 10.77.0.1 "$left"
    knows right w0 fd77::1 "$left"
    # The generator's sources, so that answers to them have a way.
    ip_in right route add 10.100.0.0/24 via 10.77.0.1
    ip_in right route add fd64::/64 via fd77::1
}

# wire_down: nothing may pass any more; what was counted so far is all there is.
wire_down() {
    sleep 0.2
    ip_in right link set w0 down
    ip_in left link set w0 down
}

# ---- The agent ----

# config NAME CAPTURE [FILTER] [MORE]: its configuration. CAPTURE is the inside of `capture:`. Metric `test` is what FILTER lets through.
config() {
    local filter=${3:-dst.port == 9999}
    cat >"$CASE/$1.yaml" <<EOF
capture: { $2 }
enrich: []
metrics:
  network.flow.bytes: [transport, observer]
  network.flow.packets: [transport, observer]
  test.bytes: { measure: bytes, filter: '$filter', attributes: [transport] }
  test.packets: { measure: packets, filter: '$filter', attributes: [transport] }
export: [prometheus]
http: off
${4:-}
EOF
    chmod 0600 "$CASE/$1.yaml"
}

# agent NAME HOST: starts it there with $CASE/NAME.yaml, and returns when it counts.
agent() {
    : >"$CASE/$1.log"
    background "$2" "$WEIR" run --config "$CASE/$1.yaml" --final-metrics "$CASE/$1.prom" >"$CASE/$1.out" 2>"$CASE/$1.log"
    AGENT_PID[$1]=$!
    wait_for "agent $1 to run" 10 said_it_runs_or_left "$1"
    grep -q ' notice running ' "$CASE/$1.log" || { fail "agent $1 did not start"; exit 1; }
}

said_it_runs_or_left() { grep -q ' notice running ' "$CASE/$1.log" || ! kill -0 "${AGENT_PID[$1]}" 2>/dev/null; }

# background HOST COMMAND…: leaves its number in $!. What a killed run leaves behind must not hold the lock of runs.
background() {
    local name=$1
    shift
    (
        trap - ERR EXIT
        exec nsenter --net="/run/netns/$PREFIX-$name" "$@"
    ) 3>&- 9>&- &
}

# stop_agent NAME: as systemd would; it must drain and leave within 5 s.
stop_agent() {
    local start
    start=$(now_ms)
    kill -TERM "${AGENT_PID[$1]}"
    wait_for_end "${AGENT_PID[$1]}"
    expect "$1: exit status" 0 "$STATUS"
    [ $(($(now_ms) - start)) -le 5000 ] || fail "$1: took $(($(now_ms) - start)) ms to stop"
    [ -s "$CASE/$1.prom" ] || fail "$1: no final metrics"
}

# kill_agent NAME: as the kernel's OOM killer would.
kill_agent() {
    kill -KILL "${AGENT_PID[$1]}"
    wait_for_end "${AGENT_PID[$1]}"
}

# wait_for_end PID: leaves in STATUS how the child ended.
wait_for_end() {
    STATUS=0
    wait "$1" 2>/dev/null || STATUS=$?
}

# attached HOST DEVICE: how many of our programs stand there, by tcx and by clsact.
attached() {
    local tcx filters
    tcx=$(in_host "$1" "$ATTACHED" "$2" | grep -c '^weir_' || true)
    filters=$(for way in ingress egress; do ip_tc "$1" filter show dev "$2" $way 2>/dev/null || true; done | grep -c 'weir_' || true)
    echo "tcx $tcx clsact $filters"
}

# has_ours HOST DEVICE WHAT: `attached` says WHAT.
has_ours() { [ "$(attached "$1" "$2")" = "$3" ]; }

ip_tc() {
    local name=$1
    shift
    ip netns exec "$PREFIX-$name" tc "$@"
}

# reload AGENT: SIGHUP, and waits until it said how that went.
reload() {
    local before
    before=$(grep -c -e ' notice reloaded' -e 'reload refused' "$CASE/$1.log" || true)
    kill -HUP "${AGENT_PID[$1]}"
    wait_for "a word about the reload" 5 said_more_than "$1" "$before"
}

said_more_than() { [ "$(grep -c -e ' notice reloaded' -e 'reload refused' "$CASE/$1.log" || true)" -gt "$2" ]; }

# descriptors AGENT: how many files its process has open.
descriptors() { find "/proc/${AGENT_PID[$1]}/fd" -mindepth 1 | wc -l; }

# maps AGENT: the shapes of the maps that it holds open, one "TYPE KEY_SIZE VALUE_SIZE ENTRIES" a line.
maps() {
    # A descriptor may go meanwhile; no map at all is an error.
    { cat "/proc/${AGENT_PID[$1]}/fdinfo/"* 2>/dev/null || true; } | awk '
        { field[$1] = $2 }
        $1 == "max_entries:" { print field["map_type:"], field["key_size:"], field["value_size:"], $2; count++ }
        END { exit !count }' | sort
}

# churn HOST: devices come, are renamed, leave for another namespace and go. Everything that came is gone in the end.
churn() {
    local number
    [ -e "/run/netns/$PREFIX-elsewhere" ] || host elsewhere
    for number in $(seq 1 8); do
        echo "link add a$number type veth peer name b$number"
        echo "link set a$number up"
        echo "link set b$number up"
    done | ip_in "$1" -batch -
    for number in 1 2 3; do
        echo "link set a$number down"
        echo "link set a$number name c$number"
        echo "link set c$number up"
    done | ip_in "$1" -batch -
    for number in 4 5 6; do echo "link set a$number netns $PREFIX-elsewhere"; done | ip_in "$1" -batch -
    ip_in "$1" link add br0 type bridge
    ip_in "$1" link set b7 master br0
    for number in 1 2 3; do echo "link del c$number"; done | ip_in "$1" -batch -
    for number in 4 5 6; do echo "link del b$number"; done | ip_in "$1" -batch -
    for number in a7 a8 br0; do echo "link del $number"; done | ip_in "$1" -batch -
}

# metric AGENT NAME [TEXT…]: the sum over the series of NAME whose labels contain every TEXT, from its last metrics.
metric() {
    local file=$CASE/$1.prom name=$2
    shift 2
    awk -v name="$name" -v texts="$(printf '%s\n' "$@")" '
        BEGIN { count = split(texts, text, "\n") }
        index($0, name "{") == 1 || index($0, name " ") == 1 {
            for (i = 1; i <= count; i++) if (text[i] != "" && !index($0, text[i])) next
            sum += $NF
        }
        END { printf "%.0f\n", sum }' "$file"
}

# ---- Traffic, and its truth ----

# gen HOST ARGUMENT…: see Tests/Benchmarks/floor/gen.c
gen() {
    local name=$1
    shift
    in_host "$name" "$GEN" "$@"
}

# sink HOST ADDRESS: a socket that swallows, so that nobody answers "port unreachable".
sink() {
    background "$1" "$GEN" hold "$2"
    disown
    wait_for "the sink" 2 binds "$1"
}

# receiver HOST ADDRESS [COMMAND…], received: a socket that counts what it gets; told to stop, it writes it to $CASE/received.
receiver() {
    local name=$1 address=$2
    shift 2
    background "$name" "$@" "$GEN" recv "$address" >"$CASE/received"
    RECEIVER=$!
    wait_for "the receiver" 2 binds "$name"
}

received() {
    kill -TERM "$RECEIVER"
    wait_for_end "$RECEIVER"
}

# of FIELD < the generator's lines: their sum.
of() { awk -v field="\"$1\":" '{ at = index($0, field); sum += substr($0, at + length(field)) } END { printf "%.0f\n", sum }'; }

# carried HOST DEVICE [rx|tx]: layer-3 bytes and packets by the interface's own counters. Right as long as nothing is offloaded or padded.
carried() {
    in_host "$1" awk -v device="$2:" -v way="${3:-both}" '
        $1 == device {
            bytes = (way != "tx") * $2 + (way != "rx") * $10; packets = (way != "tx") * $3 + (way != "rx") * $11
            printf "%.0f %.0f\n", bytes - 14 * packets, packets
        }' /proc/net/dev
}

# queued HOST DEVICE: the same by its root qdisc, which counts the segments of a super-packet and their headers.
queued() {
    ip netns exec "$PREFIX-$1" tc -s qdisc show dev "$2" root |
        awk '$1 == "Sent" { printf "%.0f %.0f\n", $2 - 14 * $4, $4 }'
}

# stream_server HOST, stream HOST ADDRESS ARGUMENT…: iperf3, for one test.
stream_server() {
    background "$1" iperf3 -s -1 >/dev/null 2>&1
    disown
    wait_for "iperf3 to listen" 3 listens "$1" 5201
}

stream() {
    local name=$1
    shift
    in_host "$name" iperf3 -c "$@" >"$CASE/iperf3" 2>&1 || { cat "$CASE/iperf3" >&2; return 1; }
}

binds() { in_host "$1" ss -Hlun "sport = :9999" | grep -q 9999; }
listens() { in_host "$1" ss -Hltn "sport = :$2" | grep -q LISTEN; }

# wait_for WHAT SECONDS COMMAND…
wait_for() {
    local what=$1 end=$(($(now_ms) + $2 * 1000))
    shift 2
    until "$@"; do
        [ "$(now_ms)" -lt $end ] || { fail "waited in vain for $what"; exit 1; }
        sleep 0.05
    done
}

# ---- Control groups ----

cgroup_root() { awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts; }

# joining GROUP: makes a control group, and leaves in JOINING what to put before a command that shall run in it.
joining() {
    local group
    group=$(cgroup_root)/$PREFIX-$1
    mkdir -p "$group"
    # shellcheck disable=SC2016
    JOINING=(sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group")
}

# ---- The end ----

# Ends what runs in our namespaces, by number, then removes them and our control groups. For leftovers of a killed run too.
remove_everything() {
    local name pid group
    disown -a # or bash reports each as killed
    for name in $(ip netns list | awk -v prefix="$PREFIX-" 'index($1, prefix) == 1 { print $1 }'); do
        for pid in $(ip netns pids "$name"); do kill -KILL "$pid" 2>/dev/null || true; done
        ip netns del "$name" 2>/dev/null || true
    done
    for group in "$(cgroup_root)/$PREFIX-"*; do
        [ -d "$group" ] || continue
        for _ in 1 2 3 4 5; do rmdir "$group" 2>/dev/null && break || sleep 0.1; done
    done
    if [ -e "$WORK/cpu1-is-off" ]; then
        echo 1 >/sys/devices/system/cpu/cpu1/online
        rm -f "$WORK/cpu1-is-off"
    fi
}
