# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# What the machine does not allow: at the start it ends the agent with status 2 and a sentence, later it is counted.

# port_in_use: the second agent leaves, the first one's programs stay.
port_in_use() {
    local status=0
    wire
    config a "source: tc"
    config b "source: tc"
    sed -i 's/^http: off/http: { listen: 127.0.0.1:9347 }/' "$CASE/a.yaml" "$CASE/b.yaml"
    agent b left
    in_host left timeout 10 "$WEIR" run --config "$CASE/a.yaml" >"$CASE/a.log" 2>&1 || status=$?
    expect "exit status" 2 "$status"
    grep -q 'could not listen.*127.0.0.1:9347' "$CASE/a.log" || fail "no clear message: $(tail -n 1 "$CASE/a.log")"
    expect "programs" "tcx 2 clsact 0" "$(attached left w0)"
    stop_agent b
    expect "programs afterwards" "tcx 0 clsact 0" "$(attached left w0)"
}

# unwritable_file: the world's mistake, not the start's. Records wait, are lost when the agent leaves, and counted; what metrics count is not touched.
unwritable_file() {
    local sent
    wire
    config a "source: tc, window: 1s"
    sed -i 's|^export: .*|export: [prometheus, { plugin: json_lines, path: /proc/weir/flows.jsonl }]|' "$CASE/a.yaml"
    agent a right
    wire_up
    sink right 10.77.0.2
    sent=$(gen left raw w0 "$(station right w0)" 10.77.0.2 1000 3 100 0 0)
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <<<"$sent")" 3000
    grep -q '/proc/weir/flows.jsonl' "$CASE/a.log" || fail "the log does not name the file"
    expect "records offered = lost{cancelled}" "$(metric a weir_export_offered_records_total)" \
        "$(metric a weir_export_lost_records_total 'reason="cancelled"')"
    expect_that "failures were counted" [ "$(metric a weir_json_lines_failures_total 'reason="missing"')" -ge 1 ]
    expect_that "records were offered" [ "$(metric a weir_export_offered_records_total)" -ge 1000 ]
}

# interface_to_come: a name that nothing has yet is no mistake.
interface_to_come() {
    wire
    config a "source: tc, interfaces: { include: [nothing0] }"
    agent a left
    expect "programs" "tcx 0 clsact 0" "$(attached left w0)"
    ip_in left link set w0 name nothing0
    sleep 0.3
    expect "programs on the renamed device" "tcx 2 clsact 0" "$(attached left nothing0)"
    stop_agent a
}

# unreadable_folder: a configuration that may not be seen is not one that is not there.
unreadable_folder() {
    local status=0
    mkdir "$CASE/hidden"
    echo 'export: [prometheus]' >"$CASE/hidden/weir.yaml"
    # The case's own folder and the binary may be out of a stranger's reach too, so both are copied to where they are not.
    local open
    open=$(mktemp -d)
    chmod 755 "$open"
    cp "$WEIR" "$open/weir"
    cp -r "$CASE/hidden" "$open/hidden"
    chmod 700 "$open/hidden"
    setpriv --reuid=65534 --regid=65534 --clear-groups "$open/weir" check --config "$open/hidden" >"$CASE/check" 2>&1 || status=$?
    rm -rf "$open"
    expect "exit status" 1 "$status"
    grep -q 'the folder could not be read' "$CASE/check" || fail "check does not say that the folder cannot be read: $(cat "$CASE/check")"
}

# many_devices HARD_LIMIT: on more devices than the soft limit of open files lets it hold, and with as many threads as CPUs elsewhere have.
many_devices() {
    local number limit=$1
    wire
    config a "source: tc, window: 500ms"
    sed -i 's/^http: off/http: { listen: 127.0.0.1:9347 }/' "$CASE/a.yaml"
    for number in $(seq 40); do
        echo "link add many$number type veth peer name many$number netns $PREFIX-right"
        echo "link set many$number up"
    done | ip -n "$PREFIX-left" -batch -
    wire_up
    : >"$CASE/a.log"
    background left env NIO_SINGLETON_GROUP_LOOP_COUNT=64 prlimit --nofile="64:$limit" "$WEIR" run --config "$CASE/a.yaml" \
        --final-metrics "$CASE/a.prom" >"$CASE/a.out" 2>"$CASE/a.log"
    AGENT_PID[a]=$!
    wait_for "agent a to run" 10 said_it_runs_or_left a
    sleep 1
    expect_that "few threads" [ "$(find "/proc/${AGENT_PID[a]}/task" -mindepth 1 -maxdepth 1 | wc -l)" -lt 32 ]
    in_host left curl -sS http://127.0.0.1:9347/metrics >"$CASE/live.prom"
    wire_down
    stop_agent a
    expect_books a
}

enough_files() {
    many_devices 4096
    expect "devices" 41 "$(metric live weir_capture_interfaces)"
    expect "devices refused" 0 "$(metric live weir_capture_refused_interfaces)"
}

# Those that could be attached are counted, the others are said, once each, and shown; and there is a file left for who asks.
too_few_files() {
    many_devices 128
    expect_that "some devices" [ "$(metric live weir_capture_interfaces)" -ge 1 ]
    expect_that "some devices refused" [ "$(metric live weir_capture_refused_interfaces)" -ge 1 ]
    expect "devices in all" 41 $(($(metric live weir_capture_interfaces) + $(metric live weir_capture_refused_interfaces)))
    expect "devices refused, as the log has them" "$(metric live weir_capture_refused_interfaces)" "$(grep -c 'could not attach' "$CASE/a.log")"
}

run_case bounds-enough-files enough_files
run_case bounds-too-few-files too_few_files
run_case bounds-unreadable-folder unreadable_folder
run_case bounds-port-in-use port_in_use
run_case bounds-unwritable-file unwritable_file
run_case bounds-interface-to-come interface_to_come
