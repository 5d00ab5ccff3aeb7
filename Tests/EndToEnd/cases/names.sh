# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# Names by reverse DNS, asked of a real dnsmasq. Its log is the truth of what was asked; the generator's, of what was counted.

# resolver [ARGUMENT…]: dnsmasq on 127.0.0.1 of `right`, which has names for 10.100.0.0/24 and 10.77.0.1, and an answer of its own for nothing else.
resolver() {
    : >"$CASE/questions"
    background right dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= \
        --listen-address=127.0.0.1 --bind-interfaces --cache-size=0 --log-queries --log-facility="$CASE/questions" \
        --host-record=sender.example,10.77.0.1 --synth-domain=pool.example,10.100.0.0/24,host- "$@"
    RESOLVER=$!
    wait_for "dnsmasq" 3 listens right 53
}

stop_resolver() {
    kill -CONT "$RESOLVER"
    kill -TERM "$RESOLVER"
    wait_for_end "$RESOLVER"
}

# asked [NAME]: how many PTR questions came about names that end so.
asked() { grep -c "query\[PTR\] [0-9.]*${1:-}in-addr.arpa " "$CASE/questions" || true; }

# named_senders AGENT: how many different names of the pool its metric has.
named_senders() { grep -c '^weir_test_packets_total{.*\.pool\.example"' "$CASE/$1.prom" || true; }

# names_config NAME WINDOW [OPTIONS]: metric `test` by name of the sender. OPTIONS are more of reverse_dns.
names_config() {
    config "$1" "source: tc, window: $2"
    sed -i -e "s|^enrich: .*|enrich: [{ plugin: reverse_dns, servers: [127.0.0.1], include: [10.0.0.0/8], hosts_file: '', timeout: 500ms${3:+, $3} }]|" \
        -e 's|attributes: \[transport\]|attributes: [src.name]|' "$CASE/$1.yaml"
    echo 'pipeline: { max_series: 100000, max_values: 100000 }' >>"$CASE/$1.yaml"
}

# drain_milliseconds AGENT: what a drain took on average.
drain_milliseconds() {
    awk '$1 ~ /^weir_kernel_drain_seconds_total/ { seconds = $2 } $1 ~ /^weir_kernel_flips_total/ { flips = $2 } END { printf "%.1f\n", 1000 * seconds / flips }' \
        "$CASE/$1.prom"
}

# Flows of 64 senders: every byte has its sender's name, the first window's too, and each sender was asked for once.
flows_have_names() {
    local sent
    wire
    resolver
    names_config a 1s
    agent a right
    wire_up
    sink right 10.77.0.2
    sent=$(gen left raw w0 "$(station right w0)" 10.77.0.2 640 10 100 2000 0)
    sleep 1.5
    sent+=$'\n'$(gen left raw w0 "$(station right w0)" 10.77.0.2 640 10 100 2000 0)
    sleep 2.5
    wire_down
    stop_agent a
    expect_books a
    expect_nothing_lost a
    expect_truth a test "$(of l3_bytes <<<"$sent")" 12800
    expect "packets with names" 12800 "$(metric a weir_test_packets_total '.pool.example"')"
    expect "names" 64 "$(named_senders a)"
    expect "questions about senders" 64 "$(asked .100.10.)"
    expect "questions, by dnsmasq and by the agent" "$(asked)" "$(metric a weir_reverse_dns_messages_total)"
    remark "64 names, $(asked) questions;"
    stop_resolver
}

# Senders without a name are asked for once in many windows, be it that the server knows there is none or that it refuses to say.
no_names() {
    local sent='' expected=$1 window
    shift
    wire
    resolver "$@"
    names_config a 500ms
    agent a right
    wire_up
    sink right 10.77.0.2
    # From 10.100.1.0 on nobody has a name.
    for window in 1 2 3 4 5 6; do
        sent+=$(gen left -s 400 raw w0 "$(station right w0)" 10.77.0.2 400 2 100 0 0)$'\n'
        sleep 0.5
    done
    # 400 questions at 100 a second.
    wait_for "the last question" 10 has_asked 400
    sleep 1.5
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <<<"$sent")" 4800
    expect "questions about senders" 400 "$(asked .100.10.)"
    # 255 of the 400 have names; the receiver has none.
    expect "answers of this kind" 146 "$(metric a weir_reverse_dns_answers_total "answer=\"$expected\"")"
    remark "$(asked) questions;"
    stop_resolver
}

has_asked() { [ "$(asked .100.10.)" -ge "$1" ]; }

# windows_of_traffic AGENT SECONDS: 2000 packets a second of 5000 senders, while the agent runs.
windows_of_traffic() {
    local sent
    agent "$1" right
    wire_up
    binds right || sink right 10.77.0.2
    sent=$(gen left -s 5000 raw w0 "$(station right w0)" 10.77.0.2 5000 100 100 2000 "$2")
    wire_down
    stop_agent "$1"
    expect_books "$1"
    expect_nothing_lost "$1"
    expect_truth "$1" test "$(of l3_bytes <<<"$sent")" "$(of packets <<<"$sent")"
}

# A server that has stopped changes no count, and no drain takes longer; when it goes on, so do the names.
silent_server() {
    local with without
    wire
    resolver
    names_config plain 200ms
    sed -i 's|^enrich: .*|enrich: []|' "$CASE/plain.yaml"
    windows_of_traffic plain 5
    without=$(drain_milliseconds plain)
    ip_in left addr flush dev w0
    ip_in right addr flush dev w0

    names_config silent 200ms
    kill -STOP "$RESOLVER"
    windows_of_traffic silent 5
    with=$(drain_milliseconds silent)
    expect "questions asked of a server that has stopped" 0 "$(asked)"
    expect_that "questions were tried" [ "$(metric silent weir_reverse_dns_messages_total)" -gt 0 ]
    expect "the servers count as gone" 0 "$(metric silent weir_reverse_dns_servers_answer)"
    expect_that "it says so" grep -q 'no dns server answers' "$CASE/silent.log"
    expect "it says so once" 1 "$(grep -c 'no dns server answers' "$CASE/silent.log")"
    # 32 at first, twice each; then two at a time, for 500 ms each.
    expect_that "messages to a dead server: $(metric silent weir_reverse_dns_messages_total)" [ "$(metric silent weir_reverse_dns_messages_total)" -le 110 ]
    expect_that "a drain takes $with ms, without names $without ms" awk -v with="$with" -v without="$without" 'BEGIN { exit !(with <= without + 10) }'
    remark "a drain takes $with ms, without names $without ms;"
    stop_resolver
}

# The server comes back: what was asked in vain is asked again, and the flows that go on have names.
server_returns() {
    wire
    resolver
    kill -STOP "$RESOLVER"
    names_config a 500ms "max_open: 4"
    agent a right
    wire_up
    sink right 10.77.0.2
    gen left raw w0 "$(station right w0)" 10.77.0.2 64 100 100 100 8 >"$CASE/first" &
    disown
    sleep 3
    kill -CONT "$RESOLVER"
    sleep 6
    gen left raw w0 "$(station right w0)" 10.77.0.2 64 10 100 0 0 >"$CASE/second"
    sleep 1.2
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <"$CASE/first" | awk -v more="$(of l3_bytes <"$CASE/second")" '{ print $1 + more }')" \
        "$(($(of packets <"$CASE/first") + $(of packets <"$CASE/second")))"
    expect_that "some were asked for in vain" [ "$(metric a weir_reverse_dns_answers_total 'answer="timeout"')" -ge 8 ]
    expect "senders with names" 64 "$(named_senders a)"
    expect "the servers answer" 1 "$(metric a weir_reverse_dns_servers_answer)"
    stop_resolver
}

# A scan from 65,534 addresses asks no more than the limit, by dnsmasq's word, and a known name is renewed in the middle of it.
scan() {
    local sent start seconds questions known limit=200
    wire
    resolver --bogus-priv --local-ttl=1
    names_config a 1s "per_second: $limit, queue: 1000, cache_size: 4096, min_ttl: 1s, negative_ttl: 1h"
    agent a right
    wire_up
    sink right 10.77.0.2
    in_host left "$GEN" sock 10.77.0.1 10.77.0.2 1 100 16 20 >"$CASE/known" &
    disown
    sleep 2
    start=$(now_ms)
    sent=$(gen left -s 65534 raw w0 "$(station right w0)" 10.77.0.2 65534 1 100 10000 0)
    sleep 2
    seconds=$(awk -v ms=$(($(now_ms) - start)) 'BEGIN { printf "%d", ms / 1000 + 1 }')
    # Both counted up to here: what is asked later does not make the limit look kept.
    questions=$(asked)
    wait_for "the known sender to end" 20 test -s "$CASE/known"
    wire_down
    stop_agent a
    known=$(asked 1.0.77.10.)
    expect_books a
    expect_truth a test "$(of l3_bytes < <(echo "$sent"; cat "$CASE/known"))" "$(of packets < <(echo "$sent"; cat "$CASE/known"))"
    # A second's worth at once, then the limit; and the two seconds before the scan.
    expect_that "$questions questions in $seconds s at $limit a second" [ "$questions" -le $((limit * (seconds + 3))) ]
    expect_that "the limit was reached: $questions questions" [ "$questions" -ge $((limit * (seconds - 2))) ]
    expect_that "the known name was asked for $known times" [ "$known" -ge 3 ]
    expect "packets of the known sender under its name" "$(of packets <"$CASE/known")" "$(metric a weir_test_packets_total 'src_name="sender.example"')"
    expect_that "addresses were turned away" [ "$(metric a weir_reverse_dns_turned_away_total)" -gt 50000 ]
    expect_that "the cache is bounded" [ "$(metric a weir_reverse_dns_cached_addresses)" -le 4096 ]
    remark "$questions questions in $seconds s at $limit a second; the known name asked for $known times;"
    stop_resolver
}

run_case names-flows flows_have_names
run_case names-none no_names none --bogus-priv
run_case names-refused no_names refused
run_case names-silent-server silent_server
run_case names-server-returns server_returns
run_case names-scan scan
