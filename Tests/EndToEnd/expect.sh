# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# What must hold, and what the agent said of it. Sourced by lib.sh.

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

# expect_books AGENT [RATE]: both books of the design's section 3.1 balance, to the byte and to the packet, and no drain ever differed.
# RATE is that of the sampling, by which series are scaled and books are not; `any` where it changed.
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
        if [ "${2:-1}" != any ] && grep -q "^weir_network_flow_${unit}_total{" "$CASE/$1.prom"; then
            expect "$1: network.flow.$unit" $((series * ${2:-1})) "$(metric "$1" weir_network_flow_${unit}_total)"
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

# scraped HOST NAME [TEXT]: the same from the agent that runs there and listens on 127.0.0.1:9347.
scraped() {
    in_host "$1" curl -sS --noproxy '*' http://127.0.0.1:9347/metrics 2>/dev/null |
        awk -v name="$2" -v text="${3:-}" '(index($0, name "{") == 1 || index($0, name " ") == 1) && (text == "" || index($0, text)) { sum += $NF }
            END { printf "%.0f\n", sum }'
}
