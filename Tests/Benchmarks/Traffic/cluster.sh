#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0

# What the plugins `kubernetes` and `node_zone` cost the agent in a cluster of 100,000 pods: processor time until all lists are read,
# memory charged to its control group, processor time under changes.
#
#   cluster.sh WEIR FLOOR RUNS
#
# Prints FIGURE|UNIT|VALUE, one line per run. The API server is weir-fake-kubernetes: pods of 6.5 KiB, as real ones are, in clear text.
set -euo pipefail

WEIR=$(realpath "$1") FLOOR=$2 RUNS=$3
FAKE_KUBERNETES=$(dirname "$WEIR")/weir-fake-kubernetes
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

PODS=100000
OTHERS=5000 # nodes, ReplicaSets, Services
PER_SECOND=100
SECONDS_OF_CHURN=30

# api_server: holds the cluster, and does what is written to descriptor COMMANDS.
api_server() {
    echo "{\"make\": {\"pods\": $PODS, \"nodes\": $OTHERS, \"services\": $OTHERS}}" >"$CASE/objects"
    rm -f "$CASE/commands"
    mkfifo "$CASE/commands"
    # For both ways, or opening it would wait for the other end.
    exec {COMMANDS}<>"$CASE/commands"
    # What runs in the background has no input of its own.
    # shellcheck disable=SC2016
    background right sh -c 'exec "$@" <"$0"' "$CASE/commands" "$FAKE_KUBERNETES" --port 8001 --stdin "$CASE/objects" >"$CASE/api"
    API=$!
    wait_for "the API server" 60 grep -q '^done' "$CASE/api"
}

cluster_plan() {
    cat >"$CASE/kubeconfig" <<EOF
current-context: bench
contexts: [{ name: bench, context: { cluster: bench, user: bench } }]
clusters: [{ name: bench, cluster: { server: "http://127.0.0.1:8001" } }]
users: [{ name: bench, user: {} }]
EOF
    cat >"$CASE/cluster.yaml" <<EOF
capture: { source: tc, interfaces: { include: [w0] } }
enrich:
  - local_owner
  - { plugin: kubernetes, kubeconfig: $CASE/kubeconfig, labels: { team: app.kubernetes.io/team } }
  - { plugin: node_zone, kubeconfig: $CASE/kubeconfig }
metrics: { network.flow.bytes: [k8s.src.namespace, src.owner.name, src.team, src.zone, k8s.dst.namespace, dst.owner.name, dst.team, dst.zone] }
export: [prometheus]
http: { listen: 127.0.0.1:19190 }
EOF
    chmod 0600 "$CASE/kubeconfig" "$CASE/cluster.yaml"
}

scrape() { in_host right curl -sS --noproxy '*' http://127.0.0.1:19190/metrics; }

# Reads the memory, too, for what it is at most.
synced() {
    local now
    now=$(charged)
    [ "$now" -le "$MOST" ] || MOST=$now
    scrape >"$CASE/now" 2>/dev/null
    # The plugin's two lists of nodes, pods, Services, ReplicaSets and Jobs: gauges follow within a second.
    [ "$(awk '/^weir_kubernetes_synced/ { a = $NF } /^weir_kubernetes_objects/ { b += $NF } /^weir_node_zone_nodes/ { c = $NF }
        END { print a + 0, b + 0, c + 0 }' "$CASE/now")" = "1 $((PODS + 3 * OTHERS)) $OTHERS" ]
}

# percent SECONDS_OF_CPU SECONDS
percent() { awk -v spent="$1" -v time="$2" 'BEGIN { printf "%.2f\n", 100 * spent / time }'; }

cluster_run() {
    local start before spent changes what="$((PODS / 1000)) k pods"
    cluster_plan
    MOST=0
    start=$(now_ms)
    in_group cluster
    wait_for "the cluster to be known" 120 synced
    echo "sync of $what|s|$(awk -v ms=$(($(now_ms) - start)) 'BEGIN { printf "%.1f", ms / 1000 }')"
    sleep 2
    synced || true
    echo "sync of $what, CPU|s|$(processor cluster)"
    echo "charged, $what, at most|bytes|$MOST"
    before=$(processor cluster)
    sleep 10
    spent=$(awk -v a="$(processor cluster)" -v b="$before" 'BEGIN { print a - b }')
    echo "$what, no changes|% of a core|$(percent "$spent" 10)"
    before=$(processor cluster)
    echo "{\"churn\": {\"perSecond\": $PER_SECOND, \"seconds\": $SECONDS_OF_CHURN}}" >&"$COMMANDS"
    wait_for "the changes" $((SECONDS_OF_CHURN + 10)) grep -q '^ok' "$CASE/api"
    spent=$(awk -v a="$(processor cluster)" -v b="$before" 'BEGIN { print a - b }')
    echo "$what, $PER_SECOND pods replaced per second|% of a core|$(percent "$spent" $SECONDS_OF_CHURN)"
    echo "charged, $what, after the changes|bytes|$(charged)"
    stop_agent cluster
    remove_group
    changes=$(metric cluster weir_kubernetes_events_total 'resource="pods"' 'type="delete"')
    [ "$changes" = $((PER_SECOND * SECONDS_OF_CHURN)) ] || { echo "only $changes changes came" >&2; return 1; }
    expect "decoded" 0 "$(($(metric cluster weir_kubernetes_skipped_objects_total) + $(metric cluster weir_kubernetes_bad_values_total)))"
}

host left right
veth left w0 right w0
wire_up
"$WEIR_ITSELF" --version >/dev/null # so that the pages of the file are in nobody's account
for ((run = 0; run < RUNS; run++)); do
    api_server
    cluster_run
    kill -KILL "$API"
    wait_for_end "$API"
    exec {COMMANDS}>&-
done
