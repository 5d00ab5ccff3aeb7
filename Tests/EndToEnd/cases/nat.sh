# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# A node that translates: who dials the Service (10.96.0.10:9999) or the node itself gets one of two backends by turns, and is
# masqueraded on the way. Each byte counts once, at the backend that got it, whatever of it the agent sees.
#
#   client c0 ─── a0 · node · b1 ─── w0 one      10.201.0.2, fd21::2
#   10.200.0.2               b2 ─── w0 two      10.202.0.2, fd22::2
#   fd20::2

# on NETWORK NUMBER: its address in this family: 200 2 is 10.200.0.2 or fd20::2.
on() { [ "$FAMILY" = 4 ] && echo "10.$1.0.$2" || echo "fd2${1#20}::$2"; }

node_shape() {
    local end ip
    host node client one two
    veth client c0 node a0
    veth one w0 node b1
    veth two w0 node b2
    for end in "client c0" "node a0" "node b1" "node b2" "one w0" "two w0"; do
        # shellcheck disable=SC2086
        no_offloads $end
    done
    in_host node sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    ip=$([ "$FAMILY" = 4 ] && echo ip || echo ip6)
    # The truth: what went to each backend and came from it, by the one who sent it there.
    in_host node nft -f - <<EOT
table $ip nat {
    chain translate { $ip daddr { $SERVICE, $(on 200 1) } th dport 9999 dnat to numgen inc mod 2 map { 0 : $(on 201 2), 1 : $(on 202 2) }; }
    chain pre { type nat hook prerouting priority -100; meta l4proto { tcp, udp } jump translate; }
    chain out { type nat hook output priority -100; meta l4proto { tcp, udp } jump translate; }
    chain post { type nat hook postrouting priority 100; oifname { b1, b2 } $MASQUERADE; }
}
table $ip truth {
    counter to_one { }
    counter to_two { }
    counter from_one { }
    counter from_two { }
    chain post {
        type filter hook postrouting priority 50;
        $ip daddr $(on 201 2) th dport 9999 counter name to_one
        $ip daddr $(on 202 2) th dport 9999 counter name to_two
    }
    chain pre {
        type filter hook prerouting priority -250;
        $ip saddr $(on 201 2) th sport 9999 counter name from_one
        $ip saddr $(on 202 2) th sport 9999 counter name from_two
    }
}
EOT
}

node_up() {
    local host device peer network
    while read -r host device peer network; do
        ip_in "$host" link set "$device" up
        ip_in node link set "$peer" up
        # shellcheck disable=SC2086
        ip_in node addr add "$(on "$network" 1)/$PREFIX_LENGTH" dev "$peer" $NODAD
        # shellcheck disable=SC2086
        ip_in "$host" addr add "$(on "$network" 2)/$PREFIX_LENGTH" dev "$device" $NODAD
        knows "$host" "$device" "$(on "$network" 1)" "$(station node "$peer")"
        knows node "$peer" "$(on "$network" 2)" "$(station "$host" "$device")"
        ip_in "$host" route add default via "$(on "$network" 1)"
    done <<EOT
client c0 a0 200
one w0 b1 201
two w0 b2 202
EOT
    # For what the node itself dials, until it is translated.
    ip_in node route add "$SERVICE" via "$(on 201 2)"
    # The first connection that is tracked here: from now on the agent asks.
    in_host client ping -q -c 1 "$(on 201 2)" >/dev/null
    wait_for "the agent to look up real ends" 5 grep -q 'looking up the real ends' "$CASE/a.log"
}

# truth NAME: bytes and packets of a counter.
truth() { in_host node nft list counter "$([ "$FAMILY" = 4 ] && echo ip || echo ip6)" truth "$1" | awk '/packets/ { print $4, $2 }'; }

# Sockets see those of the whole machine, so the addresses are asked for too.
OURS_HERE='[10.200.0.0/14, fd20::/14, 10.96.0.10, fd96::10]'
PASSING="(dst.port == 9999 and dst.address in $OURS_HERE) or (src.port == 9999 and src.address in $OURS_HERE)"

# node_config CAPTURE [AGENT [MORE]]
node_config() {
    cat >"$CASE/${2:-a}.yaml" <<EOT
capture: { $1, window: 1s }
enrich: ${ENRICH:-[]}
metrics:
  network.flow.bytes: [transport, observer${SELECTED:+, $SELECTED}]
  network.flow.packets: [transport, observer]
  test.bytes: { measure: bytes, filter: '$PASSING', attributes: [src.address, dst.address, src.service.address, dst.service.address] }
  test.packets: { measure: packets, filter: '$PASSING', attributes: [src.address, dst.address, src.service.address, dst.service.address] }
export: [prometheus]
pipeline: { max_series: 100000 }
http: off
${3:-}
EOT
    chmod 0600 "$CASE/${2:-a}.yaml"
}

family() {
    FAMILY=$1
    if [ "$1" = 4 ]; then
        SERVICE=10.96.0.10 PREFIX_LENGTH=24 NODAD=''
    else
        SERVICE=fd96::10 PREFIX_LENGTH=64 NODAD=nodad
    fi
    DIALLED=$SERVICE
}

# node CAPTURE FAMILY HIDDEN TRAFFIC: HIDDEN is `masquerade`, or empty: then the backends see who dials.
node() {
    family "$2"
    MASQUERADE=$3
    node_shape
    node_config "$1"
    agent a node
    node_up
    "traffic_$4"
    sleep 0.3
    stop_agent a
    expect_books a
    expect_nothing_lost a
    expect_backends
}

# expect_backends: what each backend got and gave is in the series of its own address, with the address that was dialled, and nothing else is there.
expect_backends() {
    local name backend number=201 there back bytes=0 packets=0
    for name in one two; do
        backend=$(on $number 2)
        read -ra there < <(truth "to_$name")
        read -ra back < <(truth "from_$name")
        expect "$name: bytes there" "${there[0]}" "$(metric a weir_test_bytes_total "dst_address=\"$backend\"" "dst_service_address=\"$DIALLED\"")"
        expect "$name: packets there" "${there[1]}" "$(metric a weir_test_packets_total "dst_address=\"$backend\"" "dst_service_address=\"$DIALLED\"")"
        expect "$name: bytes back" "${back[0]}" "$(metric a weir_test_bytes_total "src_address=\"$backend\"" "src_service_address=\"$DIALLED\"")"
        expect_that "$name got something" [ "${there[1]}" -gt 0 ]
        bytes=$((bytes + there[0] + back[0])) packets=$((packets + there[1] + back[1]))
        number=$((number + 1))
    done
    expect_truth a test $bytes $packets "nftables counters"
    expect "translated" $bytes "$(metric a weir_kernel_translated_bytes_total)"
}

# 10,000 connections within a second, by frames.
traffic_many() {
    sink one "$(on 201 2)"
    sink two "$(on 202 2)"
    gen client raw c0 "$(station node a0)" "$DIALLED" 10000 3 100 30000 0 >"$CASE/sent"
}

traffic_sockets() {
    sink one "$(on 201 2)"
    sink two "$(on 202 2)"
    gen client -t udp sock "$(on 200 2)" "$DIALLED" 300 200 3 20000 >"$CASE/sent"
}

# connections HOST BYTES: forty at once from there, each of so many bytes.
connections() {
    background one "$GEN" drain "$(on 201 2)" 20
    background two "$GEN" drain "$(on 202 2)" 20
    wait_for "one to listen" 3 listens one 9999
    wait_for "two to listen" 3 listens two 9999
    in_host "$1" "$GEN" pour "$DIALLED" "$2" 40 >/dev/null
    sleep 0.2
}

traffic_tcp() {
    connections client 2000000
    connections client 2000
}

# The node's own processes dial: what leaves is translated already. Nothing larger than a segment: to netfilter a super-packet of the
# node's own is one packet, and there would be no truth.
traffic_own() {
    connections node 1000
    sink one "$(on 201 2)"
    sink two "$(on 202 2)"
    gen node -t udp sock "$(on 201 1)" "$DIALLED" 300 200 1 20000 >"$CASE/sent"
}

# Docker's published port, a NodePort.
traffic_port() {
    DIALLED=$(on 200 1)
    traffic_tcp
}

# The kernel's table has room for 2000 connections: what finds none keeps the address that was dialled, and the reason is told.
table_full() {
    local before sent full
    family 4
    MASQUERADE=masquerade
    node_shape
    node_config "source: tc, tc: tcx"
    agent a node
    node_up
    # For all network namespaces, so not for long.
    before=$(sysctl -n net.netfilter.nf_conntrack_max)
    # shellcheck disable=SC2064
    trap "sysctl -qw net.netfilter.nf_conntrack_max=$before; remove_everything" EXIT
    sysctl -qw net.netfilter.nf_conntrack_max=2000
    sink one "$(on 201 2)"
    sink two "$(on 202 2)"
    sent=$(gen client raw c0 "$(station node a0)" "$DIALLED" 10000 1 100 20000 0)
    sleep 0.3
    sysctl -qw net.netfilter.nf_conntrack_max="$before"
    stop_agent a
    expect_books a
    expect_nothing_lost a
    expect_truth a test "$(of l3_bytes <<<"$sent")" "$(of packets <<<"$sent")"
    full=$(metric a weir_kernel_unresolved_packets_total 'reason="table_full"')
    expect_that "some found no room, and the reason is told" [ "$full" -gt 1000 ]
    expect "each has its backend or keeps the address that was dialled" "$(of packets <<<"$sent")" \
        $(($(metric a weir_test_packets_total "dst_service_address=\"$DIALLED\"") + $(metric a weir_test_packets_total "dst_address=\"$DIALLED\"")))
    remark "$full without a connection;"
}

# The backends are hosts with agents of their own, and the client is a stranger. The node counts what it passes on in its own name, the
# backends what they answer, and no byte counts twice or nowhere.
nat_fleet() {
    local agent name sum amount there bytes=0 packets=0 got_bytes=0 got_packets=0
    local covered="accounting: { covered: [10.201.0.0/24, 10.202.0.0/24, 10.200.0.1] }"
    [ -z "${ENRICH:-}" ] || covered=
    family 4
    MASQUERADE=masquerade
    node_shape
    for agent in a one two; do node_config "source: tc, tc: tcx" $agent "$covered"; done
    agent a node
    agent one one
    agent two two
    node_up
    traffic_tcp
    sleep 0.3
    for agent in a one two; do
        stop_agent $agent
        expect_books $agent
        expect_nothing_lost $agent
        got_bytes=$((got_bytes + $(metric $agent weir_test_bytes_total)))
        got_packets=$((got_packets + $(metric $agent weir_test_packets_total)))
    done
    for name in to_one to_two from_one from_two; do
        read -ra amount < <(truth $name)
        bytes=$((bytes + amount[0])) packets=$((packets + amount[1]))
    done
    measured "$CELL" "nftables counters" $bytes $packets $got_bytes $got_packets
    remark "$((got_bytes - bytes)) bytes, $((got_packets - packets)) packets off of $packets;"
    sum=$(metric a weir_test_bytes_total 'src_address="10.200.0.2"' "dst_service_address=\"$DIALLED\"")
    read -ra amount < <(truth to_one)
    read -ra there < <(truth to_two)
    expect "the node exports what the client sent, and nothing else" $((amount[0] + there[0])) "$sum"
    expect "the node: all" "$sum" "$(metric a weir_test_bytes_total)"
}

# cluster_objects: what the API of a cluster would tell: three nodes with an agent each, a pod on two of them, and the Service.
cluster_objects() {
    cat <<EOT
{"kind":"List","apiVersion":"v1","items":[
{"kind":"Node","metadata":{"name":"node","uid":"11111111-0000-4000-8000-000000000001"},
 "status":{"addresses":[{"type":"InternalIP","address":"10.200.0.1"},{"type":"InternalIP","address":"10.201.0.1"},{"type":"InternalIP","address":"10.202.0.1"}]}},
{"kind":"Node","metadata":{"name":"one","uid":"11111111-0000-4000-8000-000000000002"},"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.1"}]}},
{"kind":"Node","metadata":{"name":"two","uid":"11111111-0000-4000-8000-000000000003"},"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.2"}]}},
{"kind":"Pod","metadata":{"name":"web-one","namespace":"shop","uid":"11111111-0000-4000-8000-000000000004"},
 "spec":{"nodeName":"one"},"status":{"phase":"Running","podIPs":[{"ip":"10.201.0.2"}]}},
{"kind":"Pod","metadata":{"name":"web-two","namespace":"shop","uid":"11111111-0000-4000-8000-000000000005"},
 "spec":{"nodeName":"two"},"status":{"phase":"Running","podIPs":[{"ip":"10.202.0.2"}]}},
{"kind":"Service","metadata":{"name":"web","namespace":"shop","uid":"11111111-0000-4000-8000-000000000006"},
 "spec":{"clusterIPs":["10.96.0.10"]}}
]}
EOT
}

# The same in a cluster: which addresses have an agent, who is behind them and which Service was dialled, is Kubernetes' word.
nat_cluster() {
    local name there
    cluster_objects >"$CASE/objects.json"
    ENRICH="[{ plugin: kubernetes, objects: $CASE/objects.json }]" SELECTED="k8s.src.name, k8s.dst.name, src.service.name, dst.service.name"
    nat_fleet
    for name in one two; do
        read -ra there < <(truth "to_$name")
        expect "to web-$name, by the Service's name" "${there[0]}" \
            "$(metric a weir_network_flow_bytes_total "k8s_dst_name=\"web-$name\"" 'dst_service_name="web"')"
        read -ra there < <(truth "from_$name")
        expect_that "web-$name answered" [ "${there[0]}" -gt 0 ]
        expect "from web-$name, by its own agent" "${there[0]}" \
            "$(metric $name weir_network_flow_bytes_total "k8s_src_name=\"web-$name\"" 'k8s_dst_name="node"' 'transport="TCP"')"
    done
}

for family in 4 6; do
    for flavor in tcx clsact; do
        CELL="$flavor IPv$family UDP off many translated" run_case "nat-udp$family-$flavor" node "source: tc, tc: $flavor" $family masquerade many
    done
    CELL="tcx IPv$family TCP off full translated" run_case "nat-tcp$family-tcx" node "source: tc, tc: tcx" $family masquerade tcp
    CELL="tcx IPv$family UDP+TCP off full translated" run_case "nat-own$family-tcx" node "source: tc, tc: tcx" $family masquerade own
    CELL="cgroup IPv$family UDP off full translated" run_case "nat-udp$family-cgroup" node "source: cgroup" $family masquerade sockets
    CELL="cgroup IPv$family TCP off full translated" run_case "nat-tcp$family-cgroup" node "source: cgroup" $family "" tcp
done
CELL="tcx IPv4 TCP off full translated" run_case nat-port-tcx node "source: tc, tc: tcx" 4 masquerade port
CELL="cgroup IPv4 UDP+TCP off full translated" run_case nat-own4-cgroup node "source: cgroup" 4 masquerade own
CELL="tcx IPv4 TCP off full translated" run_case nat-fleet nat_fleet
CELL="tcx IPv4 TCP off full translated" run_case nat-cluster nat_cluster
CELL="tcx IPv4 UDP off overload translated" run_case nat-table-full table_full
