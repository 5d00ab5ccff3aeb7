# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# Two nodes with an agent each, their pods (network namespaces, control groups and addresses made by hand), and an API server that
# tells of them (Tests/FakeKubernetes). Every byte of the generator is exported once, under the names that the API gives both ends.
#
#   pod ── p-… left = node-a  w0 ── w0  right = node-b …-p ── pod          m0 of both nodes ── br0  api (10.77.9.9)

FAKE_KUBERNETES=${FAKE_KUBERNETES:-$(dirname "$WEIR")/weir-fake-kubernetes}

# cluster: the nodes, still without a wire and without pods.
cluster() {
    local side number=0 route
    wire
    host api
    ip_in api link add br0 type bridge
    ip_in api link set br0 up
    ip_in api addr add 10.77.9.9/24 dev br0
    for side in left right; do
        number=$((number + 1))
        veth $side m0 api m$number
        ip_in api link set m$number master br0 up
        ip_in $side link set m0 up
        ip_in $side addr add 10.77.9.$number/24 dev m0
        in_host $side sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    done
    wire_up
    for route in "left 10.244.2.0/24 10.77.0.2" "left fd44:2::/64 fd77::2" "right 10.244.1.0/24 10.77.0.1" "right fd44:1::/64 fd77::1"; do
        read -r side net via <<<"$route"
        ip_in "$side" route add "$net" via "$via"
    done
    cat >"$CASE/kubeconfig" <<EOF
apiVersion: v1
kind: Config
current-context: test
contexts: [{ name: test, context: { cluster: test, user: test } }]
clusters: [{ name: test, cluster: { server: "http://10.77.9.9:8001" } }]
users: [{ name: test, user: {} }]
EOF
    chmod 0600 "$CASE/kubeconfig"
}

# pod NAME left|right ADDRESS [ADDRESS6]: its network, routed, so that nobody asks by ARP.
pod() {
    local inside outside
    host "$1"
    veth "$1" eth0 "$2" "p-$1"
    no_offloads "$1" eth0
    no_offloads "$2" "p-$1"
    inside=$(station "$1" eth0) outside=$(station "$2" "p-$1")
    ip_in "$2" link set "p-$1" up
    ip_in "$1" link set eth0 up
    ip_in "$1" addr add "$3/32" dev eth0
    ip_in "$1" route add 169.254.1.1 dev eth0 scope link
    ip_in "$1" route add default via 169.254.1.1
    knows "$1" eth0 169.254.1.1 "$outside"
    ip_in "$2" route replace "$3/32" dev "p-$1"
    knows "$2" "p-$1" "$3" "$inside"
    [ -n "${4:-}" ] || return 0
    ip_in "$1" addr add "$4/128" dev eth0 nodad
    ip_in "$1" route add default via fe80::1 dev eth0 onlink
    knows "$1" eth0 fe80::1 "$outside"
    ip_in "$2" route replace "$4/128" dev "p-$1"
    knows "$2" "p-$1" "$4" "$inside"
}

# ---- What the API tells ----

uid() { printf '00000000-0000-4000-8000-%012d' "$1"; }

# told_pod NAME UID NODE ADDRESSES PHASE [OWNER [host]]: a command for the API server. ADDRESSES are separated by commas, OWNER is
# KIND/NAME/UID; host: it lies in its node's network.
told_pod() {
    local owner='' version kind name uid ip ips='' host_ip=10.77.0.1
    [ "$3" = node-a ] || host_ip=10.77.0.2
    if [ -n "${6:-}" ]; then
        IFS=/ read -r kind name uid <<<"$6"
        version=apps/v1
        [ "$kind" != Job ] || version=batch/v1
        owner=',"ownerReferences":[{"apiVersion":"'$version'","kind":"'$kind'","name":"'$name'","uid":"'$uid'","controller":true}]'
    fi
    for ip in ${4//,/ }; do ips+="${ips:+,}{\"ip\":\"$ip\"}"; done
    printf '{"put":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"%s","namespace":"shop","uid":"%s"%s},"spec":{"nodeName":"%s"%s},' \
        "$1" "$(uid "$2")" "$owner" "$3" "${7:+,\"hostNetwork\":true}"
    printf '"status":{"phase":"%s","hostIP":"%s","podIP":"%s","podIPs":[%s]}}}\n' "$5" "$host_ip" "${4%%,*}" "$ips"
}

# told_owner API KIND NAME UID [KIND/NAME]: of a ReplicaSet or Job, and what controls that.
told_owner() {
    local owner=''
    [ -z "${5:-}" ] || owner=',"ownerReferences":[{"apiVersion":"'$1'","kind":"'${5%/*}'","name":"'${5#*/}'","uid":"'$(uid 9)'","controller":true}]'
    printf '{"put":{"apiVersion":"%s","kind":"%s","metadata":{"name":"%s","namespace":"shop","uid":"%s"%s}}}\n' "$1" "$2" "$3" "$4" "$owner"
}

told_nodes() {
    local name number=0
    for name in a b; do
        number=$((number + 1))
        printf '{"put":{"apiVersion":"v1","kind":"Node","metadata":{"name":"node-%s","uid":"%s","labels":{"topology.kubernetes.io/zone":"eu-west-1%s","topology.kubernetes.io/region":"eu-west-1"}},' \
            $name "$(uid 10$number)" $name
        printf '"spec":{"podCIDR":"10.244.%d.0/24"},"status":{"addresses":[{"type":"InternalIP","address":"10.77.0.%d"},{"type":"InternalIP","address":"fd77::%d"}]}}}\n' \
            $number $number $number
    done
    printf '{"put":{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-system","uid":"%s"}}}\n' "$(uid 500)"
}

# api_server: does what $CASE/objects says, then what `api` says.
api_server() {
    [ -x "$FAKE_KUBERNETES" ] || { fail "$FAKE_KUBERNETES is missing: make build"; exit 1; }
    rm -f "$CASE/commands"
    mkfifo "$CASE/commands"
    # For both ways, or opening it would wait for the other end.
    exec {COMMANDS}<>"$CASE/commands"
    # What runs in the background has no input of its own.
    # shellcheck disable=SC2016
    background api sh -c 'exec "$@" <"$0"' "$CASE/commands" \
        "$FAKE_KUBERNETES" --address 10.77.9.9 --port 8001 --stdin "$CASE/objects" >"$CASE/api" 2>&1
    API=$!
    disown
    wait_for "the API server" 5 grep -q '^done' "$CASE/api"
}

# api < commands: returns when all are done.
api() {
    local before line count=0
    before=$(grep -c '^ok' "$CASE/api" || true)
    while read -r line; do
        echo "$line" >&"$COMMANDS"
        count=$((count + 1))
    done
    wait_for "the API server to do it" 5 did "$((before + count))"
}

did() { [ "$(grep -c '^ok' "$CASE/api" || true)" -ge "$1" ]; }

stop_api() {
    kill -KILL "$API"
    exec {COMMANDS}>&-
    wait_for "the API server to be gone" 5 is_gone "$API"
}

is_gone() { ! kill -0 "$1" 2>/dev/null; }

# ---- The agents ----

# kubernetes_config NAME CAPTURE [OPTIONS]: all that the API may name, at both ends.
kubernetes_config() {
    local end attributes=traffic.scope
    for end in src dst; do
        attributes+=", $end.owner.name, $end.owner.type, $end.zone, k8s.$end.name, k8s.$end.type, k8s.$end.node.name"
    done
    config "$1" "$2"
    sed -i -e "s|^enrich: .*|enrich: [local_owner, { plugin: kubernetes, kubeconfig: $CASE/kubeconfig${3:+, $3} }, { plugin: node_zone, kubeconfig: $CASE/kubeconfig }]|" \
        -e "s|attributes: \[transport\]|attributes: [$attributes]|" \
        -e 's|^http: .*|http: { listen: 127.0.0.1:9347 }|' \
        -e 's|network.flow.packets: .*|&\n  network.inter.zone.bytes: [src.owner.name, dst.owner.name, src.zone, dst.zone, k8s.cluster.name]|' "$CASE/$1.yaml"
}

DEVICES="source: tc, window: 500ms, interfaces: { exclude: [lo, m0] }"

knows_all() { [ "$(scraped "$1" weir_kubernetes_synced)" = 1 ] && [ "$(scraped "$1" weir_node_zone_nodes)" = 2 ]; }

# kubernetes_agent NAME HOST: one that knows the cluster.
kubernetes_agent() {
    agent "$1" "$2"
    wait_for "the cluster to be known" 10 knows_all "$2"
}

# both METRIC [TEXT…]: over the agents a and b.
of_both() { echo $(($(metric a "$@") + $(metric b "$@"))); }

# ---- The cases ----

# both_ends: pods on two nodes, in both families, between nodes and within one; each agent leaves to the other what that one counts.
both_ends() {
    local there=$CASE/there back=$CASE/back within=$CASE/within all=$CASE/all
    cluster
    pod web left 10.244.1.5 fd44:1::5
    pod cache left 10.244.1.6
    pod db right 10.244.2.9 fd44:2::9
    {
        told_nodes
        told_owner apps/v1 ReplicaSet web-5f "$(uid 20)" Deployment/web
        told_owner batch/v1 Job cache-fill "$(uid 21)"
        told_pod web-5f-x2x7p 1 node-a 10.244.1.5,fd44:1::5 Running "ReplicaSet/web-5f/$(uid 20)"
        told_pod cache-fill-abcde 2 node-a 10.244.1.6 Running "Job/cache-fill/$(uid 21)"
        told_pod db-0 3 node-b 10.244.2.9,fd44:2::9 Running "StatefulSet/db/$(uid 22)"
    } >"$CASE/objects"
    api_server
    kubernetes_config a "$DEVICES"
    kubernetes_config b "$DEVICES"
    kubernetes_agent a left
    kubernetes_agent b right
    for sink in "web 10.244.1.5" "web fd44:1::5" "cache 10.244.1.6" "db 10.244.2.9" "db fd44:2::9"; do
        # shellcheck disable=SC2086
        sink $sink
    done
    {
        gen web sock 10.244.1.5 10.244.2.9 300 100 0
        gen web sock fd44:1::5 fd44:2::9 200 100 0
    } >"$there"
    {
        gen db sock 10.244.2.9 10.244.1.5 150 200 0
        gen db sock fd44:2::9 fd44:1::5 50 200 0
    } >"$back"
    gen cache sock 10.244.1.6 10.244.1.5 70 300 0 >"$within"
    cat "$there" "$back" "$within" >"$all"
    sleep 0.2
    stop_agent a
    stop_agent b
    expect_books a
    expect_books b
    expect "bytes of both agents" "$(of l3_bytes <"$all")" "$(of_both weir_test_bytes_total)"
    expect "packets of both agents" "$(of packets <"$all")" "$(of_both weir_test_packets_total)"
    expect "from web to db" "$(of l3_bytes <"$there")" "$(metric a weir_test_bytes_total 'src_owner_name="web"' 'src_owner_type="Deployment"' \
        'k8s_src_name="web-5f-x2x7p"' 'k8s_src_node_name="node-a"' 'src_zone="eu-west-1a"' 'dst_owner_name="db"' 'dst_owner_type="StatefulSet"' \
        'k8s_dst_name="db-0"' 'k8s_dst_node_name="node-b"' 'dst_zone="eu-west-1b"' 'traffic_scope="inter_zone"')"
    expect "from db to web" "$(of l3_bytes <"$back")" "$(metric b weir_test_bytes_total 'src_owner_name="db"' 'k8s_src_node_name="node-b"' \
        'src_zone="eu-west-1b"' 'dst_owner_name="web"' 'k8s_dst_node_name="node-a"' 'dst_zone="eu-west-1a"')"
    expect "from a bare Job" "$(of l3_bytes <"$within")" "$(metric a weir_test_bytes_total 'src_owner_name="cache-fill"' 'src_owner_type="Job"' \
        'dst_owner_name="web"' 'traffic_scope="same_host"')"
    expect "between zones" "$(cat "$there" "$back" | of l3_bytes)" \
        "$(of_both weir_network_inter_zone_bytes_total '"web"' '"db"' "k8s_cluster_name=\"$(uid 500)\"")"
    expect "left to the other agent, by a" "$(of packets <"$back")" "$(metric a weir_pipeline_not_exported_packets_total 'reason="covered"')"
    expect "left to the other agent, by b" "$(of packets <"$there")" "$(metric b weir_pipeline_not_exported_packets_total 'reason="covered"')"
    remark "0 bytes off of $(of packets <"$all") packets on both;"
}

# in_pod UID HOST COMMAND…: in the control group of its container, as the kubelet names them.
in_pod() {
    local uid=$1 name=$2
    shift 2
    joining "kubepods/burstable/pod$uid/$(printf '%064d' 7)"
    in_host "$name" "${JOINING[@]}" "$@"
}

# host_network: three senders with the address of their node, the same ports, and one window: two pods, and a process that is no
# pod's. And a pod that receives there.
host_network() {
    local number
    cluster
    pod web left 10.244.1.5
    {
        told_nodes
        told_pod exporter-x2x7p 1 node-a 10.77.0.1 Running "DaemonSet/exporter/$(uid 20)" host
        told_pod proxy-abcde 2 node-a 10.77.0.1 Running "DaemonSet/proxy/$(uid 21)" host
        told_pod web-0 3 node-a 10.244.1.5 Running "StatefulSet/web/$(uid 22)"
        told_pod gate-0 4 node-b 10.77.0.2 Running "StatefulSet/gate/$(uid 23)" host
    } >"$CASE/objects"
    api_server
    kubernetes_config a "source: cgroup, window: 2s" "covered: none"
    sed -i "s|filter: 'dst.port == 9999'|filter: 'dst.port == 9999 and src.address in [10.77.0.0/24, 10.244.0.0/16]'|" "$CASE/a.yaml"
    kubernetes_agent a left
    joining "kubepods/besteffort/pod$(uid 4)/$(printf '%064d' 7)"
    receiver right 10.77.0.2 "${JOINING[@]}"
    # Behind each other within a window, from the same ports.
    for number in 1 2; do in_pod "$(uid $number)" left "$GEN" sock 10.77.0.1 10.77.0.2 $((number * 100)) 100 0 >"$CASE/$number"; done
    joining daemon
    in_host left "${JOINING[@]}" "$GEN" sock 10.77.0.1 10.77.0.2 70 100 0 >"$CASE/3"
    in_pod "$(uid 3)" web "$GEN" sock 10.244.1.5 10.77.0.2 60 100 0 >"$CASE/4"
    received
    sleep 0.2
    stop_agent a
    expect_books a
    expect_truth a test "$(cat "$CASE"/[1-4] | of l3_bytes)" "$(cat "$CASE"/[1-4] | of packets)"
    expect "received" "$(cat "$CASE"/[1-4] | of packets)" "$(of packets <"$CASE/received")"
    sent_by "$CASE/1" "the first pod" 'src_owner_name="exporter"' 'src_owner_type="DaemonSet"' 'k8s_src_name="exporter-x2x7p"' 'k8s_src_type="Pod"'
    sent_by "$CASE/2" "the second pod" 'src_owner_name="proxy"' 'k8s_src_name="proxy-abcde"' 'k8s_src_node_name="node-a"'
    sent_by "$CASE/3" "the process" 'src_owner_name="weir-e2e-daemon"' 'k8s_src_name="node-a"' 'k8s_src_type="Node"' 'src_zone="eu-west-1a"'
    sent_by "$CASE/4" "the pod with a network of its own" 'src_owner_name="web"' 'k8s_src_name="web-0"'
}

# sent_by FILE WHO TEXT…: all of it is there under these labels, and went to the pod that received it.
sent_by() {
    local file=$1 who=$2
    shift 2
    expect "packets of $who" "$(of packets <"$file")" "$(metric a weir_test_packets_total "$@" 'dst_owner_name="gate"' 'k8s_dst_name="gate-0"' 'dst_zone="eu-west-1b"')"
}

# used_again HOW: a pod ends, and within two seconds another has its address. Each byte is that one's who sent it. HOW: the first
# completes (and stays in the API), or is deleted; or, by cgroup, both send before the API has told of the second.
used_again() {
    local capture=$DEVICES first=$CASE/first second=$CASE/second start
    cluster
    pod one left 10.244.1.7
    pod db right 10.244.2.9
    {
        told_nodes
        told_pod one-abcde 1 node-a 10.244.1.7 Running "Job/one/$(uid 20)"
        told_pod db-0 3 node-b 10.244.2.9 Running "StatefulSet/db/$(uid 22)"
        told_owner batch/v1 Job one "$(uid 20)"
        told_owner batch/v1 Job two "$(uid 21)"
    } >"$CASE/objects"
    api_server
    [ "$1" != by-cgroup ] || capture="source: cgroup, window: 500ms"
    kubernetes_config a "$capture" "covered: none"
    sed -i "s|filter: 'dst.port == 9999'|filter: 'dst.port == 9999 and src.address == 10.244.1.7'|" "$CASE/a.yaml"
    kubernetes_agent a left
    sink db 10.244.2.9
    in_pod "$(uid 1)" one "$GEN" sock 10.244.1.7 10.244.2.9 100 100 0 >"$first"
    start=$(now_ms)
    if [ "$1" != by-cgroup ]; then
        # Its window is over: without the cgroup a row is the holder's at the end of it.
        sleep 0.6
    fi
    case $1 in
        completed) told_pod one-abcde 1 node-a 10.244.1.7 Succeeded "Job/one/$(uid 20)" ;;
        deleted) echo '{"delete":{"kind":"Pod","namespace":"shop","name":"one-abcde"}}' ;;
        by-cgroup) ;;
    esac | api
    ip_in left link del p-one
    pod two left 10.244.1.7
    if [ "$1" = by-cgroup ]; then
        in_pod "$(uid 2)" two "$GEN" sock 10.244.1.7 10.244.2.9 200 100 0 >"$second"
        {
            told_pod one-abcde 1 node-a 10.244.1.7 Succeeded "Job/one/$(uid 20)"
            told_pod two-abcde 2 node-a 10.244.1.7 Running "Job/two/$(uid 21)"
        } | api
    else
        wait_for "programs at the new device" 3 has_ours left p-two "tcx 2 clsact 0"
        told_pod two-abcde 2 node-a 10.244.1.7 Running "Job/two/$(uid 21)" | api
        # News that come right behind others are read a tenth of a second later.
        sleep 0.2
        in_pod "$(uid 2)" two "$GEN" sock 10.244.1.7 10.244.2.9 200 100 0 >"$second"
    fi
    [ $(($(now_ms) - start)) -le 2500 ] || fail "the address was used again after $(($(now_ms) - start)) ms only"
    remark "again after $(($(now_ms) - start)) ms;"
    sleep 1.2
    stop_agent a
    expect_books a
    expect_truth a test "$(cat "$first" "$second" | of l3_bytes)" "$(cat "$first" "$second" | of packets)"
    expect "of the first" "$(of l3_bytes <"$first")" "$(metric a weir_test_bytes_total 'src_owner_name="one"' 'k8s_src_name="one-abcde"' 'dst_owner_name="db"')"
    expect "of the second" "$(of l3_bytes <"$second")" "$(metric a weir_test_bytes_total 'src_owner_name="two"' 'k8s_src_name="two-abcde"' 'dst_owner_name="db"')"
}

# without_api: the agent starts before there is an API server, counts at once, learns when it comes, and keeps what it knows when it goes.
without_api() {
    local start before=$CASE/before after=$CASE/after complaints
    cluster
    pod web left 10.244.1.5
    pod db right 10.244.2.9
    {
        told_nodes
        told_pod web-0 1 node-a 10.244.1.5 Running "StatefulSet/web/$(uid 20)"
        told_pod db-0 3 node-b 10.244.2.9 Running "StatefulSet/db/$(uid 22)"
    } >"$CASE/objects"
    kubernetes_config a "$DEVICES" "covered: none"
    start=$(now_ms)
    agent a left
    [ $(($(now_ms) - start)) -le 1500 ] || fail "the start took $(($(now_ms) - start)) ms"
    sink db 10.244.2.9
    gen web sock 10.244.1.5 10.244.2.9 100 100 0 >"$before"
    sleep 3
    expect "waiting" 0 "$(scraped left weir_pipeline_held_bytes)"
    expect "known without an API server" 0 "$(scraped left weir_kubernetes_synced)"
    api_server
    wait_for "the cluster to be known" 20 knows_all left
    sleep 0.7
    gen web sock 10.244.1.5 10.244.2.9 50 100 0 >"$after"
    sleep 0.7
    expect_that "what is known is young" [ "$(scraped left weir_kubernetes_knowledge_age_seconds)" -le 3 ]
    stop_api
    sleep 6
    expect_that "its age shows: $(scraped left weir_kubernetes_knowledge_age_seconds) s" [ "$(scraped left weir_kubernetes_knowledge_age_seconds)" -ge 5 ]
    gen web sock 10.244.1.5 10.244.2.9 60 100 0 >>"$after"
    sleep 0.7
    # The same objects again; what is new is told by the watch that goes on where it was.
    api_server
    pod late left 10.244.1.8
    wait_for "programs at the new device" 3 has_ours left p-late "tcx 2 clsact 0"
    told_pod late-0 4 node-a 10.244.1.8 Running "StatefulSet/late/$(uid 24)" | api
    wait_for "the new pod to be known" 20 knows_pods left 3
    gen late sock 10.244.1.8 10.244.2.9 40 100 0 >"$CASE/late"
    sleep 0.2
    stop_agent a
    complaints=$(grep -c -E ' (warning|error) ' "$CASE/a.log" || true)
    expect_books a
    expect_truth a test "$(cat "$before" "$after" "$CASE/late" | of l3_bytes)" "$(cat "$before" "$after" "$CASE/late" | of packets)"
    expect "before it was known" "$(of l3_bytes <"$before")" "$(metric a weir_test_bytes_total 'src_owner_name="(private)"' 'traffic_scope="unknown"')"
    expect "since it is known" "$(of l3_bytes <"$after")" "$(metric a weir_test_bytes_total 'src_owner_name="web"' 'src_zone="eu-west-1a"' 'dst_owner_name="db"' 'dst_zone="eu-west-1b"')"
    expect "of the new pod" "$(of l3_bytes <"$CASE/late")" "$(metric a weir_test_bytes_total 'src_owner_name="late"')"
    # Two plugins, two times away.
    expect_that "lines of the log about it: $complaints" [ "$complaints" -ge 1 ]
    expect_that "lines of the log about it: $complaints" [ "$complaints" -le 6 ]
    remark "$complaints lines of log;"
}

knows_pods() { [ "$(scraped "$1" weir_kubernetes_objects 'kind="pod"')" = "$2" ]; }

run_case kubernetes-both-ends both_ends
run_case kubernetes-host-network host_network
run_case kubernetes-address-used-again used_again completed
run_case kubernetes-address-of-a-deleted used_again deleted
run_case kubernetes-address-by-cgroup used_again by-cgroup
run_case kubernetes-without-api without_api
