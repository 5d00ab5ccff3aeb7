# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# A container behind a bridge with an address, masqueraded, through a shaped uplink: Docker's shape. Each packet crosses
# three devices of the host and changes its source on the way; it counts once, whichever devices are watched.
#
#   box  c0 ── v0 · br0 (172.30.7.1) · u0 (10.77.9.1, tbf) ── w0  world
#   172.30.7.2             host                              10.77.9.2

docker_shape() {
    local end
    host box host world
    veth box c0 host v0
    veth host u0 world w0
    for end in "box c0" "host v0" "host u0" "world w0"; do
        # shellcheck disable=SC2086
        no_offloads $end
    done
    ip_in host link add br0 type bridge
    ip_in host link set v0 master br0
    in_host host sysctl -qw net.ipv4.ip_forward=1
    # The truth: what the host forwards, by the one who forwards it.
    in_host host nft -f - <<EOF
table ip nat { chain post { type nat hook postrouting priority 100; oifname u0 masquerade; }; }
table ip truth {
    counter out { }
    counter back { }
    chain pre {
        type filter hook prerouting priority -300;
        iifname br0 udp dport 9999 counter name out
        iifname br0 tcp dport 5201 counter name out
        iifname u0 tcp sport 5201 counter name back
    }
    counter leaving { }
    chain post {
        type filter hook postrouting priority 300;
        oifname u0 udp dport 9999 counter name leaving
        oifname u0 tcp dport 5201 counter name leaving
    }
}
EOF
}

docker_up() {
    ip_in host link set br0 up
    ip_in host addr add 172.30.7.1/24 dev br0
    ip_in host addr add 10.77.9.1/24 dev u0
    ip_in box addr add 172.30.7.2/24 dev c0
    ip_in world addr add 10.77.9.2/24 dev w0
    for end in "world w0" "host v0" "host u0" "box c0"; do
        # shellcheck disable=SC2086
        set -- $end
        ip_in "$1" link set "$2" up
    done
    ip_in box route add default via 172.30.7.1
    in_host host ping -q -c 1 10.77.9.2 >/dev/null
    in_host box ping -q -c 1 10.77.9.2 >/dev/null
}

# counter NAME: bytes and packets.
counter() {
    in_host host nft list counter ip truth "$1" | awk '/packets/ { print $4, $2 }'
}

# docker INTERFACES FLAVOR
docker() {
    local out back
    docker_shape
    config a "source: tc, tc: $2, window: 100ms, interfaces: { $1 }" 'dst.port == 9999 or src.port == 5201 or dst.port == 5201'
    agent a host
    docker_up
    ip netns exec "$PREFIX-host" tc qdisc add dev u0 root tbf rate 300mbit burst 128kb latency 30ms
    sink world 10.77.9.2
    gen box sock 172.30.7.2 10.77.9.2 300 200 "$([ -n "${LONG:-}" ] && echo 60 || echo 3)" >"$CASE/sent"
    stream_server world
    stream box 10.77.9.2 -t 1
    stream_server world
    stream box 10.77.9.2 -t 1 -R
    sleep 0.3
    stop_agent a
    read -ra out < <(counter out)
    read -ra back < <(counter back)
    expect "what came from the box also left" "$(counter out)" "$(counter leaving)"
    expect_books a
    expect_nothing_lost a
    expect_truth a test $((out[0] + back[0])) $((out[1] + back[1])) "nftables counters"
    expect_that "more than UDP passed" [ "${out[1]}" -gt "$(of packets <"$CASE/sent")" ]
}

CELL="tcx IPv4 UDP+TCP off full forwarded" run_case docker-all-interfaces docker "exclude: [lo]" tcx
CELL="clsact IPv4 UDP+TCP off full forwarded" run_case docker-all-interfaces-clsact docker "exclude: [lo]" clsact
CELL="tcx IPv4 UDP+TCP off full forwarded" run_case docker-uplink-alone docker "include: [u0]" tcx
CELL="tcx IPv4 UDP+TCP off full forwarded" run_case docker-bridge-named docker "include: [br0, u0]" tcx
