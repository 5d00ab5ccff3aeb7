# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# The exactness matrix: every source, family and protocol, with offloads off and on, under each load and event.

# matrix OFFLOAD LOAD EVENT
matrix() {
    local window=60s source reloads=0 during=${3//-/_}
    [ "$3" != swap ] || window=100ms
    matrix_wire "$1"
    matrix_agents $window
    matrix_up
    traffic "$1" "$2"
    if [ "$2" = full ]; then sleep $LEAD; fi
    if [ "$during" != none ] && [ "$during" != swap ]; then "matrix_$during"; fi
    if [ "$2" = full ]; then sleep $LEAD; fi
    traffic_ends "$2"
    wire_down
    for source in "${SOURCES[@]}"; do stop_agent "$source"; done
    classes >"$CASE/truth"
    truths_agree
    case $3 in
        reload-same) reloads=3 ;;
        reload-key) reloads=2 ;;
        reload-map) reloads=1 ;;
    esac
    for source in "${SOURCES[@]}"; do
        expect "$source: reloads, and refused ones" "$reloads 0" \
            "$(metric "$source" weir_config_reloads_total success) $(metric "$source" weir_config_reloads_total failure)"
        if [ "$3" = swap ]; then expect_that "$source: maps changed under load" [ "$(metric "$source" weir_kernel_flips_total)" -ge 8 ]; fi
        expect_books "$source"
        expect_nothing_lost "$source"
        compare "$source" "$source" "$@"
    done
    remark "$(awk '{ sum += $4 } END { printf "%.0f", sum }' "$CASE/truth") packets, $(metric tcx weir_kernel_flips_total) flips;"
}

matrix_reload_same() {
    local source before
    for source in "${SOURCES[@]}"; do
        before=$(maps "$source")
        for _ in 1 2 3; do reload "$source"; done
        expect "$source: its maps" "$before" "$(maps "$source")"
    done
}

# Another key: ports leave it and come back.
matrix_reload_key() {
    local source before=()
    for source in "${SOURCES[@]}"; do
        before+=("$(maps "$source")")
        cp "$CASE/$source.yaml" "$CASE/$source.with-ports"
        sed -i '/order.packets/d' "$CASE/$source.yaml"
        reload "$source"
        expect_that "$source: another key" [ "$(maps "$source")" != "${before[-1]}" ]
    done
    sleep 0.2
    for source in "${SOURCES[@]}"; do
        cp "$CASE/$source.with-ports" "$CASE/$source.yaml"
        reload "$source"
        expect "$source: the key from before" "${before[0]}" "$(maps "$source")"
        before=("${before[@]:1}")
    done
}

# The same key, another map.
matrix_reload_map() {
    local source before
    for source in "${SOURCES[@]}"; do
        before=$(maps "$source")
        sed -i 's/window: 60s/&, max_flows: 4096/' "$CASE/$source.yaml"
        reload "$source"
        expect_that "$source: another map" [ "$(maps "$source")" != "$before" ]
    done
}

# Devices come, go, get other names and leave for another namespace, at both ends of the wire. Agents attach to what comes, and let go.
matrix_churn() {
    local source before=() side
    for source in "${SOURCES[@]}"; do before+=("$(descriptors "$source")"); done
    for _ in 1 2 3; do for side in left right; do churn $side; done; done
    for side in left right; do ip_in $side link add last0 type veth peer name last1; done
    wait_for "tcx on the device that came last" 3 has_ours left last0 "tcx 2 clsact 0"
    wait_for "clsact on the device that came last" 3 has_ours right last0 "tcx 0 clsact 2"
    wait_for "a packet socket on the device that came last" 3 has_packets right last0
    for side in left right; do ip_in $side link del last0; done
    sleep 0.3
    for source in "${SOURCES[@]}"; do
        expect "$source: open descriptors after the churn" "${before[0]}" "$(descriptors "$source")"
        before=("${before[@]:1}")
    done
}

# stopped OFFLOAD: SIGTERM while packets keep coming. What was counted lies between what had passed before and what had passed after.
# Of the protocols with ports more is known: the generator sends to its flows in turn, so what was counted is the
# beginning of what was sent, without a hole. Sizes are known where every packet of a protocol has the same.
stopped() {
    local source family protocol
    matrix_wire "$1"
    # When a clsact qdisc comes to a device or goes, the kernel stops the device's queues for a moment and drops what is sent then
    # (qdisc_graft() calls dev_deactivate()). Here it stays, so that nothing gets lost between the generators and the wire.
    ip_tc right qdisc add dev w0 clsact
    matrix_agents 60s
    matrix_up
    traffic "$1" full
    sleep $LEAD
    for source in "${SOURCES[@]}"; do
        classes >"$CASE/before.$source"
        stop_agent "$source"
        classes >"$CASE/after.$source"
    done
    traffic_ends full
    wire_down
    classes >"$CASE/truth"
    truths_agree
    for source in "${SOURCES[@]}"; do
        expect_books "$source"
        found "$source" >"$CASE/found.$source"
        for family in "${FAMILIES[@]}"; do
            for protocol in "${PROTOCOLS[@]:1}"; do stopped_cell "$1" "$source" $family "$protocol"; done
        done
    done
}

# stopped_cell OFFLOAD SOURCE FAMILY PROTOCOL
stopped_cell() {
    local cell="$2 $3 $4 $1 full SIGTERM" got low high each=0 unit=1
    read -ra got < <(value "$CASE/found.$2" "$3" "$4")
    read -ra low < <(value "$CASE/before.$2" "$3" "$4")
    read -ra high < <(value "$CASE/after.$2" "$3" "$4")
    case $4 in
        UDP | ICMP) each=128 ;;
        SCTP) each=132 ;;
        fragments) each=4028 ;;
    esac
    [ "$3" = IPv4 ] || each=$((each + 20))
    if [ "$2" = cgroup ] && [ "$4" = fragments ]; then
        # Three fragments carry a datagram of 4000 bytes, which is what is counted.
        low=($((low[1] / 3 * each)) $((low[1] / 3)))
        high=($(((high[1] / 3 + 1) * each)) $((high[1] / 3 + 1)))
    fi
    between "$cell" "${low[@]}" "${high[@]}" "${got[@]}"
    if [ "$4" = TCP ]; then return; fi
    if [ "$4" != fragments ] || [ "$2" = cgroup ]; then expect "$cell: bytes of ${got[1]} packets" $((got[1] * each)) "${got[0]}"; fi
    if [ "$4" = ICMP ] || [ "$4" = fragments ]; then return; fi
    if [ "$1" = on ] && [ "$4" = UDP ]; then unit=10; fi
    in_order "$cell" "$2" $unit $each "${got[@]}"
}

# between CELL LOW_BYTES LOW_PACKETS HIGH_BYTES HIGH_PACKETS BYTES PACKETS: how far outside of the two.
between() {
    local bytes=$6 packets=$7
    [ "$6" -ge "$2" ] && bytes=$2
    [ "$6" -gt "$4" ] && bytes=$(($2 + $6 - $4))
    [ "$7" -ge "$3" ] && packets=$3
    [ "$7" -gt "$5" ] && packets=$(($3 + $7 - $5))
    measured "$1" "tc -s class before and after" "$2" "$3" "$bytes" "$packets"
}

# in_order CELL AGENT UNIT SIZE BYTES PACKETS: flow after flow of 100 got UNIT packets of SIZE bytes in turn; how many are not where the
# order has them. The metric that tells flows apart must have all PACKETS, or there would be nothing to be out of order.
in_order() {
    local prefix ordered holes
    # shellcheck disable=SC2086
    set -- "$@" $1
    case "$8 $9" in
        "IPv4 UDP") prefix=10.77.1. ;;
        "IPv4 SCTP") prefix=10.77.4. ;;
        "IPv6 UDP") prefix=fd77:1:: ;;
        "IPv6 SCTP") prefix=fd77:4:: ;;
    esac
    read -r ordered holes < <(awk -v prefix="src_address=\"$prefix" -v unit="$3" '
        index($0, "weir_order_packets_total{") == 1 && index($0, prefix) && match($0, /src_port="[0-9]+"/) {
            flow[substr($0, RSTART + 10, RLENGTH - 11) - 20000] += $NF
            all += $NF
        }
        END {
            sum = all / unit
            for (i = 0; i < 100; i++) {
                off = flow[i] / unit - int(sum / 100) - (i < sum % 100)
                holes += off < 0 ? -off : off
            }
            printf "%.0f %.0f\n", all, holes * unit
        }' "$CASE/$2.prom")
    expect "$1: packets in the metric of the order" "$6" "$ordered"
    measured "$1" "order of the generator" $(($6 * $4)) "$6" "$5" $(($6 + holes))
}

# killed_all OFFLOAD: as by the OOM killer, under load. What it had not exported is gone; the next agent is exact.
killed_all() {
    local source
    matrix_wire "$1"
    matrix_agents 60s
    matrix_up
    traffic "$1" full
    sleep $LEAD
    for source in "${SOURCES[@]}"; do kill_agent "$source"; done
    traffic_ends full
    classes >"$CASE/before"
    for source in "${SOURCES[@]}"; do matrix_agent "$source-next" "$source" 60s; done
    traffic "$1" few
    traffic_ends few
    wire_down
    for source in "${SOURCES[@]}"; do stop_agent "$source-next"; done
    classes | cat "$CASE/before" - | awk '
        { key = $1 " " $2; if (key in bytes) printf "%s %.0f %.0f\n", key, $3 - bytes[key], $4 - packets[key]; bytes[key] = $3; packets[key] = $4 }' >"$CASE/truth"
    truths_agree
    for source in "${SOURCES[@]}"; do
        expect_books "$source-next"
        compare "$source-next" "$source" "$1" few after-kill
    done
}

# overloaded OFFLOAD MAX_FLOWS EVENT: more flows than room. No protocol has a sum of its own then, but the books have all, to the
# byte. An agent that is held by SIGSTOP meanwhile drains nothing, so that even the ring is full in the end.
overloaded() {
    local source seen unit
    matrix_wire "$1"
    matrix_agents 60s ", max_flows: $2"
    matrix_up
    if [ "$3" = SIGSTOP ]; then for source in "${SOURCES[@]}"; do kill -STOP "${AGENT_PID[$source]}"; done; fi
    traffic "$1" many
    traffic_ends many
    wire_down
    if [ "$3" = SIGSTOP ]; then for source in "${SOURCES[@]}"; do kill -CONT "${AGENT_PID[$source]}"; done; fi
    for source in "${SOURCES[@]}"; do stop_agent "$source"; done
    classes >"$CASE/truth"
    truths_agree
    for source in "${SOURCES[@]}"; do
        expect_books "$source"
        # The hook of the sockets sees those of the whole machine, so nobody else knows the sum: the kernel's own book is its truth,
        # and what we sent must be in it.
        if [ "$source" = cgroup ]; then
            for unit in bytes packets; do
                expect_that "cgroup: saw the $unit of our sockets" [ "$(metric cgroup weir_kernel_seen_${unit}_total)" -ge "$(sent_by_sockets $unit)" ]
            done
            measured "cgroup both all $1 overload $3" "the kernel's own book" \
                "$(metric cgroup weir_kernel_seen_bytes_total)" "$(metric cgroup weir_kernel_seen_packets_total)" "$(booked cgroup bytes)" "$(booked cgroup packets)"
        else
            read -ra seen < <(carried "$(side_of "$source")" w0)
            [ "$1" = off ] || read -ra seen < <(segments_carried)
            measured "$source both all $1 overload $3" "$([ "$1" = off ] && echo interface counters || echo tc -s qdisc)" "${seen[@]}" "$(accounted "$source" bytes)" "$(accounted "$source" packets)"
        fi
        if [ "$3" = SIGSTOP ]; then
            expect_that "$source: there was no room anywhere" [ "$(metric "$source" weir_kernel_overflow_packets_total)" -gt 0 ]
        else
            expect_that "$source: the map was full" [ "$(metric "$source" weir_kernel_flips_total)" -ge 3 ]
        fi
        remark "$source: $(metric "$source" weir_kernel_flips_total) flips, $(metric "$source" weir_kernel_overflow_packets_total) packets in overflow;"
    done
}

# sent_by_sockets bytes|packets: what the generators sent, and the segments of TCP by the classes.
sent_by_sockets() {
    local name=packets column=4
    [ "$1" = packets ] || name=l3_bytes column=3
    echo $(($(cat "$CASE/sent."* | of $name) + $(awk -v column=$column '$2 == "TCP" { sum += $column } END { printf "%.0f", sum }' "$CASE/truth")))
}

# segments_carried: what both ends sent onto the wire, with the segments of super-packets, which interface counters do not know.
segments_carried() {
    { queued left w0; queued right w0; } | awk '{ bytes += $1; packets += $2 } END { printf "%.0f %.0f\n", bytes, packets }'
}

# booked AGENT UNIT: what its metrics say of all that the hooks saw.
booked() { echo $(($(metric "$1" "weir_network_flow_${2}_total") + $(metric "$1" "weir_kernel_overflow_${2}_total") + $(metric "$1" "weir_kernel_not_counted_${2}_total"))); }

# plan_matrix OFFLOAD LOAD EVENT: its cells.
plan_matrix() {
    local source family protocol
    for source in "${SOURCES[@]}"; do
        if [ "$2" = overload ]; then planned "$source both all $1 $2 $3"; continue; fi
        for family in "${FAMILIES[@]}"; do for protocol in "${PROTOCOLS[@]:1}"; do planned "$source $family $protocol $1 $2 $3"; done; done
    done
}

# matrix_case OFFLOAD LOAD EVENT FUNCTION [ARGUMENT…]
matrix_case() {
    local name="matrix-$2-$3-offload-$1" cell="$1 $2 $3"
    shift 3
    # shellcheck disable=SC2053,SC2086
    [[ $name == ${ONLY:-*} ]] || return 0
    # shellcheck disable=SC2086
    plan_matrix $cell
    CELL=various run_case "$name" "$@"
}

for source in "${SOURCES[@]}"; do
    not_promised "$source any any any full kill-9" docs/exactness.md#what-is-not-promised "What a killed agent had counted and not exported is gone with it"
    not_promised "$source any any any overload per-flow" docs/exactness.md#what-is-not-promised "In overload single flows may lose their name, never their bytes"
    if [ "$source" = cgroup ]; then continue; fi
    not_promised "$source any any hw any any" docs/capture.md#tc-what-passes-the-network-devices-of-one-namespace \
        "what bypasses devices' hooks: XDP redirect, flow tables offloaded to hardware, SR-IOV, RDMA"
    not_promised "$source any any any any new-device" docs/capture.md#tc-what-passes-the-network-devices-of-one-namespace \
        "**A new device** counts from the moment that the agent attaches to it"
done
not_promised "any any any any any reload-source" docs/capture.md#over-a-reload "Only another source, or another way of attaching"
not_promised "cgroup any any any any forwarded" docs/capture.md#cgroup-what-sockets-send-and-receive "forwarded and bridged packets, the outer packets of tunnels"
not_promised "cgroup any TCP any any closed-port" docs/capture.md#cgroup-what-sockets-send-and-receive \
    "packets without a full socket (SYN cookies, TIME_WAIT, closed ports)"

for offload in off on; do
    for load in few many full; do matrix_case $offload $load none matrix $offload $load none; done
    for event in swap reload-same reload-key reload-map churn; do matrix_case $offload full $event matrix $offload full $event; done
    matrix_case $offload full SIGTERM stopped $offload
    matrix_case $offload few after-kill killed_all $offload
    for event in none SIGSTOP; do matrix_case $offload overload $event overloaded $offload 1024 $event; done
done
