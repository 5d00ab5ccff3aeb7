# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# The agent under test: how it starts, what it holds, and how it ends. Sourced by lib.sh.

# config NAME CAPTURE [FILTER] [MORE]: its configuration. CAPTURE is the inside of `capture:`. Metric `test` is what FILTER lets through.
config() {
    local filter=${3:-dst.port == 9999}
    cat >"$CASE/$1.yaml" <<EOF
capture: { $2 }
enrich: []
metrics:
  network.flow.bytes: [transport, observer]
  network.flow.packets: [transport, observer]
  test.bytes: { measure: bytes, filter: '$filter', attributes: [transport] }
  test.packets: { measure: packets, filter: '$filter', attributes: [transport] }
export: [prometheus]
http: off
tap: off
${4:-}
EOF
    chmod 0600 "$CASE/$1.yaml"
}

# capture_by SOURCE: how `capture:` names it; tcx and clsact are the two ways of tc.
capture_by() {
    case $1 in
        tcx | clsact) echo "source: tc, tc: $1" ;;
        *) echo "source: $1" ;;
    esac
}

# agent NAME HOST: starts it there with $CASE/NAME.yaml, and returns when it counts.
agent() {
    : >"$CASE/$1.log"
    background "$2" "$WEIR" run --config "$CASE/$1.yaml" --final-metrics "$CASE/$1.prom" >"$CASE/$1.out" 2>"$CASE/$1.log"
    AGENT_PID[$1]=$!
    wait_for "agent $1 to run" 10 said_it_runs_or_left "$1"
    grep -q ' notice running ' "$CASE/$1.log" || { fail "agent $1 did not start"; exit 1; }
}

said_it_runs_or_left() { grep -q ' notice running ' "$CASE/$1.log" || ! kill -0 "${AGENT_PID[$1]}" 2>/dev/null; }

# stop_agent NAME: as systemd would; it must drain and leave within 5 s.
stop_agent() {
    local start
    start=$(now_ms)
    kill -TERM "${AGENT_PID[$1]}"
    wait_for_end "${AGENT_PID[$1]}"
    expect "$1: exit status" 0 "$STATUS"
    [ $(($(now_ms) - start)) -le 5000 ] || fail "$1: took $(($(now_ms) - start)) ms to stop"
    [ -s "$CASE/$1.prom" ] || fail "$1: no final metrics"
}

# kill_agent NAME: as the kernel's OOM killer would.
kill_agent() {
    kill -KILL "${AGENT_PID[$1]}"
    wait_for_end "${AGENT_PID[$1]}"
}

# attached HOST DEVICE: how many of our programs stand there, by tcx and by clsact.
attached() {
    local tcx filters
    tcx=$(in_host "$1" "$ATTACHED" "$2" | grep -c '^weir_' || true)
    filters=$(for way in ingress egress; do ip_tc "$1" filter show dev "$2" $way 2>/dev/null || true; done | grep -c 'weir_' || true)
    echo "tcx $tcx clsact $filters"
}

# has_ours HOST DEVICE WHAT: `attached` says WHAT.
has_ours() { [ "$(attached "$1" "$2")" = "$3" ]; }

# has_packets HOST DEVICE: a packet socket that gets all protocols is bound to it.
has_packets() {
    local number
    number=$(ip_in "$1" -o link show dev "$2" | cut -d: -f1)
    in_host "$1" awk -v number="$number" '$4 == "0003" && $5 == number { found = 1 } END { exit !found }' /proc/net/packet
}

# reload AGENT: SIGHUP, and waits until it said how that went.
reload() {
    local before
    before=$(grep -c -e ' notice reloaded' -e 'reload refused' "$CASE/$1.log" || true)
    kill -HUP "${AGENT_PID[$1]}"
    wait_for "a word about the reload" 5 said_more_than "$1" "$before"
}

said_more_than() { [ "$(grep -c -e ' notice reloaded' -e 'reload refused' "$CASE/$1.log" || true)" -gt "$2" ]; }

# descriptors AGENT: how many files its process has open.
descriptors() { find "/proc/${AGENT_PID[$1]}/fd" -mindepth 1 | wc -l; }

# maps AGENT: the shapes of the maps that it holds open, one "TYPE KEY_SIZE VALUE_SIZE ENTRIES" a line.
maps() {
    # A descriptor may go meanwhile; no map at all is an error.
    { cat "/proc/${AGENT_PID[$1]}/fdinfo/"* 2>/dev/null || true; } | awk '
        { field[$1] = $2 }
        $1 == "max_entries:" { print field["map_type:"], field["key_size:"], field["value_size:"], $2; count++ }
        END { exit !count }' | sort
}
