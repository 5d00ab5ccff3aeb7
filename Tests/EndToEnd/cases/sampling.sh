# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# capture.sampling: which packets count is chance, so series are estimates, held against what chance allows. What the books
# say is not: every packet that the wire carried is in them, and series are the book times the rate, to the byte.

# within WHAT EXPECTED GOT RATE LARGEST: GOT estimates EXPECTED by one in RATE packets of at most LARGEST bytes each (1 where packets
# are counted). Six standard deviations: one false alarm in 500 million.
within() {
    local off
    off=$(awk -v e="$2" -v g="$3" -v n="$4" -v b="$5" 'BEGIN { s = sqrt((n - 1) * b * e); printf "%.2f", s ? (g - e) / s : (g != e) * 99 }')
    awk -v off="$off" 'BEGIN { exit !(off * off <= 36) }' || fail "$1: $3 is $off standard deviations off of $2"
    remark "$1: $off standard deviations off of $2;"
}

# unscaled AGENT NAME: the series of NAME, each divided by its own rate.
unscaled() {
    awk -v name="$2{" 'index($0, name) == 1 && match($0, /sampling_rate="[0-9]+"/) {
        sum += $NF / substr($0, RSTART + 15, RLENGTH - 16)
    } END { printf "%.0f\n", sum }' "$CASE/$1.prom"
}

# sampled NAME CAPTURE [FILTER]: a configuration whose metrics show the rate.
sampled() {
    config "$1" "$2" "${3:-dst.port == 9999}"
    sed -i 's/observer\]/observer, sampling.rate]/; s/\[transport\]/[transport, sampling.rate]/' "$CASE/$1.yaml"
}

# expect_law AGENT: what was sampled, and no more, is in the series; the rest is in the book.
expect_law() {
    local unit
    for unit in bytes packets; do
        expect "$1: series by their rates, $unit" "$(metric "$1" weir_pipeline_series_${unit}_total)" "$(unscaled "$1" weir_network_flow_${unit}_total)"
    done
    expect_that "some were left out" [ "$(metric "$1" weir_kernel_not_counted_packets_total unsampled)" -gt 0 ]
}

# frames FLAVOR FAMILY: 200,000 frames of 10,000 flows, one in 10.
frames() {
    local sent peer=10.77.0.2 size=128
    if [ "$2" = 6 ]; then peer=fd77::2 size=148; fi
    wire
    sampled a "source: tc, tc: $1, window: 1s, sampling: 10"
    agent a right
    wire_up
    sink right $peer
    sent=$(gen left raw w0 "$(station right w0)" $peer 10000 20 100 0 0)
    wire_down
    stop_agent a
    expect_books a 10
    expect_nothing_lost a
    expect_law a
    expect_that "the log says it" grep -q 'estimates' "$CASE/a.log"
    expect "the rate" 10 "$(metric a weir_capture_sampling_rate)"
    within packets "$(of packets <<<"$sent")" "$(metric a weir_test_packets_total)" 10 1
    within bytes "$(of l3_bytes <<<"$sent")" "$(metric a weir_test_bytes_total)" 10 $size
    read -r bytes packets < <(carried right w0)
    measured "$CELL" "interface counters" "$bytes" "$packets" "$(metric a weir_kernel_seen_bytes_total)" "$(metric a weir_kernel_seen_packets_total)"
}

# datagrams FAMILY: by sockets, with an owner; both hooks decide for themselves whether they look at a packet.
datagrams() {
    local sent from=10.77.0.1 to=10.77.0.2 size=128
    if [ "$1" = 6 ]; then from=fd77::1 to=fd77::2 size=148; fi
    wire
    sampled a "source: cgroup, window: 1s, sampling: 10" 'src.address in [10.77.0.0/24, fd77::/64] and dst.port == 9999'
    agent a left
    wire_up
    sink right $to
    sent=$(gen left sock $from $to 100 100 0 0 2000)
    wire_down
    stop_agent a
    expect_books a 10
    expect_law a
    within packets "$(of packets <<<"$sent")" "$(metric a weir_test_packets_total)" 10 1
    within bytes "$(of l3_bytes <<<"$sent")" "$(metric a weir_test_bytes_total)" 10 $size
}

# defaults: nobody chose attributes, and series and records say by themselves that they are estimates.
defaults() {
    wire
    sampled a "source: tc, window: 1s, sampling: 10"
    sed -i "/packets/d; /test/d; s/network.flow.bytes: .*/network.flow.bytes:/
        s|export: .*|export: [prometheus, { plugin: json_lines, path: $CASE/records.jsonl }]|" "$CASE/a.yaml"
    agent a right
    wire_up
    sink right 10.77.0.2
    gen left raw w0 "$(station right w0)" 10.77.0.2 100 100 100 0 0 >/dev/null
    wire_down
    stop_agent a
    expect_books a 10
    expect "series without a rate" 0 "$(grep '^weir_network_flow_bytes_total{' "$CASE/a.prom" | grep -vc 'sampling_rate="10"' || true)"
    expect "records without a rate" 0 "$(grep -vc '"sampling.rate":10[,}]' "$CASE/records.jsonl" || true)"
    expect "records" "$(metric a weir_network_flow_bytes_total)" "$(of bytes <"$CASE/records.jsonl")"
    expect_that "something was sampled" [ "$(of bytes <"$CASE/records.jsonl")" -gt 0 ]
}

# changed: the rate goes from 10 to 1 and to 4 while frames come at full rate. What the old programs counted keeps the old rate.
changed() {
    local bytes packets
    wire
    sampled a "source: tc, tc: $1, window: 500ms, sampling: 10"
    agent a right
    wire_up
    sink right 10.77.0.2
    background left "$GEN" raw w0 "$(station right w0)" 10.77.0.2 1000 0 18 0 3 >"$CASE/sent"
    generator=$!
    for rate in 1 4; do
        sleep 0.9
        sed -i "s/sampling: [0-9]*/sampling: $rate/" "$CASE/a.yaml"
        reload a
    done
    wait $generator
    wire_down
    stop_agent a
    expect_books a any
    expect_nothing_lost a
    expect_law a
    for rate in 10 1 4; do
        expect_that "series of 1 in $rate" [ "$(metric a weir_test_packets_total "sampling_rate=\"$rate\"")" -gt 1000 ]
    done
    expect "reloads" 2 "$(metric a weir_config_reloads_total 'success')"
    # Ten is the worst of the rates.
    within packets "$(of packets <"$CASE/sent")" "$(metric a weir_test_packets_total)" 10 1
    read -r bytes packets < <(carried right w0)
    measured "$CELL" "interface counters" "$bytes" "$packets" "$(metric a weir_kernel_seen_bytes_total)" "$(metric a weir_kernel_seen_packets_total)"
}

for flavor in tcx clsact; do
    for family in 4 6; do
        CELL="$flavor IPv$family UDP off many sampled" run_case "sampling-$flavor-udp$family" frames $flavor $family
    done
    CELL="$flavor IPv4 UDP off full sampled-reload" run_case "sampling-$flavor-reload" changed $flavor
done
for family in 4 6; do run_case "sampling-cgroup-udp$family" datagrams $family; done
run_case sampling-defaults defaults
not_promised "any any any any any sampled-values" docs/exactness.md#what-is-not-promised "With \`capture.sampling\` series and records are estimates"
