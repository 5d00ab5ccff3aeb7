# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# `weir tap` beside a running agent: what it shows is what is counted, and whoever reads slowly harms nobody else.

declare -A TAP

# tapped [CAPTURE]: the configuration of agent a, with zones by two stages and a socket in the case's folder.
tapped() {
    cat >"$CASE/a.yaml" <<EOF
capture: { source: tc, window: 500ms${1:+, $1} }
enrich:
  - { plugin: cidr, name: ours, tables: [{ cidr: 10.77.0.1/32, zone: a }, { cidr: 10.100.0.0/16, zone: c }] }
  - { plugin: cidr, name: theirs, tables: [{ cidr: 10.77.0.0/24, zone: b }] }
metrics:
  network.flow.bytes: [src.zone, dst.zone, transport]
  network.flow.packets: [src.zone, dst.zone, transport]
  test.bytes: { measure: bytes, filter: 'dst.port == 9999', attributes: [transport] }
  test.packets: { measure: packets, filter: 'dst.port == 9999', attributes: [transport] }
export: [prometheus]
http: { listen: "127.0.0.1:9347" }
tap: { socket: $CASE/tap.sock }
EOF
    chmod 0600 "$CASE/a.yaml"
}

# tap NAME ARGUMENT…: leaves what it prints in $CASE/NAME.tap and $CASE/NAME.said, its number in TAP[NAME]. Returns when the agent sends to it.
tap() {
    local name=$1 before
    shift
    before=$(scraped left weir_tap_clients)
    "$WEIR" tap --socket "$CASE/tap.sock" "$@" >"$CASE/$name.tap" 2>"$CASE/$name.said" 3>&- 9>&- &
    TAP[$name]=$!
    wait_for "the tap $name" 5 has_clients $((before + 1))
}

has_clients() { [ "$(scraped left weir_tap_clients)" = "$1" ]; }

# sum NAME KEY: over the records that the tap printed as JSON.
sum() { awk -F"\"$2\":" 'NF > 1 { sum += $2 } END { printf "%.0f\n", sum }' "$CASE/$1.tap"; }

# expect_tap_book: what was offered to clients was sent, waits or was lost.
expect_tap_book() {
    expect "records offered to taps" "$(metric a weir_tap_offered_records_total)" \
        $(($(metric a weir_tap_delivered_records_total) + $(metric a weir_tap_queued_records) + $(metric a weir_tap_lost_total)))
}

# counters: what a tap shows adds up to the counter and to what was sent, over a reload that changes the key too. The agent's stop ends it.
counters() {
    local sent more name key
    wire
    tapped
    agent a left
    tap flows --format json --filter 'dst.port == 9999' --columns src.address,dst.port
    tap all --format json --columns transport
    wire_up
    sink right 10.77.0.2
    sent=$(gen left -q raw w0 "$(station right w0)" 10.77.0.2 500 20 100 0 0)
    sed -i 's/^metrics:$/metrics:\n  more.bytes: { measure: bytes, attributes: [src.port, iface] }/' "$CASE/a.yaml"
    reload a
    more=$(gen left -q raw w0 "$(station right w0)" 10.77.0.2 500 20 100 0 0)
    wire_down
    stop_agent a
    for name in flows all; do
        wait_for_end "${TAP[$name]}"
        expect "$name: exit status" 2 "$STATUS"
        grep -q 'read its configuration again' "$CASE/$name.said" || fail "$name heard nothing of the reload"
        grep -q 'the agent stops' "$CASE/$name.said" || fail "$name does not know why it ended"
        ! grep -q lost "$CASE/$name.said" || fail "$name lost records"
    done
    expect_books a
    expect_tap_book
    expect_truth a test $(($(of l3_bytes <<<"$sent") + $(of l3_bytes <<<"$more"))) $(($(of packets <<<"$sent") + $(of packets <<<"$more")))
    for key in bytes packets; do
        expect "$key at the tap" "$(metric a weir_test_${key}_total)" "$(sum flows $key)"
        expect "$key at the tap of everything" "$(metric a weir_pipeline_series_${key}_total)" "$(sum all $key)"
    done
    expect "records sent" "$(metric a weir_tap_delivered_records_total)" "$(cat "$CASE"/*.tap | wc -l)"
    [ ! -e "$CASE/tap.sock" ] || fail "the socket is still there"
    remark "$(wc -l <"$CASE/flows.tap") records"
}

# slow: a client that reads nothing, while 50,000 flows pass in every window: the windows are on time, the books balance, memory stays.
slow() {
    local sent before after windows start took
    wire
    tapped "max_flows: 262144"
    agent a left
    wire_up
    sink right 10.77.0.2
    # Without a client first, so that the tables have their size.
    gen left -q raw w0 "$(station right w0)" 10.77.0.2 50000 1 0 100000 2 >/dev/null
    sleep 1
    before=$(memory a)
    # A pipe takes 64 KiB and a socket some hundred: then the command waits, and the agent's queue fills.
    "$WEIR" tap --socket "$CASE/tap.sock" --format json 2>/dev/null 3>&- 9>&- | sleep 30 3>&- 9>&- &
    wait_for "the tap" 5 has_clients 1
    start=$(now_ms) windows=$(scraped left weir_windows_total)
    sent=$(gen left -q raw w0 "$(station right w0)" 10.77.0.2 50000 1 0 100000 6)
    after=$(memory a)
    took=$(($(now_ms) - start)) windows=$(($(scraped left weir_windows_total) - windows))
    expect_that "windows on time: $windows in $took ms" [ $((windows * 500)) -ge $((took - 1500)) ]
    expect_that "the client is slow" [ "$(scraped left weir_tap_lost_total 'reason="queue_full"')" -gt 100000 ]
    expect_that "memory: $before KiB before, $after KiB after" [ $((after - before)) -le 32768 ]
    wire_down
    stop_agent a
    expect_books a
    expect_tap_book
    expect_nothing_lost a
    expect_that "all of it was counted" [ "$(metric a weir_test_packets_total)" -ge "$(of packets <<<"$sent")" ]
    remark "$windows windows in $took ms; $(metric a weir_tap_lost_total 'reason="queue_full"') of $(metric a weir_tap_offered_records_total) records lost;"
    remark "$((after - before)) KiB more"
}

memory() { awk '/^VmRSS:/ { print $2 }' "/proc/${AGENT_PID[$1]}/status"; }

# people: the table, who answered and who would have, what is not captured; the fifth; whose the socket is.
people() {
    local status=0 open name
    wire
    tapped
    {
        grep -v '^weir:' /etc/group
        echo 'weir:x:991:'
    } >"$CASE/group"
    cat >"$CASE/with-group" <<EOF
#!/bin/sh
exec unshare --mount --propagation private sh -c 'mount --bind "$CASE/group" /etc/group && exec "$WEIR" "\$@"' sh "\$@"
EOF
    chmod 0700 "$CASE/with-group"
    # As root it has given up the right to give files away when it makes the socket.
    WEIR=$CASE/with-group agent a left
    wire_up
    sink right 10.77.0.2
    tap explained --explain --columns src.address,src.zone,dst.zone,iface --filter 'dst.port == 9999 and src.address == 10.77.0.1' --count 1
    gen left sock 10.77.0.1 10.77.0.2 1 100 0 >/dev/null
    wait_for_end "${TAP[explained]}"
    expect "exit status" 0 "$STATUS"
    expect "what is not captured" "weir tap: iface: not captured by the running plan; add it to a metric or exporter" "$(cat "$CASE/explained.said")"
    expect "explanation" "src.zone=a by ours; also: theirs|dst.zone=b by theirs" "$(sed -n 's/^    //p' "$CASE/explained.tap" | paste -sd'|')"
    for name in 1 2 3 4; do tap four-$name; done
    "$WEIR" tap --socket "$CASE/tap.sock" >"$CASE/fifth" 2>&1 || status=$?
    expect "the fifth's exit status" 2 $status
    expect "what the fifth hears" "weir tap: 4 clients are there already, and no more may be" "$(cat "$CASE/fifth")"
    for name in 1 2 3 4; do
        kill -TERM "${TAP[four-$name]}"
        wait_for_end "${TAP[four-$name]}"
        expect "a signal" 0 "$STATUS"
    done
    expect "the socket's rights" "660 0 991" "$(stat -c '%a %u %g' "$CASE/tap.sock")"
    # The case's own folder and the program may be out of a stranger's reach too.
    chmod 0755 "$WORK" "$CASE"
    open=$(mktemp -d)
    chmod 755 "$open"
    cp "$WEIR" "$open/weir"
    status=0
    setpriv --reuid=65534 --regid=65534 --clear-groups "$open/weir" tap --socket "$CASE/tap.sock" >"$CASE/stranger" 2>&1 || status=$?
    expect "a stranger's exit status" 2 $status
    status=0
    setpriv --reuid=65534 --regid=65534 --groups 991 "$open/weir" tap --socket "$CASE/tap.sock" --duration 200ms >/dev/null 2>&1 || status=$?
    rm -rf "$open"
    expect "a member's exit status" 0 $status
    grep -q "you may not use '$CASE/tap.sock'" "$CASE/stranger" || fail "a stranger hears: $(cat "$CASE/stranger")"
    wire_down
    stop_agent a
}

# left_over: what a killed agent leaves is no one's; what a living one has is its own, and the second counts all the same.
left_over() {
    wire
    tapped
    agent a left
    kill_agent a
    expect_that "kill -9 leaves the socket" [ -S "$CASE/tap.sock" ]
    agent a left
    ! grep -q 'no tap' "$CASE/a.log" || fail "the old socket is in the way: $(grep 'no tap' "$CASE/a.log")"
    sed 's/^http: .*/http: off/' "$CASE/a.yaml" >"$CASE/b.yaml"
    chmod 0600 "$CASE/b.yaml"
    agent b right
    grep -q 'warning no tap.*another program listens' "$CASE/b.log" || fail "the second agent does not say that it has no tap"
    tap mine --format json
    stop_agent b
    expect "clients of the first" 1 "$(scraped left weir_tap_clients)"
    sed -i 's/^tap: .*/tap: off/' "$CASE/a.yaml"
    reload a
    wait_for_end "${TAP[mine]}"
    grep -q 'elsewhere or off' "$CASE/mine.said" || fail "a client does not hear that the tap was turned off: $(cat "$CASE/mine.said")"
    [ ! -e "$CASE/tap.sock" ] || fail "the socket is still there"
    stop_agent a
}

run_case tap-counters counters
run_case tap-slow slow
run_case tap-people people
run_case tap-left-over left_over
