# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# json_lines on disks that are real: files that rotate, go away, fill up and cannot be written. What stands in the lines is what the
# counters say and what the generator sent, to the byte; each line once, and whole.

# disk SIZE[,OPTION…]: a small file system at $DISK.
disk() {
    DISK=$CASE/disk
    mkdir -p "$DISK"
    mount -t tmpfs -o "size=$1" "$PREFIX" "$DISK"
}

# fill: until nothing more goes onto it.
fill() { head -c 1G /dev/zero >"$DISK/filler" 2>/dev/null || true; }

# exporters NAME ITEM…: prometheus, and these.
exporters() {
    local name=$1 items
    shift
    items=$(printf ', %s' "$@")
    sed -i "s|^export: .*|export: [prometheus$items]|" "$CASE/$name.yaml"
}

burst() { gen left raw w0 "$(station right w0)" 10.77.0.2 "$1" 2 100 0 0 >>"$CASE/sent"; }

# says AGENT COUNT TEXT: its log has the text at least so often.
says() { [ "$(grep -c "$3" "$CASE/$1.log" || true)" -ge "$2" ]; }

# expect_lines AGENT FILE…: its metrics, the generator and the lines agree; the lines go through `weir replay`, which takes nothing but JSON.
expect_lines() {
    local name=$1
    shift
    cat "$@" >"$CASE/all.jsonl"
    expect_books "$name"
    expect_truth "$name" test "$(of l3_bytes <"$CASE/sent")" "$(of packets <"$CASE/sent")"
    expect "bytes in the lines" "$(metric "$name" weir_test_bytes_total)" "$(of bytes <"$CASE/all.jsonl")"
    expect "packets in the lines" "$(metric "$name" weir_test_packets_total)" "$(of packets <"$CASE/all.jsonl")"
    "$WEIR" replay --config "$CASE/$name.yaml" --output metrics "$CASE/all.jsonl" >"$CASE/replayed.prom" 2>"$CASE/replay.log" ||
        fail "weir replay: $(head -n 1 "$CASE/replay.log")"
    expect "bytes of the lines by weir replay" "$(metric "$name" weir_test_bytes_total)" "$(metric replayed weir_test_bytes_total)"
    expect "lines" "$(wc -l <"$CASE/all.jsonl")" "$(metric "$name" weir_export_delivered_records_total)"
    expect "records offered" "$(wc -l <"$CASE/all.jsonl")" "$(metric "$name" weir_export_offered_records_total)"
    remark "$(wc -l <"$CASE/all.jsonl") lines;"
}

# under_traffic: rotation while a reader follows, the file removed and moved, the disk full and free again.
under_traffic() {
    local follower sender
    wire
    disk 24m
    config a "source: tc, window: 500ms"
    exporters a "{ plugin: json_lines, name: flows, path: $DISK/flows.jsonl, filter: 'dst.port == 9999', rotate: { size: 1MiB, keep: 1000 } }" \
        "{ plugin: json_lines, name: sums, path: $CASE/sums.jsonl, records: false, metrics: [test.*], interval: 1s }"
    agent a right
    # Of a file that is not there yet tail learns by looking once a second.
    : >"$DISK/flows.jsonl"
    tail -n +1 -F "$DISK/flows.jsonl" >"$CASE/followed" 2>/dev/null 3>&- 9>&- &
    follower=$!
    wire_up
    sink right 10.77.0.2
    for _ in 1 2 3; do
        burst 2000
        sleep 0.7
    done
    sleep 1
    # Removed: what it had is kept by another name, for the sum.
    ln "$DISK/flows.jsonl" "$DISK/removed.jsonl"
    rm "$DISK/flows.jsonl"
    burst 2000
    sleep 1.2
    # Moved away while it is written.
    gen left raw w0 "$(station right w0)" 10.77.0.2 2000 1000000 100 20000 3 >>"$CASE/sent" &
    sender=$!
    sleep 1.7
    mv "$DISK/flows.jsonl" "$DISK/flows.jsonl.1"
    wait "$sender"
    sleep 1.2
    fill
    burst 2000
    wait_for "a word about the full disk" 5 says a 1 'lines wait: the file cannot be written.*reason=disk_full'
    sleep 1
    rm "$DISK/filler"
    wait_for "a word about its end" 15 says a 1 'lines are written again'
    burst 2000
    sleep 1
    wire_down
    stop_agent a
    sleep 0.5
    kill "$follower"
    wait_for_end "$follower"
    expect_lines a "$DISK"/flows-*.jsonl "$DISK"/removed.jsonl "$DISK"/flows.jsonl.1 "$DISK"/flows.jsonl
    expect "lost" 0 "$(metric a weir_export_lost_records_total)"
    expect "torn lines" 0 "$(metric a weir_json_lines_torn_lines_total)"
    expect "the follower's lines" "$(sort "$CASE/all.jsonl" | md5sum)" "$(sort "$CASE/followed" | md5sum)"
    expect "rotations" "$(find "$DISK" -name 'flows-*' | wc -l)" "$(metric a weir_json_lines_rotations_total)"
    expect_that "files rotated" [ "$(metric a weir_json_lines_rotations_total)" -ge 4 ]
    expect "files longer than 1 MiB" "" "$(find "$DISK" -name 'flows*' -size +1048576c)"
    expect "failures" "$(metric a weir_json_lines_failures_total)" "$(metric a weir_json_lines_failures_total 'reason="disk_full"')"
    # The other exporter's lines: the last value, and all differences, are the counter.
    expect "value of the metric's lines" "$(metric a weir_test_bytes_total)" "$(grep '"metric":"weir.test.bytes"' "$CASE/sums.jsonl" | tail -n 1 | of value)"
    expect "sum of their differences" "$(metric a weir_test_bytes_total)" "$(grep '"metric":"weir.test.bytes"' "$CASE/sums.jsonl" | of delta)"
    expect "sum of their differences in packets" "$(metric a weir_test_packets_total)" \
        "$(grep '"metric":"weir.test.packets"' "$CASE/sums.jsonl" | of delta)"
    remark "$(metric a weir_json_lines_rotations_total) rotations;"
}

# not_yet_writable: a read-only file system, and a folder that is not there; both come to be, and no record is lost.
not_yet_writable() {
    wire
    disk 8m,ro
    config a "source: tc, window: 500ms"
    exporters a "{ plugin: json_lines, name: ro, path: $DISK/flows.jsonl, filter: 'dst.port == 9999' }" \
        "{ plugin: json_lines, name: gone, path: $CASE/later/flows.jsonl, filter: 'dst.port == 9999' }"
    agent a right
    wire_up
    sink right 10.77.0.2
    burst 500
    wait_for "a word about the read-only disk" 5 says a 1 'reason=read_only'
    wait_for "a word about the missing folder" 5 says a 1 'reason=missing'
    burst 500
    sleep 1
    mount -o remount,rw "$DISK"
    mkdir "$CASE/later"
    wait_for "both to be written" 15 says a 2 'lines are written again'
    burst 500
    sleep 0.7
    wire_down
    stop_agent a
    expect "the two files" "$(of bytes <"$DISK/flows.jsonl")" "$(of bytes <"$CASE/later/flows.jsonl")"
    expect "lost" 0 "$(metric a weir_export_lost_records_total)"
    grep -v 'exporter="gone"' "$CASE/a.prom" >"$CASE/b.prom"
    cp "$CASE/a.yaml" "$CASE/b.yaml"
    expect_lines b "$DISK/flows.jsonl"
}

# full_to_the_end: the agent leaves in time, says what it lost, and the next one ends the line that is torn.
full_to_the_end() {
    local lines sent torn
    wire
    disk 1m
    config a "source: tc, window: 500ms"
    exporters a "{ plugin: json_lines, path: $DISK/flows.jsonl, filter: 'dst.port == 9999' }"
    # A page is left over, and a bit.
    head -c 900K /dev/zero >"$DISK/filler"
    agent a right
    wire_up
    sink right 10.77.0.2
    burst 3000
    wait_for "a word about the full disk" 5 says a 1 'reason=disk_full'
    burst 3000
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <"$CASE/sent")" "$(of packets <"$CASE/sent")"
    lines=$(wc -l <"$DISK/flows.jsonl")
    expect "lines" "$lines" "$(metric a weir_export_delivered_records_total)"
    expect "records offered" "$(metric a weir_export_offered_records_total)" \
        $((lines + $(metric a weir_export_lost_records_total 'reason="cancelled"')))
    expect_that "some lines were written" [ "$lines" -gt 100 ]
    expect_that "some records were lost" [ "$(metric a weir_export_lost_records_total)" -gt 1000 ]
    torn=$([ -z "$(tail -c 1 "$DISK/flows.jsonl")" ] && echo 0 || echo 1)
    rm "$DISK/filler"
    agent a right
    ip_in right link set w0 up
    ip_in left link set w0 up
    knows left w0 10.77.0.2 "$(station right w0)"
    sent=$(gen left raw w0 "$(station right w0)" 10.77.0.2 500 2 100 0 0)
    sleep 0.7
    wire_down
    stop_agent a
    expect "torn lines" "$torn" "$(metric a weir_json_lines_torn_lines_total)"
    expect "bytes of the next" "$(of l3_bytes <<<"$sent")" "$(tail -n +$((lines + torn + 1)) "$DISK/flows.jsonl" | of bytes)"
    remark "$lines lines, $torn torn;"
}

# killed: kill -9 under load, again and again. What the next one finds torn it ends, and counts.
killed() {
    local torn=0 counted=0 round sender
    wire
    disk 64m
    config a "source: tc, window: 100ms"
    exporters a "{ plugin: json_lines, path: $DISK/flows.jsonl, filter: 'dst.port == 9999', rotate: { size: 1MiB, keep: 1000 } }"
    agent a right
    wire_up
    sink right 10.77.0.2
    gen left raw w0 "$(station right w0)" 10.77.0.2 3000 1000000 100 30000 8 >>"$CASE/sent" &
    sender=$!
    for round in 1 2 3 4 5; do
        sleep 0.7
        kill_agent a
        # A line that is torn for sure, beside what the kill did.
        if [ "$round" = 3 ]; then printf '{"time":"20' >>"$DISK/flows.jsonl"; fi
        [ ! -s "$DISK/flows.jsonl" ] || [ -z "$(tail -c 1 "$DISK/flows.jsonl")" ] || torn=$((torn + 1))
        agent a right
    done
    wait "$sender"
    sleep 0.5
    wire_down
    stop_agent a
    counted=$(grep -hcv '^{"time":".*"packets":[0-9]*}$' "$DISK"/flows*.jsonl | awk '{ sum += $1 } END { print sum }')
    expect "lines that are not whole" "$torn" "$counted"
    expect_that "one was torn" [ "$torn" -ge 1 ]
    expect_that "files rotated" [ "$(find "$DISK" -name 'flows-*' | wc -l)" -ge 2 ]
    remark "$(cat "$DISK"/flows*.jsonl | wc -l) lines, $torn torn;"
}

run_case json-lines-under-traffic under_traffic
run_case json-lines-not-yet-writable not_yet_writable
run_case json-lines-full-to-the-end full_to_the_end
run_case json-lines-killed killed
