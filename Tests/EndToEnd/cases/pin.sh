# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# capture.pin: what the kernel half had counted when an agent was killed is reported by the next one.

# A BPF file system of our own; remove_everything unmounts it by its source's name.
bpf_files() {
    mkdir "$CASE/bpf"
    mount -t bpf -o mode=0700 "$PREFIX" "$CASE/bpf"
    PIN=$CASE/bpf/weir
}

# sets: the numbers of the sets of maps that are pinned.
sets() { (cd "$PIN" && ls) | paste -sd' '; }

# all_of SOURCE: what goes into `capture:` for one of tcx, clsact, cgroup.
all_of() {
    case $1 in
        cgroup) echo "source: cgroup" ;;
        *) echo "source: tc, tc: $1" ;;
    esac
}

# send FLOWS PACKETS: datagrams of 128 bytes by frames; what arrived of them in PACKETS and BYTES.
send() {
    local before
    before=$(dropped left w0)
    PACKETS=$(gen left raw w0 "$(station right w0)" 10.77.0.2 "$1" "$2" 100 0 0 | of packets)
    PACKETS=$((PACKETS - $(dropped left w0) + before))
    BYTES=$((128 * PACKETS))
}

expect_taken_over() {
    expect "$1: gone with the killed one" 0 "$(metric "$1" weir_kernel_gone_packets_total)"
    expect "$1: foreign layouts" 0 "$(metric "$1" weir_kernel_foreign_layout_total)"
    expect "sets that are left" "" "$(sets)"
}

# next_reports SOURCE [NEXT_SOURCE [NEXT_METRICS]]: the traffic has ended, the window of a minute has not when the agent is killed. The next one has all of it,
# whatever its own plan is.
next_reports() {
    bpf_files
    wire
    config a "$(all_of "$1"), window: 60s, pin: $PIN"
    config b "$(all_of "${2:-$1}"), window: 60s, pin: $PIN"
    [ -z "${3:-}" ] || sed -i "s/^metrics:/&\n  $3/" "$CASE/b.yaml"
    agent a right
    wire_up
    sink right 10.77.0.2
    send 5000 4
    kill_agent a
    expect "sets that the killed one left" 1 "$(sets)"
    agent b right
    wire_down
    stop_agent b
    expect_books b
    expect_truth b test $BYTES $PACKETS
    expect_taken_over b
    expect_that "adopted at least what was sent" [ "$(metric b weir_kernel_adopted_packets_total)" -ge $PACKETS ]
}

# three_lives SOURCE: two are killed in the middle of a long window each, and what both have counted arrives with the third.
three_lives() {
    local name bytes=0 packets=0
    bpf_files
    wire
    config a "$(all_of "$1"), window: 60s, pin: $PIN"
    agent a right
    wire_up
    sink right 10.77.0.2
    for name in b c; do
        send 800 3
        bytes=$((bytes + BYTES)) packets=$((packets + PACKETS))
        kill_agent a
        agent a right
    done
    expect "sets of three" "1 2 3" "$(sets)"
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test $bytes $packets
    expect_taken_over a
}

# overfull SOURCE: more flows than the map has room for: what went by way of the ring is taken over too, and what found no room is in the books.
overfull() {
    bpf_files
    wire
    config a "$(all_of "$1"), window: 60s, max_flows: 1024, pin: $PIN"
    config b "$(all_of "$1"), window: 60s, pin: $PIN"
    agent a right
    wire_up
    sink right 10.77.0.2
    # It would drain early.
    kill -STOP "${AGENT_PID[a]}"
    send 20000 2
    kill_agent a
    agent b right
    wire_down
    stop_agent b
    expect_books b
    expect "sent, by the books" $PACKETS "$(($(metric b weir_test_packets_total) + $(metric b weir_kernel_overflow_packets_total)))"
    expect_that "by way of the ring" [ "$(metric b weir_kernel_counted_packets_total 'where="ring"')" -gt 1000 ]
    expect_taken_over b
}

# killed_under_load SOURCE: in the middle of a long window, while frames keep coming. The laws hold, and the first drain of the next one brings what was
# left. Filters of clsact outlive the process and are replaced between two packets: there nothing at all is missing.
killed_under_load() {
    local generator adopted
    bpf_files
    wire
    config a "$(all_of "$1"), window: 60s, pin: $PIN"
    config b "$(all_of "$1"), window: 500ms, pin: $PIN"
    agent a right
    wire_up
    sink right 10.77.0.2
    background left "$GEN" raw w0 "$(station right w0)" 10.77.0.2 1000 0 18 0 3 >"$CASE/sent"
    generator=$!
    sleep 1
    kill_agent a
    expect "sets that the killed one left" 1 "$(sets)"
    agent b right
    wait $generator
    wire_down
    stop_agent b
    expect_books b
    expect_taken_over b
    adopted=$(metric b weir_kernel_adopted_packets_total)
    expect_that "something was adopted" [ "$adopted" -gt 1000 ]
    if [ "$1" = clsact ]; then
        # shellcheck disable=SC2046
        expect_all b $(carried right w0)
    else
        expect_that "not more than was sent" [ "$(metric b weir_test_packets_total)" -le "$(of packets <"$CASE/sent")" ]
    fi
    remark "$adopted packets adopted;"
}

# reloaded_and_killed: other plans while frames come, then the end by kill: both shapes of map arrive.
reloaded_and_killed() {
    local generator
    bpf_files
    wire
    config a "source: tc, window: 60s, pin: $PIN" 'src.address in 10.100.0.0/24'
    config b "source: tc, window: 60s, pin: $PIN" 'src.address in 10.100.0.0/24'
    agent a right
    wire_up
    sink right 10.77.0.2
    send 500 4
    sed -i 's/^metrics:/&\n  more.bytes: { measure: bytes, attributes: [dst.port, initiator] }/' "$CASE/a.yaml"
    reload a
    expect "sets of one agent" 2 "$(sets)"
    send 700 4
    kill_agent a
    agent b right
    wire_down
    stop_agent b
    expect_books b
    # What the first had drained at the reload went with it: it exported that, or would have, but for a scrape.
    expect_truth b test $BYTES $PACKETS
    expect_taken_over b
}

# as_user: not root but a user with the three rights, and a folder of its own.
as_user() {
    local rights=-all,+bpf,+net_admin,+perfmon name
    bpf_files
    # What leads there can be entered.
    chmod 0711 "$CASE/bpf"
    chmod 0755 "$WORK" "$CASE"
    mkdir -m 0700 "$PIN"
    chown 65534:65534 "$PIN"
    wire
    for name in a b; do
        config $name "source: tc, window: 60s, pin: $PIN"
        chmod 0644 "$CASE/$name.yaml"
    done
    agent_as_user a
    wire_up
    sink right 10.77.0.2
    send 1000 4
    kill_agent a
    agent_as_user b
    wire_down
    stop_agent b
    expect_books b
    expect_truth b test $BYTES $PACKETS
    expect_taken_over b
}

# agent_as_user NAME: as `agent`.
agent_as_user() {
    : >"$CASE/$1.log"
    background right setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$rights" --ambient-caps "$rights" --bounding-set "$rights" \
        "$WEIR" run --config "$CASE/$1.yaml" --final-metrics - >"$CASE/$1.prom" 2>"$CASE/$1.log"
    AGENT_PID[$1]=$!
    wait_for "agent $1 to run" 10 said_it_runs_or_left "$1"
    grep -q ' notice running ' "$CASE/$1.log" || { fail "agent $1 did not start"; exit 1; }
}

# one_at_a_time: a folder belongs to one agent; the second says so and leaves, the first goes on.
one_at_a_time() {
    local status=0
    bpf_files
    wire
    config a "source: tc, window: 60s, pin: $PIN"
    config b "source: tc, window: 60s, pin: $PIN"
    agent a right
    wire_up
    sink right 10.77.0.2
    in_host right "$WEIR" run --config "$CASE/b.yaml" >"$CASE/b.out" 2>&1 || status=$?
    expect_that "the second one fails" [ $status != 0 ]
    expect_that "and says why" grep -q 'a living agent with the same capture.pin' "$CASE/b.out"
    send 100 4
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test $BYTES $PACKETS
    expect "sets after a clean stop" "" "$(sets)"
}

# nowhere: not a BPF file system, or one that others may write.
nowhere() {
    local path
    host right
    bpf_files
    mkdir -m 0777 "$CASE/bpf/open"
    chmod 0777 "$CASE/bpf/open"
    mkdir "$CASE/plain"
    for path in "$CASE/plain/weir:another file system" "$CASE/bpf/open:others own or may write" "$CASE/none/weir:No such file"; do
        config a "source: tc, pin: ${path%:*}"
        if in_host right "$WEIR" run --config "$CASE/a.yaml" >"$CASE/a.out" 2>&1; then fail "it started with $path"; fi
        expect_that "it says of $path" grep -q "${path##*:}" "$CASE/a.out"
    done
    expect "left behind" "" "$(ls "$CASE/plain")"
}

for source in tcx clsact cgroup; do
    run_case pin-next-reports-$source next_reports $source
    run_case pin-under-load-$source killed_under_load $source
done
run_case pin-other-key next_reports tcx tcx 'more.bytes: { measure: bytes, attributes: [initiator, src.address] }'
run_case pin-clsact-then-tcx next_reports clsact tcx
run_case pin-three-lives three_lives tcx
run_case pin-overfull overfull tcx
run_case pin-reload-then-kill reloaded_and_killed
run_case pin-as-user as_user
run_case pin-one-at-a-time one_at_a_time
run_case pin-nowhere nowhere
