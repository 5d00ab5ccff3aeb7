# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# What a network device carries is exported to the byte: by tcx, by clsact and by packet sockets, IPv4 and IPv6.
# The wire comes up after the agent and goes down before it, so the interface's counters are the truth of everything it saw.
# Every protocol, offloads and events are in the matrix; here are frames that no socket made, their padding, and real pings.

peer_of() { [ "$1" = 4 ] && echo 10.77.0.2 || echo fd77::2; }

# flows SOURCE FAMILY COUNT: frames from an AF_PACKET generator arrive at the agent's host.
flows() {
    local sent
    wire
    config a "$(capture_by "$1"), window: 1s"
    agent a right
    wire_up
    sink right "$(peer_of "$2")"
    sent=$(gen left raw w0 "$(station right w0)" "$(peer_of "$2")" "$3" 3 100 0 0)
    wire_down
    stop_agent a
    expect_books a
    expect_nothing_lost a
    expect_truth a test "$(of l3_bytes <<<"$sent")" "$(of packets <<<"$sent")"
    # shellcheck disable=SC2046
    expect_all a $(carried right w0)
}

# padded SOURCE FAMILY: Ethernet fills short frames up to 60 bytes; what counts is what the IP header says.
padded() {
    local sent frame
    [ "$2" = 4 ] && frame=60 || frame=80 # the smallest IPv6 datagram is longer than 60 bytes in its frame
    wire
    config a "$(capture_by "$1"), window: 1s"
    agent a right
    wire_up
    sink right "$(peer_of "$2")"
    sent=$(gen left -p $frame raw w0 "$(station right w0)" "$(peer_of "$2")" 100 10 3 0 0)
    wire_down
    stop_agent a
    expect_books a
    expect "bytes on the wire" $((1000 * frame)) "$(of l2_bytes <<<"$sent")"
    expect_truth a test "$(of l3_bytes <<<"$sent")" 1000
}

# echoes SOURCE FAMILY: ping both ways; the ports of ICMP are its type and code.
echoes() {
    local echo bytes
    [ "$2" = 4 ] && echo=8 bytes=1028 || echo=128 bytes=1048
    wire
    config a "$(capture_by "$1"), window: 1s" "(transport == \"ICMP\" or transport == \"ICMPV6\") and src.port == $echo"
    agent a left
    wire_up
    in_host left ping -q -i 0.005 -c 100 -s 1000 "$(peer_of "$2")" >/dev/null
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test $((100 * bytes)) 100
    # shellcheck disable=SC2046
    expect_all a $(carried left w0)
}

for source in tcx clsact socket; do
    for family in 4 6; do
        CELL="$source IPv$family UDP off many none" run_case "$source-udp$family-10k" flows $source $family 10000
        CELL="$source IPv$family UDP off many none" run_case "$source-udp$family-100k" flows $source $family 100000
        CELL="$source IPv$family UDP off few none" run_case "$source-padded$family" padded $source $family
        CELL="$source IPv$family ICMP off few none" run_case "$source-icmp$family" echoes $source $family
    done
done
