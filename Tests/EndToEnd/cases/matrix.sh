# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# The exactness matrix: every source, family and protocol, with offloads off and on, under each load and event.

# matrix OFFLOAD LOAD EVENT
matrix() {
    local window=60s source during=${3//-/_}
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
    for source in "${SOURCES[@]}"; do
        expect_books "$source"
        expect_nothing_lost "$source"
        compare "$source" "$source" "$@"
    done
    remark "$(awk '{ sum += $4 } END { printf "%.0f", sum }' "$CASE/truth") packets, $(metric tcx weir_kernel_flips_total) flips;"
}

matrix_reload_same() {
    local source
    for _ in 1 2 3; do for source in "${SOURCES[@]}"; do reload "$source"; done; done
}

# Another key: ports leave it and come back.
matrix_reload_key() {
    local source
    for source in "${SOURCES[@]}"; do
        cp "$CASE/$source.yaml" "$CASE/$source.with-ports"
        sed -i '/order.packets/d' "$CASE/$source.yaml"
        reload "$source"
    done
    sleep 0.2
    for source in "${SOURCES[@]}"; do
        cp "$CASE/$source.with-ports" "$CASE/$source.yaml"
        reload "$source"
    done
}

# The same key, another map.
matrix_reload_map() {
    local source
    for source in "${SOURCES[@]}"; do
        sed -i 's/window: 60s/&, max_flows: 4096/' "$CASE/$source.yaml"
        reload "$source"
    done
}

# Devices come, go, get other names and leave for another namespace, at both ends of the wire.
matrix_churn() {
    local source before=() side
    for source in "${SOURCES[@]}"; do before+=("$(descriptors "$source")"); done
    for _ in 1 2 3; do for side in left right; do churn $side; done; done
    sleep 0.3
    for source in "${SOURCES[@]}"; do
        expect "$source: open descriptors after the churn" "${before[0]}" "$(descriptors "$source")"
        before=("${before[@]:1}")
    done
}

# stopped OFFLOAD: SIGTERM while packets keep coming. What was counted lies between what had passed before and what had passed after.
# Of the protocols with ports more is known: the generator sends to its flows in turn, so what was counted is the
# beginning of what was sent, without a hole.
stopped() {
    local source
    matrix_wire "$1"
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
    for source in "${SOURCES[@]}"; do
        expect_books "$source"
        found "$source" >"$CASE/found.$source"
        local family protocol cell got low high datagrams
        for family in "${FAMILIES[@]}"; do
            for protocol in "${PROTOCOLS[@]:1}"; do
                cell="$source $family $protocol $1 full SIGTERM"
                read -ra got < <(value "$CASE/found.$source" $family "$protocol")
                if [ "$protocol" = UDP ] || [ "$protocol" = SCTP ]; then
                    in_order "$cell" "$source" "$([ "$protocol" = UDP ] && [ "$1" = on ] && echo 10 || echo 1)" "${got[@]}"
                elif [ "$source" = cgroup ] && [ "$protocol" = fragments ]; then
                    # Three fragments carry a datagram of 4000 bytes; only whole ones are counted.
                    datagrams=${got[1]}
                    read -ra low < <(value "$CASE/before.$source" $family "$protocol")
                    read -ra high < <(value "$CASE/after.$source" $family "$protocol")
                    between "$cell" $((low[1] / 3 * (got[0] / datagrams))) $((low[1] / 3)) \
                        $(((high[1] / 3 + 1) * (got[0] / datagrams))) $((high[1] / 3 + 1)) "${got[@]}"
                else
                    read -ra low < <(value "$CASE/before.$source" $family "$protocol")
                    read -ra high < <(value "$CASE/after.$source" $family "$protocol")
                    between "$cell" "${low[@]}" "${high[@]}" "${got[@]}"
                fi
            done
        done
    done
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

# in_order CELL AGENT UNIT BYTES PACKETS: flow after flow of 100 got UNIT packets in turn; how many are not where the order has them.
in_order() {
    local prefix holes
    # shellcheck disable=SC2086
    set -- "$@" $1
    case "$7 $8" in
        "IPv4 UDP") prefix=10.77.1. ;;
        "IPv4 SCTP") prefix=10.77.4. ;;
        "IPv6 UDP") prefix=fd77:1:: ;;
        "IPv6 SCTP") prefix=fd77:4:: ;;
    esac
    holes=$(awk -v prefix="src_address=\"$prefix" -v unit="$3" '
        index($0, "weir_order_packets_total{") == 1 && index($0, prefix) && match($0, /src_port="[0-9]+"/) {
            flow[substr($0, RSTART + 10, RLENGTH - 11) - 20000] += $NF
            sum += $NF
        }
        END {
            sum /= unit
            for (i = 0; i < 100; i++) {
                off = flow[i] / unit - int(sum / 100) - (i < sum % 100)
                holes += off < 0 ? -off : off
            }
            printf "%.0f\n", holes * unit
        }' "$CASE/$2.prom")
    measured "$1" "order of the generator" "$4" "$5" $(($4 + holes * ($5 > 0 ? $4 / $5 : 1))) $(($5 + holes))
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
    for source in "${SOURCES[@]}"; do
        expect_books "$source-next"
        compare "$source-next" "$source" "$1" few after-kill
    done
}

# overloaded OFFLOAD MAX_FLOWS EVENT: more flows than room. No protocol has a sum of its own then, but the books have all, to the
# byte. An agent that is held by SIGSTOP meanwhile drains nothing, so that even the ring is full in the end.
overloaded() {
    local source seen
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
        # The hook of the sockets sees those of the whole machine, so nobody else knows the sum: the kernel's own book is its truth.
        if [ "$source" = cgroup ]; then
            measured "cgroup both all $1 overload $3" "the kernel's own book" \
                "$(metric cgroup weir_kernel_seen_bytes_total)" "$(metric cgroup weir_kernel_seen_packets_total)" "$(booked cgroup bytes)" "$(booked cgroup packets)"
        else
            read -ra seen < <(carried "$([ "$source" = clsact ] && echo right || echo left)" w0)
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
