# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# Whoever comes from Beyla keeps his queries: two hosts with an agent each and one without, `naming: beyla` and no metrics chosen. A real
# Prometheus scrapes both agents, and the sums over both are what the senders sent: nothing is halved, though both saw most flows.

# fleet_of_three: hosts one (frontend, zone a), two (database, zone b) and three (cache, zone a, no agent) on one bridge, which scrapes.
fleet_of_three() {
    local number=0 name
    host switch one two three
    ip_in switch link add br0 type bridge
    ip_in switch link set br0 up
    ip_in switch addr add 10.77.5.254/24 dev br0
    for name in one two three; do
        number=$((number + 1))
        veth $name w0 switch p$number
        ip_in switch link set p$number master br0 up
        no_offloads $name w0
        ip_in $name addr add "10.77.5.$number/24" dev w0
        ip_in $name link set w0 up
        sink $name "10.77.5.$number"
    done
}

# beyla_agent NAME HOST ADDRESS
beyla_agent() {
    cat >"$CASE/$1.yaml" <<EOF
capture: { source: tc, window: 500ms }
accounting: { covered: [10.77.5.1, 10.77.5.2] }
pipeline: { born_at_zero: 3s }
filter: dst.port == 9999
enrich:
  - plugin: cidr
    tables:
      - { cidr: 10.77.5.1/32, zone: a, k8s.owner.name: frontend, k8s.owner.type: Deployment, k8s.namespace: shop }
      - { cidr: 10.77.5.2/32, zone: b, k8s.owner.name: database, k8s.owner.type: StatefulSet, k8s.namespace: shop }
      - { cidr: 10.77.5.3/32, zone: a, k8s.owner.name: cache, k8s.owner.type: Deployment, k8s.namespace: infra }
export: [{ plugin: prometheus, naming: beyla }]
http: { listen: "$3:9347" }
EOF
    chmod 0600 "$CASE/$1.yaml"
    agent "$1" "$2"
}

# sent FIELD FROM TO: over the flows from one of the first digits to one of the second, such as: sent l3_bytes 13 2
sent() { awk -v from="$2" -v to="$3" 'index(from, $1) && index(to, $2)' "$CASE/sent" | of "$1"; }

# grown METRIC [MATCHERS]: what increase() says of each agent, at its own last scrape, where it need not guess; added up.
grown() {
    local instance end share sum=0
    for instance in 10.77.5.1:9347 10.77.5.2:9347; do
        end=$(ask switch "max(timestamp(up{instance=\"$instance\"}))")
        share=$(ask switch "sum(increase($1{${2:+$2,}instance=\"$instance\"}[5m]))" "$end")
        sum=$(awk -v sum="$sum" -v share="${share:-0}" 'BEGIN { printf "%.0f\n", sum + share }')
    done
    echo "$sum"
}

# over_both QUERY EXPECTED: a query as it stands in Beyla's documentation, over both agents at once. rate() and increase() guess a little
# at the edges of their range, so a quarter is allowed; half or twice would be far off.
over_both() {
    local got
    got=$(ask switch "$1")
    awk -v got="$got" -v wanted="$2" 'BEGIN { exit !(got > wanted * 0.75 && got < wanted * 1.25) }' || fail "$1: expected about $2 got '$got'"
}

beyla_queries() {
    local from to pair flows=100 owners=(none frontend database cache) hosts=(none one two three) pairs=("1 2" "2 1" "1 3" "3 1" "2 3" "3 2")
    fleet_of_three
    beyla_agent a one 10.77.5.1
    beyla_agent b two 10.77.5.2
    prometheus_server switch 10.77.5.1:9347 10.77.5.2:9347
    for pair in "${pairs[@]}"; do
        from=${pair% *} to=${pair#* } flows=$((flows + 100))
        printf '%s %s\n' "$pair" "$(gen "${hosts[from]}" sock "10.77.5.$from" "10.77.5.$to" $flows 100 0)" >>"$CASE/sent"
    done
    # The last window, the time that a new series shows 0, and some scrapes of it all.
    sleep 7
    for pair in "${pairs[@]}"; do
        from=${pair% *} to=${pair#* }
        expect "${owners[from]} to ${owners[to]}" "$(sent l3_bytes "$from" "$to")" \
            "$(grown beyla_network_flow_bytes_total "k8s_src_owner_name=\"${owners[from]}\",k8s_dst_owner_name=\"${owners[to]}\"")"
    done
    expect "all bytes" "$(sent l3_bytes 123 123)" "$(grown beyla_network_flow_bytes_total)"
    expect "all packets" "$(sent packets 123 123)" "$(grown beyla_network_flow_packets_total)"
    expect "from a namespace" "$(sent l3_bytes 12 123)" "$(grown beyla_network_flow_bytes_total 'k8s_src_namespace="shop"')"
    expect "a to b" "$(sent l3_bytes 13 2)" "$(grown beyla_network_inter_zone_bytes_total 'src_zone="a",dst_zone="b"')"
    expect "b to a" "$(sent l3_bytes 2 13)" "$(grown beyla_network_inter_zone_bytes_total 'src_zone="b",dst_zone="a"')"
    expect "counters of both" "$(sent l3_bytes 123 123)" "$(ask switch 'sum(beyla_network_flow_bytes_total)')"
    expect "requests" "$(sent l3_bytes 123 123)" "$(ask switch 'sum(beyla_network_flow_bytes_total{direction="request"})')"
    expect "pairs of owners" 6 "$(ask switch 'count(sum by (k8s_src_owner_name, k8s_dst_owner_name) (beyla_network_flow_bytes_total))')"
    expect "pairs of zones" 2 "$(ask switch 'count(sum by (src_zone, dst_zone) (beyla_network_inter_zone_bytes_total))')"
    over_both 'sum(rate(beyla_network_flow_bytes_total[1m])) * 60' "$(sent l3_bytes 123 123)"
    over_both 'sum by (k8s_src_owner_name, k8s_dst_owner_name) (increase(beyla_network_flow_bytes_total{k8s_src_owner_name="frontend", k8s_dst_owner_name="database"}[1m]))' \
        "$(sent l3_bytes 1 2)"
    over_both 'topk(1, sum by (src_zone, dst_zone) (increase(beyla_network_inter_zone_bytes_total[1m])))' "$(sent l3_bytes 13 2)"
    expect "metrics by another name" "" "$(ask switch 'count({__name__=~"(weir_)?network_.*"})')"
    in_host switch curl -sS http://10.77.5.1:9347/metrics | promtool check metrics >"$CASE/promtool" 2>&1 || fail "promtool: $(paste -sd' ' "$CASE/promtool")"
    expect "promtool's words" "" "$(cat "$CASE/promtool")"
    stop_agent a
    stop_agent b
    remark "0 bytes off of $(sent l3_bytes 123 123) on two agents, by Beyla's queries;"
}

run_case beyla-queries beyla_queries
