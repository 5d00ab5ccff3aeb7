# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# What happens to an agent while packets keep coming: it is stopped, reloaded, killed; interfaces come and go.

# under_fire FUNCTION: calls it while frames come at full rate for 3 s; leaves what was sent in $CASE/sent.
under_fire() {
    local generator
    background left "$GEN" raw w0 "$(station right w0)" 10.77.0.2 1000 0 18 0 3 >"$CASE/sent"
    generator=$!
    sleep 0.3
    "$@"
    wait $generator
}

# stopped_in_between: told to stop in mid-traffic, it drains what it has counted and leaves.
stopped_in_between() {
    wire
    config a "source: $1, window: 60s"
    agent a right
    wire_up
    sink right 10.77.0.2
    under_fire stop_agent a
    expect_books a
    expect_that "something was counted" [ "$(metric a weir_test_packets_total)" -gt 1000 ]
    expect_that "not more than was sent" [ "$(metric a weir_test_packets_total)" -le "$(of packets <"$CASE/sent")" ]
    expect "programs left" "tcx 0 clsact 0" "$(attached right w0)"
    remark "$(metric a weir_test_packets_total) of $(of packets <"$CASE/sent") packets, and a clean end;"
}

# last_window: traffic has ended, the window of a minute has not; nothing of it may be missing.
last_window() {
    local sent
    wire
    config a "source: tc, window: 60s"
    agent a right
    wire_up
    sink right 10.77.0.2
    sent=$(gen left raw w0 "$(station right w0)" 10.77.0.2 5000 4 100 0 0)
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <<<"$sent")" "$(of packets <<<"$sent")"
}

# reloaded CAPTURE CHANGE: frames keep coming, the agent reads its configuration again some times; no byte is lost.
reloaded() {
    local filter='dst.port == 9999'
    [ "$2" != capture ] || filter='src.address in 10.100.0.0/24'
    wire
    config a "$1, window: 500ms" "$filter"
    # A key without ports first.
    [ "$2" != capture ] || sed -i 's/\[transport, observer\]/[observer]/; s/\[transport\]/[network.type]/' "$CASE/a.yaml"
    agent a right
    wire_up
    sink right 10.77.0.2
    under_fire "reload_$2"
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <"$CASE/sent")" "$(of packets <"$CASE/sent")"
    remark "$(metric a weir_config_reloads_total 'success') reloads, $(metric a weir_config_reloads_total 'failure') refused;"
}

reload_metrics() {
    sed -i 's/^metrics:/&\n  more.bytes: { measure: bytes, attributes: [src.address, dst.port] }/' "$CASE/a.yaml"
    reload a
    sleep 0.5
    sed -i '/more.bytes/d; s/window: 500ms/window: 200ms/' "$CASE/a.yaml"
    reload a
}

# Ports come into the key and leave it: another shape of the kernel's maps.
reload_capture() {
    sed -i 's/^metrics:/&\n  more.bytes: { measure: bytes, attributes: [dst.port] }/' "$CASE/a.yaml"
    reload a
    sleep 0.3
    sed -i '/more.bytes/d' "$CASE/a.yaml"
    reload a
}

# The same key, another size of map and other interfaces.
reload_room() {
    sed -i 's/source: tc/&, max_flows: 4096, interfaces: { include: [w0] }/' "$CASE/a.yaml"
    reload a
}

reload_broken() {
    cp "$CASE/a.yaml" "$CASE/good"
    echo 'captur: {}' >>"$CASE/a.yaml"
    reload a
    expect_that "the mistake is in the log" grep -q 'captur' "$CASE/a.log"
    echo '- [' >"$CASE/a.yaml"
    reload a
    expect "refused" 2 "$(grep -c 'reload refused' "$CASE/a.log")"
    cp "$CASE/good" "$CASE/a.yaml"
    reload a
}

# thirty_hups: more reloads than there is time for, under load and once more just before the end. None is lost halfway, and the stop does
# not wait for all.
thirty_hups() {
    wire
    config a "source: tc, window: 500ms"
    agent a right
    wire_up
    sink right 10.77.0.2
    under_fire hups a
    wire_down
    hups a
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <"$CASE/sent")" "$(of packets <"$CASE/sent")"
    expect_that "some were obeyed" [ "$(metric a weir_config_reloads_total 'success')" -ge 1 ]
    expect "refused" 0 "$(metric a weir_config_reloads_total 'failure')"
    expect "programs left" "tcx 0 clsact 0" "$(attached right w0)"
    remark "$(metric a weir_config_reloads_total 'success') reloads;"
}

hups() { for _ in $(seq 30); do kill -HUP "${AGENT_PID[$1]}"; done; }

# listener_moves: to another port, another address of the same port, nowhere, and to a port that is taken. Under load.
listener_moves() {
    wire
    config a "source: tc, window: 500ms"
    sed -i 's/^http: off/http: { listen: 127.0.0.1:9347 }/' "$CASE/a.yaml"
    agent a right
    wire_up
    sink right 10.77.0.2
    background right iperf3 -s -B 127.0.0.1 -p 9444 >/dev/null 2>&1
    disown
    wait_for "someone else's port" 3 listens right 9444
    under_fire move_listener
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <"$CASE/sent")" "$(of packets <"$CASE/sent")"
    expect "reloads" 4 "$(metric a weir_config_reloads_total 'success')"
    expect "refused" 1 "$(metric a weir_config_reloads_total 'failure')"
}

# answers ADDRESS: packets that the agent behind it has seen; fails when nobody answers.
answers() { in_host right curl -sf --max-time 2 "http://$1/metrics" | awk '/^weir_kernel_seen_packets_total/ { sum += $NF } END { if (!NR) exit 1; printf "%.0f\n", sum }'; }

# listens_on FROM TO: from here to there; `off` is nowhere.
listens_on() {
    local before=0
    [ "$1" = off ] || before=$(answers "$1")
    if [ "$2" = off ]; then sed -i 's/^http: .*/http: off/' "$CASE/a.yaml"; else sed -i "s/^http: .*/http: { listen: $2 }/" "$CASE/a.yaml"; fi
    reload a
    if [ "$2" != off ]; then expect_that "$2 answers, and its counters went on" [ "$(answers "$2")" -ge "$before" ]; fi
    if [ "$1" != off ] && answers "$1" >/dev/null; then fail "$1 still answers"; fi
}

move_listener() {
    listens_on 127.0.0.1:9347 127.0.0.1:9348
    listens_on 127.0.0.1:9348 127.0.0.2:9348
    listens_on 127.0.0.2:9348 off
    listens_on off 127.0.0.1:9347
    sed -i "s/^http: .*/http: { listen: 127.0.0.1:9444 }/" "$CASE/a.yaml"
    reload a
    expect "refused, by the log" 1 "$(grep -c 'reload refused' "$CASE/a.log")"
    expect_that "the listener before goes on" [ "$(answers 127.0.0.1:9347)" -gt 0 ]
}

# killed FLAVOR: as by the OOM killer, with another one's filter beside ours. Nothing stale stays, nothing foreign goes.
killed() {
    local sent ours="tcx 2 clsact 0"
    [ "$1" = tcx ] || ours="tcx 0 clsact 2"
    wire
    ip_tc right qdisc add dev w0 clsact
    ip_tc right filter add dev w0 ingress prio 1 protocol ip u32 match ip src 192.0.2.1 flowid 1:1
    config a "source: tc, tc: $1, window: 1s"
    config b "source: tc, tc: $1, window: 1s"
    agent a right
    wire_up
    sink right 10.77.0.2
    expect "attached" "$ours" "$(attached right w0)"
    under_fire kill_agent a
    [ "$1" != tcx ] || expect "after the kill" "tcx 0 clsact 0" "$(attached right w0)"
    agent b right
    expect "attached again" "$ours" "$(attached right w0)"
    sent=$(gen left raw w0 "$(station right w0)" 10.77.0.2 2000 5 100 0 0)
    wire_down
    stop_agent b
    expect "afterwards" "tcx 0 clsact 0" "$(attached right w0)"
    expect_that "the foreign filter stays" grep -q u32 <<<"$(ip_tc right filter show dev w0 ingress)"
    expect_books b
    expect_truth b test "$(of l3_bytes <<<"$sent")" "$(of packets <<<"$sent")"
}

# crowd: devices come and go by the dozen while frames keep coming on one of them.
crowd() {
    wire
    config a "source: tc, window: 500ms"
    agent a right
    wire_up
    sink right 10.77.0.2
    under_fire come_and_go
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <"$CASE/sent")" "$(of packets <"$CASE/sent")"
    expect "programs left" "tcx 0 clsact 0" "$(attached right w0)"
}

is_attached() { [ "$(attached "$1" "$2")" = "tcx 2 clsact 0" ]; }

come_and_go() {
    local number
    for number in $(seq 1 30); do
        echo "link add a$number type veth peer name b$number"
        echo "link set a$number up"
        echo "link set b$number up"
    done | ip_in right -batch -
    wait_for "programs on the last device that came" 3 is_attached right a30
    seq 1 30 | sed 's/^/link del a/' | ip_in right -batch -
    for number in $(seq 1 5); do
        ip_in right link add br0 type bridge
        ip_in right link add d0 type veth peer name d1
        ip_in right link set d0 master br0 up
        ip_in right link del br0
        ip_in right link del d0
    done
}

run_case events-sigterm-tc stopped_in_between tc
run_case events-sigterm-cgroup stopped_in_between cgroup
run_case events-last-window last_window
run_case events-reload-metrics reloaded "source: tc" metrics
run_case events-reload-broken reloaded "source: tc" broken
run_case events-reload-room reloaded "source: tc" room
run_case events-reload-capture-tcx reloaded "source: tc, tc: tcx" capture
run_case events-reload-capture-clsact reloaded "source: tc, tc: clsact" capture
run_case events-reload-capture-cgroup reloaded "source: cgroup" capture
run_case events-thirty-hups thirty_hups
run_case events-listener-moves listener_moves
run_case events-kill-tcx killed tcx
run_case events-kill-clsact killed clsact
run_case events-devices-come-and-go crowd
