# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# A real Prometheus scrapes the agent every second; what increase() says is the truth, of series born in between too.

increases() {
    local end station sent=$CASE/sent
    wire
    config a "source: tc, window: 500ms" "dst.port == 9999" "pipeline: { born_at_zero: 3s }"
    # 64 senders, so series are born with every part of the traffic.
    sed -i 's/^http: .*/http: { listen: 127.0.0.1:9347 }/; s/attributes: \[transport\]/attributes: [src.address]/' "$CASE/a.yaml"
    agent a right
    prometheus_server right 127.0.0.1:9347
    wire_up
    sink right 10.77.0.2
    station=$(station right w0)
    gen left raw w0 "$station" 10.77.0.2 10 100 100 1000 0 >>"$sent"
    sleep 1.3
    gen left raw w0 "$station" 10.77.0.2 40 50 200 2000 0 >>"$sent"
    sleep 2.1
    gen left raw w0 "$station" 10.77.0.2 5000 4 300 10000 0 >>"$sent"
    # The last window, the time that a new series shows 0, and a scrape of it all.
    sleep 6
    in_host right curl -sS http://127.0.0.1:9347/metrics >"$CASE/metrics"
    promtool check metrics <"$CASE/metrics" >"$CASE/promtool" 2>&1 || fail "promtool: $(paste -sd' ' "$CASE/promtool")"
    expect "promtool's words" "" "$(cat "$CASE/promtool")"
    # increase() guesses what happened between a window's edge and the sample next to it. Asked for the very moment of the
    # last scrape it has nothing to guess at the end, and nothing at the beginning, because every series was seen at 0.
    end=$(ask right 'max(timestamp(up))')
    expect "increase of bytes" "$(of l3_bytes <"$sent")" "$(ask right 'sum(increase(weir_test_bytes_total[5m]))' "$end")"
    expect "increase of packets" "$(of packets <"$sent")" "$(ask right 'sum(increase(weir_test_packets_total[5m]))' "$end")"
    expect "last minus first" "$(of l3_bytes <"$sent")" \
        "$(ask right 'sum(max_over_time(weir_test_bytes_total[5m]) - min_over_time(weir_test_bytes_total[5m]))' "$end")"
    expect "series" 64 "$(ask right 'count(weir_test_bytes_total)' "$end")"
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <"$sent")" "$(of packets <"$sent")"
}

run_case prometheus-increase increases
