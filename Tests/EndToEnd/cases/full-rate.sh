# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# As fast as the machine can, with windows of 100 ms: flips and drains under fire lose nothing and count nothing twice.

SECONDS_OF_RATE=$([ -n "${LONG:-}" ] && echo 60 || echo 4)
SECONDS_OF_MAIN_CASE=$([ -n "${LONG:-}" ] && echo 60 || echo 8)

# many_flows FLOWS MAX_FLOWS: more flows in less than one window than the map has room for.
many_flows() {
    local sent
    wire
    config a "source: tc, window: 60s, max_flows: $2"
    agent a right
    wire_up
    sink right 10.77.0.2
    sent=$(gen left raw w0 "$(station right w0)" 10.77.0.2 "$1" 2 60 0 0)
    wire_down
    stop_agent a
    expect_books a
    # What found no room is not in the series, but it is in the book: nothing is unaccounted for.
    # shellcheck disable=SC2046
    expect_all a $(carried right w0)
    expect_that "all that was sent was carried" [ "$(metric a weir_kernel_seen_packets_total)" -ge "$(of packets <<<"$sent")" ]
    expect_that "a map that fills is drained early, again and again: $(metric a weir_kernel_flips_total) flips" \
        [ "$(metric a weir_kernel_flips_total)" -ge 8 ]
    remark "$(metric a weir_kernel_flips_total) flips; $(metric a weir_kernel_overflow_packets_total) in overflow, $(metric a weir_kernel_counted_packets_total 'ring') by the ring;"
}

# rate FLAVOR KEY FLOWS [SECONDS]: KEY is ports (a shared map) or hosts (a map per CPU).
rate() {
    local sent filter
    wire
    [ "$2" = ports ] && filter='dst.port == 9999' || filter='src.address in 10.100.0.0/24'
    config a "source: tc, tc: $1, window: 100ms" "$filter"
    if [ "$2" = hosts ]; then sed -i 's/\[transport, observer\]/[observer]/; s/\[transport\]/[network.type]/' "$CASE/a.yaml"; fi
    agent a right
    wire_up
    sink right 10.77.0.2
    sent=$(gen left raw w0 "$(station right w0)" 10.77.0.2 "$3" 0 18 0 "${4:-$SECONDS_OF_RATE}")
    wire_down
    stop_agent a
    expect_books a
    expect_nothing_lost a
    expect_truth a test "$(of l3_bytes <<<"$sent")" "$(of packets <<<"$sent")"
    # shellcheck disable=SC2046
    expect_all a $(carried right w0)
    remark "$(metric a weir_kernel_flips_total) flips;"
}

# all_cpus: every CPU sends and receives at once, by sockets of both sides. Their hook may be interrupted by itself.
all_cpus() {
    local cpu senders=()
    wire
    config a "source: cgroup, window: 100ms" 'src.address in [10.77.0.0/24] and dst.port == 9999'
    agent a left
    wire_up
    sink left 10.77.0.1
    sink right 10.77.0.2
    for cpu in $(seq 0 $(($(nproc) - 1))); do
        if [ $((cpu % 2)) = 0 ]; then
            background left taskset -c "$cpu" "$GEN" sock 10.77.0.1 10.77.0.2 200 64 "$SECONDS_OF_RATE" >"$CASE/sent.$cpu"
        else
            background right taskset -c "$cpu" "$GEN" sock 10.77.0.2 10.77.0.1 200 64 "$SECONDS_OF_RATE" >"$CASE/sent.$cpu"
        fi
        senders+=($!)
    done
    wait "${senders[@]}"
    wire_down
    stop_agent a
    expect_books a
    expect_nothing_lost a
    expect_truth a test "$(cat "$CASE"/sent.* | of l3_bytes)" "$(cat "$CASE"/sent.* | of packets)"
    remark "$(metric a weir_kernel_flips_total) flips;"
}

# received_at_rate: frames from outside to one socket; what the wire delivered is what the hook saw.
received_at_rate() {
    local sent
    wire
    config a "source: cgroup, window: 100ms" 'src.address in [10.100.0.0/24] and dst.port == 9999'
    agent a right
    wire_up
    sink right 10.77.0.2
    sent=$(gen left raw w0 "$(station right w0)" 10.77.0.2 1000 0 18 0 "$SECONDS_OF_RATE")
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <<<"$sent")" "$(of packets <<<"$sent")"
}

# one_cpu_off: possible CPUs are not online CPUs; per-CPU maps have a place for each, and the wait for programs must not hang.
one_cpu_off() {
    touch "$WORK/cpu1-is-off"
    echo 0 >/sys/devices/system/cpu/cpu1/online
    rate tcx "$1" 1000
    remark "CPUs $(cat /sys/devices/system/cpu/online) of $(cat /sys/devices/system/cpu/possible) online;"
}

CELL="tcx IPv4 UDP off overload none" run_case rate-a-million-flows many_flows 1000000 131072
CELL="tcx IPv4 UDP off overload none" run_case rate-tiny-map many_flows 300000 1024
CELL="tcx IPv4 UDP off full swap" run_case rate-tcx-ports rate tcx ports 1000 "$SECONDS_OF_MAIN_CASE"
CELL="tcx IPv4 UDP off full swap" run_case rate-tcx-hosts rate tcx hosts 1000
CELL="clsact IPv4 UDP off full swap" run_case rate-clsact-50k-flows rate clsact ports 50000
CELL="cgroup IPv4 UDP off full swap" run_case rate-sockets-all-cpus all_cpus
CELL="cgroup IPv4 UDP off full swap" run_case rate-sockets-received received_at_rate
if [ -w /sys/devices/system/cpu/cpu1/online ]; then
    CELL="tcx IPv4 UDP off full swap" run_case rate-one-cpu-off-ports one_cpu_off ports
    CELL="tcx IPv4 UDP off full swap" run_case rate-one-cpu-off-hosts one_cpu_off hosts
else
    skip_case rate-one-cpu-off "no CPU here can be taken offline"
fi
