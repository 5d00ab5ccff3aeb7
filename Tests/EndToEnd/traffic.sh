# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# Traffic, and its truth. Sourced by lib.sh.

# gen HOST ARGUMENT…: see Tests/Benchmarks/floor/generator/gen.c
gen() {
    local name=$1
    shift
    in_host "$name" "$GEN" "$@"
}

# sink HOST ADDRESS: a socket that swallows, so that nobody answers "port unreachable".
sink() {
    background "$1" "$GEN" hold "$2"
    disown
    wait_for "the sink" 2 binds "$1"
}

# receiver HOST ADDRESS [COMMAND…], received: a socket that counts what it gets; told to stop, it writes it to $CASE/received.
receiver() {
    local name=$1 address=$2
    shift 2
    background "$name" "$@" "$GEN" recv "$address" >"$CASE/received"
    RECEIVER=$!
    wait_for "the receiver" 2 binds "$name"
}

received() {
    kill -TERM "$RECEIVER"
    wait_for_end "$RECEIVER"
}

# of FIELD < the generator's lines: their sum.
of() { awk -v field="\"$1\":" '{ at = index($0, field); sum += substr($0, at + length(field)) } END { printf "%.0f\n", sum }'; }

# carried HOST DEVICE [rx|tx]: layer-3 bytes and packets by the interface's own counters. Right as long as nothing is offloaded or padded.
carried() {
    in_host "$1" awk -v device="$2:" -v way="${3:-both}" '
        $1 == device {
            bytes = (way != "tx") * $2 + (way != "rx") * $10; packets = (way != "tx") * $3 + (way != "rx") * $11
            printf "%.0f %.0f\n", bytes - 14 * packets, packets
        }' /proc/net/dev
}

# dropped HOST DEVICE: packets that were sent there and found no room on their way to the other end, as a busy machine has it.
dropped() { ip_in "$1" -s -j link show "$2" | sed 's/.*"tx":{[^}]*"dropped":\([0-9]*\).*/\1/'; }

# queued HOST DEVICE: the same by its root qdisc, which counts the segments of a super-packet and their headers.
queued() {
    ip netns exec "$PREFIX-$1" tc -s qdisc show dev "$2" root |
        awk '$1 == "Sent" { printf "%.0f %.0f\n", $2 - 14 * $4, $4 }'
}

# stream_server HOST, stream HOST ADDRESS ARGUMENT…: iperf3, for one test.
stream_server() {
    background "$1" iperf3 -s -1 >/dev/null 2>&1
    disown
    wait_for "iperf3 to listen" 3 listens "$1" 5201
}

stream() {
    local name=$1
    shift
    in_host "$name" iperf3 -c "$@" >"$CASE/iperf3" 2>&1 || { cat "$CASE/iperf3" >&2; return 1; }
}

binds() { in_host "$1" ss -Hlun "sport = :9999" | grep 9999 >/dev/null; }
listens() { in_host "$1" ss -Hltn "sport = :$2" | grep LISTEN >/dev/null; }
