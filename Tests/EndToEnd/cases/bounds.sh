# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# What the machine does not allow ends the start with status 2, and a sentence that says what.

# refused STATUS WORDS: the agent leaves with this status and says these words.
refused() {
    local status=0
    in_host left timeout 10 "$WEIR" run --config "$CASE/a.yaml" >"$CASE/a.log" 2>&1 || status=$?
    expect "exit status" "$1" "$status"
    grep -q "$2" "$CASE/a.log" || fail "expected a message with '$2' got '$(tail -n 1 "$CASE/a.log")'"
    # Nothing stays behind.
    expect "programs left" 0 "$(ip netns exec "$PREFIX-left" bpftool net show dev w0 | grep -c weir_ || true)"
}

port_in_use() {
    wire
    config a "source: tc"
    config b "source: tc"
    sed -i 's/^http: off/http: { listen: 127.0.0.1:9347 }/' "$CASE/a.yaml" "$CASE/b.yaml"
    agent b left
    refused_keeps_other
    stop_agent b
}

# The first agent goes on: its programs stay.
refused_keeps_other() {
    local status=0
    in_host left timeout 10 "$WEIR" run --config "$CASE/a.yaml" >"$CASE/a.log" 2>&1 || status=$?
    expect "exit status" 2 "$status"
    grep -q '127.0.0.1:9347' "$CASE/a.log" || fail "the message does not name the address: $(tail -n 1 "$CASE/a.log")"
    expect "programs of the first" 2 "$(ip netns exec "$PREFIX-left" bpftool net show dev w0 | grep -c weir_ || true)"
}

unwritable_file() {
    wire
    config a "source: tc"
    sed -i 's|^export: .*|export: [{ plugin: json_lines, path: /proc/weir/flows.jsonl }]|' "$CASE/a.yaml"
    refused 2 /proc/weir/flows.jsonl
}

no_such_flavor() {
    wire
    config a "source: tc"
    sed -i 's|source: tc|source: tc, interfaces: { include: [nothing0] }|' "$CASE/a.yaml"
    # An interface that may still come is no mistake.
    agent a left
    stop_agent a
}

run_case bounds-port-in-use port_in_use
run_case bounds-unwritable-file unwritable_file
run_case bounds-interface-to-come no_such_flavor
