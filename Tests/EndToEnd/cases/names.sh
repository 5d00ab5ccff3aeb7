# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# Names by reverse DNS, asked of a real dnsmasq, and of a scripted server where that is too honest. The log of dnsmasq is the truth of what was
# asked, or a counter on the wire where it cannot be; the generator's, of what was counted.

SCRIPTED_DNS=${SCRIPTED_DNS:-$(dirname "$WEIR")/scripted-dns}

# resolver [ARGUMENT…]: dnsmasq on 127.0.0.1 of `right`, which has names for 10.100.0.0/24 and 10.77.0.1, and an answer of its own for nothing else.
resolver() {
    : >"$CASE/questions"
    background right dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= \
        --listen-address=127.0.0.1 --bind-interfaces --cache-size=0 --log-queries --log-facility="$CASE/questions" \
        --host-record=sender.example,10.77.0.1 --synth-domain=pool.example,10.100.0.0/24,host- "$@"
    RESOLVER=$!
    wait_for "dnsmasq" 3 listens right 53
}

# scripted_resolver slow|lies: see Tests/ScriptedDNSProgram. Leaves where it is asked in SERVER.
scripted_resolver() {
    [ -x "$SCRIPTED_DNS" ] || { fail "$SCRIPTED_DNS is missing: make build"; exit 1; }
    background right "$SCRIPTED_DNS" "$1" >"$CASE/resolver"
    RESOLVER=$!
    wait_for "the scripted resolver" 3 grep -q '^ready' "$CASE/resolver"
    SERVER=127.0.0.1:$(sed -n 's/^ready //p' "$CASE/resolver")
}

# count_messages [PORT], messages: what leaves for DNS servers on `right`, by nftables.
count_messages() {
    in_host right nft -f - <<EOF
table ip truth {
    counter messages { }
    chain out { type filter hook output priority 0; udp dport ${1:-53} counter name messages; }
}
EOF
}

messages() { in_host right nft list counter ip truth messages | awk '/packets/ { print $2 }'; }

# expect_messages AGENT OPEN: what the agent says it sent is what left, but for at most OPEN messages of questions that were cut off by its end.
expect_messages() {
    local sent said
    sent=$(messages)
    said=$(metric "$1" weir_reverse_dns_messages_total)
    expect_that "$1: says $said messages, $sent left" [ "$said" -le "$sent" ]
    expect_that "$1: says $said messages, $sent left" [ "$sent" -le $((said + $2)) ]
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
    sed -i -e "s|^enrich: .*|enrich: [{ plugin: reverse_dns, servers: ['${SERVER:-127.0.0.1}'], include: [10.0.0.0/8], hosts_file: '', timeout: 500ms${3:+, $3} }]|" \
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
    count_messages
    kill -STOP "$RESOLVER"
    windows_of_traffic silent 5
    with=$(drain_milliseconds silent)
    # The two probes, twice each.
    expect_messages silent 4
    expect_that "questions were tried" [ "$(metric silent weir_reverse_dns_messages_total)" -gt 0 ]
    expect "the servers count as gone" 0 "$(metric silent weir_reverse_dns_servers_answer)"
    expect_that "it says so" grep -q 'no dns server answers' "$CASE/silent.log"
    expect "it says so once" 1 "$(grep -c 'no dns server answers' "$CASE/silent.log")"
    # 32 at first, twice each; then two at a time, for 500 ms each.
    expect_that "messages to a dead server: $(messages)" [ "$(messages)" -le 110 ]
    expect_that "a drain takes $with ms, without names $without ms" awk -v with="$with" -v without="$without" 'BEGIN { exit !(with <= without + 10) }'
    remark "a drain takes $with ms, without names $without ms;"
    stop_resolver
}

# Answers that take 50 to 650 ms, where a message waits for 500: no count changes, no drain takes longer, and no more is sent than may be.
slow_server() {
    local with without start seconds sent limit=40
    wire
    names_config plain 200ms
    sed -i 's|^enrich: .*|enrich: []|' "$CASE/plain.yaml"
    windows_of_traffic plain 5
    without=$(drain_milliseconds plain)
    ip_in left addr flush dev w0
    ip_in right addr flush dev w0

    scripted_resolver slow
    names_config slow 200ms "per_second: $limit"
    count_messages "${SERVER#*:}"
    start=$(now_ms)
    windows_of_traffic slow 5
    seconds=$(awk -v ms=$(($(now_ms) - start)) 'BEGIN { printf "%d", ms / 1000 + 1 }')
    with=$(drain_milliseconds slow)
    sent=$(messages)
    # 32 open questions at most, twice each.
    expect_messages slow 64
    expect_that "$sent messages in $seconds s at $limit a second" [ "$sent" -le $((limit * (seconds + 1))) ]
    expect_that "as many as may be: $sent messages" [ "$sent" -ge $((limit * 4)) ]
    expect_that "answers came: $(metric slow weir_reverse_dns_answers_total 'answer="name"')" [ "$(metric slow weir_reverse_dns_answers_total 'answer="name"')" -ge 20 ]
    expect_that "some were repeated" [ "$(metric slow weir_reverse_dns_messages_total)" -gt "$(metric slow weir_reverse_dns_questions_total)" ]
    expect "the servers answer" 1 "$(metric slow weir_reverse_dns_servers_answer)"
    expect_that "a drain takes $with ms, without names $without ms" awk -v with="$with" -v without="$without" 'BEGIN { exit !(with <= without + 10) }'
    remark "$sent messages in $seconds s at $limit a second; a drain takes $with ms, without names $without ms;"
    stop_resolver
}

# named AGENT NAME: packets under that name.
named() { metric "$1" weir_test_packets_total "src_name=\"$2\""; }

# lies AGENT SENT…: two windows of 64 senders, 100 packets of each in either; then the counts.
lies() {
    local sent
    agent "$1" right
    wire_up
    sink right 10.77.0.2
    sent=$(gen left raw w0 "$(station right w0)" 10.77.0.2 640 10 100 2000 0)
    sleep 1.5
    sent+=$'\n'$(gen left raw w0 "$(station right w0)" 10.77.0.2 640 10 100 2000 0)
    sleep 2.5
    wire_down
    stop_agent "$1"
    expect_books "$1"
    expect_nothing_lost "$1"
    expect_truth "$1" test "$(of l3_bytes <<<"$sent")" 12800
}

# A server whose zone is full of lies: no host names, the name of another, times of nothing and of forever. What is a name stands, the rest is counted.
lying_zone() {
    local address=100.10.in-addr.arpa
    wire
    resolver --local-ttl=2147483647 --ptr-record="1.0.$address,odd name.example" --ptr-record="2.0.$address,sender.example" \
        --ptr-record="3.0.$address,10.0.0.7" --ptr-record="4.0.$address,WWW.Example" --ptr-record="5.0.$address,bad/.example"
    names_config a 1s
    lies a
    expect "packets of one that takes another's name" 200 "$(named a sender.example)"
    expect "packets of a name in capitals" 200 "$(named a www.example)"
    expect "packets of those without lies" $((59 * 200)) "$(metric a weir_test_packets_total '.pool.example"')"
    for address in 1 3 5; do expect "packets of 10.100.0.$address" 200 "$(named a 10.100.0.$address)"; done
    expect "names that are none" 3 "$(metric a weir_reverse_dns_refused_names_total)"
    expect "series by name" 64 "$(grep -c '^weir_test_packets_total{' "$CASE/a.prom")"
    remark "3 names refused;"
    stop_resolver
}

# A server that sends other ids, other questions, other addresses' records and halves of messages: of eight senders five have their names all the same.
lying_server() {
    local number
    wire
    scripted_resolver lies
    names_config a 1s
    lies a
    for number in $(seq 1 64); do
        case $((number % 8)) in
            3 | 5 | 7) expect "packets of 10.100.0.$number" 200 "$(named a "10.100.0.$number")" ;;
            *) expect "packets of host-$number" 200 "$(named a "host-$number.pool.example")" ;;
        esac
    done
    expect "a lie that is believed" 0 "$(grep -c liar "$CASE/a.prom" || true)"
    expect "names that are none" $((8 * 3 + 8)) "$(metric a weir_reverse_dns_refused_names_total)"
    expect "answers with a name" 40 "$(metric a weir_reverse_dns_answers_total 'answer="name"')"
    expect "answers that cannot be read" 8 "$(metric a weir_reverse_dns_answers_total 'answer="malformed"')"
    # The receiver has no name either.
    expect "answers without a name" 17 "$(metric a weir_reverse_dns_answers_total 'answer="none"')"
    remark "64 senders, $(metric a weir_reverse_dns_refused_names_total) names refused;"
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
run_case names-slow slow_server
run_case names-lies lying_zone
run_case names-lying-server lying_server
run_case names-server-returns server_returns
run_case names-scan scan
