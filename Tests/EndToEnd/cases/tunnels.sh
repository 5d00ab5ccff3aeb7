# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# Two hosts that talk through VXLAN and in no other way: what is inside counts, or what is around it, in both directions and with
# super-packets or without. The truth is the qdisc of the tunnel's device, or that of the wire, at the end that sends.
#
#   left  x0 10.99.0.1 ─┐                                  ┌─ x0 10.99.0.2  right
#                       w0 10.77.0.1 ─── wire ─── w0 10.77.0.2

# overlay OFFLOAD: all of it, down. Nobody asks for an address, and IPv6 has nothing to announce.
overlay() {
    wire_with_offloads
    overlay_end left 1 2 "$1"
    overlay_end right 2 1 "$1"
}

# overlay_end HOST NUMBER OTHER OFFLOAD
overlay_end() {
    local device
    ip_in "$1" link add x0 type vxlan id 7 local "10.77.0.$2" remote "10.77.0.$3" dstport 4789 noudpcsum
    ip_in "$1" link set x0 mtu 1450
    ip netns exec "$PREFIX-$1" tc qdisc add dev x0 root pfifo limit 100000
    for device in w0 x0; do
        in_host "$1" sysctl -qw net.ipv6.conf.$device.disable_ipv6=1
        if [ "$4" = off ]; then no_offloads "$1" $device; fi
    done
}

overlay_up() {
    overlay_end_up left 1
    overlay_end_up right 2
    overlay_end_knows left right 2
    overlay_end_knows right left 1
}

overlay_end_up() {
    ip_in "$1" addr add "10.77.0.$2/24" dev w0
    ip_in "$1" addr add "10.99.0.$2/24" dev x0
    ip_in "$1" link set w0 up
    ip_in "$1" link set x0 up
}

overlay_end_knows() {
    knows "$1" w0 "10.77.0.$3" "$(station "$2" w0)"
    knows "$1" x0 "10.99.0.$3" "$(station "$2" x0)"
}

# lost HOST DEVICE: packets that it lost, either way.
lost() { in_host "$1" awk -v device="$2:" '$1 == device { print $5 + $13 }' /proc/net/dev; }

# tunnel SIDE OFFLOAD FLAVOR
tunnel() {
    local filter='src.address in 10.99.0.0/24' device=x0 side out back
    if [ "$1" = outer ]; then filter='dst.port == 4789' device=w0; fi
    overlay "$2"
    config a "source: tc, tc: $3, window: 100ms" "$filter" "accounting: { tunnels: $1 }"
    agent a left
    overlay_up
    # The tunnel's device came up; its programs follow within milliseconds.
    sleep 0.5
    sink right 10.99.0.2
    gen left sock 10.99.0.1 10.99.0.2 50 1000 0 0 20 >/dev/null
    stream_server right
    stream left 10.99.0.2 -n 50M
    stream_server right
    stream left 10.99.0.2 -n 50M -R
    sleep 0.3
    read -ra out < <(queued left $device)
    read -ra back < <(queued right $device)
    for side in left right; do
        for device in w0 x0; do expect "$side: packets that $device dropped" 0 "$(lost $side $device)"; done
    done
    stop_agent a
    expect_books a
    expect_nothing_lost a
    expect_truth a test $((out[0] + back[0])) $((out[1] + back[1])) "tc -s qdisc"
    expect "network.flow.bytes has nothing else" "$(metric a weir_test_bytes_total)" "$(metric a weir_network_flow_bytes_total)"
    if [ "$1" = inner ]; then
        # One packet around each, of 50 bytes.
        expect "packets around them" $((out[1] + back[1])) "$(metric a weir_kernel_not_counted_packets_total 'reason="tunnel"')"
        expect "bytes around them" $((out[0] + back[0] + 50 * (out[1] + back[1]))) "$(metric a weir_kernel_not_counted_bytes_total 'reason="tunnel"')"
    fi
}

for side in inner outer; do
    for offload in off on; do
        for flavor in tcx clsact; do
            CELL="$flavor IPv4 UDP+TCP $offload full $side" run_case tunnel-$side-$offload-$flavor tunnel $side $offload $flavor
        done
    done
done
not_promised "tcx IPv4 others off full outer" docs/capture.md#tunnels "What a container or another device sends into the tunnel counts where it enters too"
