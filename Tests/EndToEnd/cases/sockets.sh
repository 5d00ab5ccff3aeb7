# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# What sockets send and receive is exported to the byte, once, with the cgroup that owns each end.
# The hook stands at the root of the hierarchy and sees every socket of the machine, in all network namespaces: so the
# truth is compared through a filter on the addresses of the wire, while the books balance over everything.

OURS='src.address in [10.77.0.0/24, fd77::/64] and dst.port == 9999'
FRAMES='src.address in [10.100.0.0/24, fd64::/64] and dst.port == 9999'

address_of() { [ "$2" = 4 ] && echo "10.77.0.$1" || echo "fd77::$1"; }

# both_ways FAMILY: each side sends to the other at once. What a socket here receives from a socket here is counted already.
both_ways() {
    local there back bytes packets
    wire
    config a "source: cgroup, window: 1s" "$OURS"
    agent a left
    wire_up
    sink left "$(address_of 1 "$1")"
    receiver right "$(address_of 2 "$1")"
    gen right sock "$(address_of 2 "$1")" "$(address_of 1 "$1")" 500 300 1 >"$CASE/back" 9>&- &
    back=$!
    # Slowly enough that the receiver's buffer holds it.
    there=$(gen left sock "$(address_of 1 "$1")" "$(address_of 2 "$1")" 1000 100 1 50000)
    wait $back
    received
    wire_down
    stop_agent a
    expect "received" "$(of packets <<<"$there")" "$(of packets <"$CASE/received")"
    bytes=$(($(of l3_bytes <<<"$there") + $(of l3_bytes <"$CASE/back")))
    packets=$(($(of packets <<<"$there") + $(of packets <"$CASE/back")))
    expect_books a
    expect_truth a test $bytes $packets
    expect_that "the receivers' side of it is not_counted{local}" \
        [ "$(metric a weir_kernel_not_counted_packets_total 'reason="local"')" -ge "$packets" ]
}

# from_outside FAMILY: frames whose sender has no socket here; the truth is what the socket received.
from_outside() {
    local sent
    wire
    config a "source: cgroup, window: 1s" "$FRAMES and observer == \"destination\""
    agent a right
    wire_up
    receiver right "$(address_of 2 "$1")"
    sent=$(gen left raw w0 "$(station right w0)" "$(address_of 2 "$1")" 10000 5 100 100000 0)
    sleep 0.2
    received
    wire_down
    stop_agent a
    expect "received" "$(of packets <<<"$sent")" "$(of packets <"$CASE/received")"
    expect_books a
    expect_truth a test "$(of l3_bytes <"$CASE/received")" "$(of packets <"$CASE/received")" "what sockets received"
}

# late: the wire holds packets back for much longer than three windows. Their sender is on this host all the same.
late() {
    local sent
    wire
    config a "source: cgroup, window: 100ms" "$OURS"
    agent a left
    wire_up
    ip netns exec "$PREFIX-left" tc qdisc add dev w0 root tbf rate 2mbit burst 5kb limit 10mb
    receiver right 10.77.0.2
    sent=$(gen left sock 10.77.0.1 10.77.0.2 3000 100 0)
    sleep 2.5
    received
    wire_down
    stop_agent a
    expect "received" 3000 "$(of packets <"$CASE/received")"
    expect_books a
    expect_truth a test "$(of l3_bytes <<<"$sent")" 3000
}

# tcp FAMILY: both ends are sockets of this machine. The truth is what the wire carried, but for what is not TCP. Our own two
# ends and not iperf3's, which close on data under way: the kernel then answers for sockets that are gone, and no socket hook
# sees it.
tcp() {
    local wired other
    wire
    config a "source: cgroup, window: 1s" 'src.address in [10.77.0.0/24, fd77::/64]'
    agent a left
    in_host left nft -f - <<EOF
table inet other {
    chain in { type filter hook prerouting priority -300; iif w0 meta l4proto != tcp counter; }
    chain out { type filter hook postrouting priority 300; oif w0 meta l4proto != tcp counter; }
}
EOF
    wire_up
    background right "$GEN" drain "$(address_of 2 "$1")"
    wait_for "gen to listen" 3 listens right 9999
    in_host left "$GEN" pour "$(address_of 2 "$1")" 600000000
    sleep 0.2 # the last acknowledgement
    wire_down
    stop_agent a
    read -ra wired < <(carried left w0)
    read -ra other < <(in_host left nft list table inet other |
        awk '/counter packets/ { packets += $(NF - 2); bytes += $NF } END { printf "%.0f %.0f\n", bytes, packets }')
    expect_books a
    measured "$CELL" "interface counters and nftables" $((wired[0] - other[0])) $((wired[1] - other[1])) \
        "$(metric a weir_test_bytes_total 'transport="TCP"')" "$(metric a weir_test_packets_total 'transport="TCP"')"
    remark "$((wired[1] - other[1])) packets;"
}

# owners lo|veth: sender and receiver in two control groups; one row, an owner at each end.
owners() {
    local sent from to receiver_host capture="source: cgroup, window: 1s"
    wire
    if [ "$1" = lo ]; then
        from=127.7.7.1 to=127.7.7.2
        capture+=", interfaces: { exclude: [] }"
        receiver_host=left
    else
        from=10.77.0.1 to=10.77.0.2
        receiver_host=right
    fi
    cat >"$CASE/a.yaml" <<EOF
capture: { $capture }
enrich: [local_owner]
metrics:
  test.bytes: { measure: bytes, filter: 'dst.port == 9999 and src.address == $from', attributes: [src.owner.name, dst.owner.name, observer, traffic.scope] }
  test.packets: { measure: packets, filter: 'dst.port == 9999 and src.address == $from', attributes: [src.owner.name, dst.owner.name, observer, traffic.scope] }
export: [prometheus]
http: off
EOF
    chmod 0600 "$CASE/a.yaml"
    agent a left
    wire_up
    joining receiver
    receiver "$receiver_host" "$to" "${JOINING[@]}"
    joining sender
    sent=$(in_host left "${JOINING[@]}" "$GEN" sock "$from" "$to" 100 200 1 20000)
    received
    expect "received" "$(of packets <<<"$sent")" "$(of packets <"$CASE/received")"
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <<<"$sent")" "$(of packets <<<"$sent")"
    expect "with both owners" "$(of packets <<<"$sent")" \
        "$(metric a weir_test_packets_total 'src_owner_name="weir-e2e-sender"' 'dst_owner_name="weir-e2e-receiver"')"
    expect "observer both" "$(of packets <<<"$sent")" "$(metric a weir_test_packets_total 'observer="both"')"
    expect "same host" "$(of packets <<<"$sent")" "$(metric a weir_test_packets_total 'traffic_scope="same_host"')"
}

for family in 4 6; do
    CELL="cgroup IPv$family UDP off full none" run_case "sockets-udp$family-both-ways" both_ways $family
    CELL="cgroup IPv$family UDP off many none" run_case "sockets-udp$family-from-outside" from_outside $family
    CELL="cgroup IPv$family TCP off full none" run_case "sockets-tcp$family" tcp $family
done
CELL="cgroup IPv4 UDP off few swap" run_case sockets-late-packets late
CELL="cgroup IPv4 UDP off few none" run_case sockets-owners-loopback owners lo
CELL="cgroup IPv4 UDP off few none" run_case sockets-owners-veth owners veth
