# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# Who opened a connection that was there before the agent: the client has the lower port, so that to guess by ports would be wrong. By a
# socket that listens, in the agent's network namespace or in a container's behind a bridge; by connection tracking, on a host that only
# passes it on.

# steady CLIENT CLIENT_ADDRESS SERVER SERVER_ADDRESS: a TCP connection and a UDP one, which answer each other until the end.
steady() {
    background "$3" python3 "$here/steady.py" serve "$4"
    disown
    wait_for "the server to listen" 5 listens "$3" 25000
    background "$1" python3 "$here/steady.py" call "$2" "$4" >"$CASE/steady"
    disown
    wait_for "both connections" 5 grep -q both "$CASE/steady"
}

# direction_config CAPTURE
direction_config() {
    cat >"$CASE/a.yaml" <<EOF
capture: { $1, window: 500ms }
enrich: []
filter: src.port in [2000, 2001] or dst.port in [2000, 2001]
metrics:
  test.bytes: { measure: bytes, attributes: [transport, src.port, dst.port, direction, initiator, initiator.source, client.port, server.port] }
export: [{ plugin: prometheus, naming: beyla }]
http: off
tap: off
EOF
    chmod 0600 "$CASE/a.yaml"
}

# observe HOST: an agent there, for some windows.
observe() {
    agent a "$1"
    sleep 2.5
    stop_agent a
    expect_books a
}

# expect_direction TRANSPORT SOURCE: all of it has its client and its server, by this word.
expect_direction() {
    local client=2000 server=25000 there back
    if [ "$1" = UDP ]; then client=2001 server=25001; fi
    there=$(bytes_of "$1" "src_port=\"$client\"")
    back=$(bytes_of "$1" "dst_port=\"$client\"")
    expect_that "$1 went both ways" [ "$there" -gt 0 ]
    expect_that "$1 went both ways" [ "$back" -gt 0 ]
    set -- "$1" "initiator_source=\"$2\"" "client_port=\"$client\"" "server_port=\"$server\""
    expect "$1 from the client is a request, by ${2#*=}" "$there" "$(bytes_of "$@" "src_port=\"$client\"" 'direction="request"' 'initiator="src"')"
    expect "$1 to the client is a response, by ${2#*=}" "$back" "$(bytes_of "$@" "dst_port=\"$client\"" 'direction="response"' 'initiator="dst"')"
}

# bytes_of TRANSPORT [TEXT…]
bytes_of() {
    local transport=$1
    shift
    metric a beyla_test_bytes_total "transport=\"$transport\"" "$@"
}

# The server is in the agent's own namespace.
direction_own() {
    local left right
    [ "$2" = 4 ] && left=10.77.0.1 right=10.77.0.2 || { left=fd77::1 right=fd77::2; }
    wire
    wire_up
    steady left $left right $right
    direction_config "$1"
    observe right
    expect_direction TCP listener
    expect_direction UDP listener
}

# crossing: a client, and a pod on a bridge of the node between them.
#   client c0 10.200.0.2 ─── 10.200.0.1 a0 · node · br0 10.88.0.1 ─ p0 ─── w0 10.88.0.2 pod
crossing() {
    host client node pod
    veth client c0 node a0
    veth pod w0 node p0
    ip_in node link add br0 type bridge
    ip_in node link set p0 master br0
    in_host node sysctl -qw net.ipv4.ip_forward=1
    ip_in client addr add 10.200.0.2/24 dev c0
    ip_in node addr add 10.200.0.1/24 dev a0
    ip_in node addr add 10.88.0.1/24 dev br0
    ip_in pod addr add 10.88.0.2/24 dev w0
    for end in "client c0" "node a0" "node p0" "node br0" "pod w0"; do
        # shellcheck disable=SC2086
        set -- $end
        no_offloads "$1" "$2" || true
        ip_in "$1" link set "$2" up
    done
    ip_in client route add default via 10.200.0.1
    ip_in pod route add default via 10.88.0.1
}

# The server is in a container's namespace: the agent looks through /proc, and never enters it.
direction_pod() {
    crossing
    steady client 10.200.0.2 pod 10.88.0.2
    direction_config "$1"
    observe node
    expect_direction TCP listener
    expect_direction UDP listener
}

# track: from now on the node tracks what it passes on.
track() { in_host node nft 'table ip t { chain f { type filter hook forward priority 0; ct state established accept; }; }'; }

# The node tracked the connections from their beginning: the kernel's word goes before a socket's.
direction_tracked() {
    crossing
    track
    steady client 10.200.0.2 pod 10.88.0.2
    direction_config "$1"
    observe node
    expect_direction TCP conntrack
    expect_direction UDP conntrack
}

# It tracks them since some packet of theirs: with TCP the kernel knows that it does not know.
direction_picked_up() {
    crossing
    steady client 10.200.0.2 pod 10.88.0.2
    track
    direction_config "$1"
    observe node
    expect_direction TCP listener
}

for flavor in tcx clsact; do
    for family in 4 6; do run_case "direction-own$family-$flavor" direction_own "source: tc, tc: $flavor" $family; done
    run_case "direction-pod-$flavor" direction_pod "source: tc, tc: $flavor"
done
run_case direction-own4-cgroup direction_own "source: cgroup" 4
run_case direction-pod-cgroup direction_pod "source: cgroup"
run_case direction-tracked-tcx direction_tracked "source: tc, tc: tcx"
run_case direction-tracked-cgroup direction_tracked "source: cgroup"
run_case direction-picked-up-tcx direction_picked_up "source: tc, tc: tcx"
