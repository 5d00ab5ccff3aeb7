# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# A host in a cloud: its metadata service answers at 169.254.169.254 of the host's own namespace, and the firmware is a
# folder. What goes over the wire carries the zone that the service tells, to the byte; a service that hangs or is not
# there costs the labels and nothing else.

FAKE_METADATA=${FAKE_METADATA:-$(dirname "$WEIR")/fake-metadata}

# in_cloud HOST: gives it the address at which clouds answer, which is then its own and nobody else's.
in_cloud() { ip_in "$1" addr add 169.254.169.254/32 dev lo; }

# cloud_service HOST CLOUD [ARGUMENT…]: see Tests/FakeMetadata/README.md. Leaves its number in CLOUD_SERVICE.
cloud_service() {
    local name=$1
    shift
    [ -x "$FAKE_METADATA" ] || { fail "$FAKE_METADATA is missing: make build"; exit 1; }
    background "$name" "$FAKE_METADATA" "$@" >"$CASE/service-$name" 2>&1
    CLOUD_SERVICE=$!
    disown
    wait_for "the metadata service of $name" 5 grep -q '^ready' "$CASE/service-$name"
}

# firmware VENDOR: a sysfs of such a machine.
firmware() {
    mkdir -p "$CASE/sys/class/dmi/id"
    echo "$1" >"$CASE/sys/class/dmi/id/sys_vendor"
}

# cloud_config NAME [TABLE]: an agent that asks its cloud; TABLE is rows of a table that stands before.
cloud_config() {
    config "$1" "source: tc, window: 500ms, interfaces: { include: [w0] }"
    sed -i "s|^enrich: .*|enrich: [{ plugin: cidr, tables: [${2:-}] }, { plugin: cloud_instance, sys_root: $CASE/sys }]|
        s|attributes: \[transport\]|attributes: [src.zone, dst.zone, src.region, src.cloud.provider, src.host.type, traffic.scope]|
        s|^http: .*|http: { listen: 127.0.0.1:9347 }|" "$CASE/$1.yaml"
}

# No proxy there is to be asked.
cloud_agent() { http_proxy=http://127.0.0.1:9 all_proxy=http://127.0.0.1:9 agent "$@"; }

told() { [ "$(scraped "$1" weir_cloud_instance_up)" = 1 ]; }

# also_at: right answers at an address of two other subnets too.
also_at() {
    ip_in right addr add 10.77.1.2/32 dev w0
    ip_in right addr add 10.77.2.2/32 dev w0
    ip_in left route add 10.77.1.0/24 via 10.77.0.2
    ip_in left route add 10.77.2.0/24 via 10.77.0.2
}

# own_subnets: the neighbours are in the host's zone, a range of a table in another, and nobody knows of the third.
own_subnets() {
    local near far unknown back labels address
    wire
    in_cloud left
    firmware "Amazon EC2"
    cloud_service left aws zone=eu-west-1a zone_id=euw1-az2 region=eu-west-1 subnet=10.77.0.0/24 subnet6=fd77::/64 second_subnet=
    cloud_config a "{ cidr: 10.77.1.0/24, zone: eu-west-1b, region: eu-west-1 }"
    cloud_agent a left
    wait_for "the instance to be known" 10 told left
    wire_up
    also_at
    for address in 10.77.0.2 10.77.1.2 10.77.2.2 fd77::2; do sink right "$address"; done
    sink left 10.77.0.1
    near=$CASE/near far=$CASE/far unknown=$CASE/unknown back=$CASE/back
    {
        gen left sock 10.77.0.1 10.77.0.2 100 100 0
        gen left sock fd77::1 fd77::2 50 100 0
    } >"$near"
    gen left sock 10.77.0.1 10.77.1.2 200 100 0 >"$far"
    gen left sock 10.77.0.1 10.77.2.2 30 100 0 >"$unknown"
    gen right sock 10.77.0.2 10.77.0.1 20 100 0 >"$back"
    # A device that goes down loses its IPv6 address, which is then no address of this host: not before the window has ended.
    sleep 0.7
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(cat "$near" "$far" "$unknown" "$back" | of l3_bytes)" "$(cat "$near" "$far" "$unknown" "$back" | of packets)"
    labels='src_zone="eu-west-1a"'
    expect "same_zone" "$(cat "$near" "$back" | of l3_bytes)" \
        "$(metric a weir_test_bytes_total "$labels" 'dst_zone="eu-west-1a"' 'traffic_scope="same_zone"')"
    expect "inter_zone" "$(of l3_bytes <"$far")" "$(metric a weir_test_bytes_total "$labels" 'dst_zone="eu-west-1b"' 'traffic_scope="inter_zone"')"
    expect "unknown" "$(of l3_bytes <"$unknown")" "$(metric a weir_test_bytes_total "$labels" 'traffic_scope="unknown"')"
    # Only what this host sends has its account and type.
    expect "of the instance" "$(cat "$near" "$far" "$unknown" | of l3_bytes)" \
        "$(metric a weir_test_bytes_total 'src_cloud_provider="aws"' 'src_host_type="m5.large"' 'src_region="eu-west-1"')"
    expect "subnets" 2 "$(metric a weir_cloud_instance_subnets)"
    expect "attempts" 1 "$(metric a weir_cloud_instance_attempts_total)"
}

# two_agents: hosts of two clouds talk; each agent says where its own end is, and has never heard of the other.
two_agents() {
    local there back
    wire
    in_cloud left
    in_cloud right
    cloud_service left gcp zone=us-central1-a
    cloud_service right azure zone_number=2
    mkdir -p "$CASE/sys"
    cloud_config a
    cloud_config b
    sed -i 's|sys_root: [^ ]*|provider: gcp|' "$CASE/a.yaml"
    sed -i 's|sys_root: [^ ]*|provider: azure|' "$CASE/b.yaml"
    for file in a b; do sed -i '/^capture/a accounting: { covered: [10.77.0.1, 10.77.0.2] }' "$CASE/$file.yaml"; done
    cloud_agent a left
    cloud_agent b right
    wait_for "both instances to be known" 10 told left
    wait_for "both instances to be known" 10 told right
    wire_up
    sink left 10.77.0.1
    sink right 10.77.0.2
    there=$(gen left sock 10.77.0.1 10.77.0.2 300 100 0)
    back=$(gen right sock 10.77.0.2 10.77.0.1 200 100 0)
    wire_down
    stop_agent a
    stop_agent b
    expect_books a
    expect_books b
    expect "left sends" "$(of l3_bytes <<<"$there")" \
        "$(metric a weir_test_bytes_total 'src_zone="us-central1-a"' 'src_region="us-central1"' 'src_cloud_provider="gcp"')"
    expect "right sends" "$(of l3_bytes <<<"$back")" "$(metric b weir_test_bytes_total 'src_zone="westeurope-2"' 'src_cloud_provider="azure"')"
    expect "all that left exports" "$(of l3_bytes <<<"$there")" "$(metric a weir_test_bytes_total)"
    expect "all that right exports" "$(of l3_bytes <<<"$back")" "$(metric b weir_test_bytes_total)"
    remark "each end by its own cloud;"
}

# broken FAULT REASON: the agent starts and counts as if there were no service; a flow waits for it once, and no longer than 2 s and a window.
broken() {
    local sent start
    wire
    in_cloud left
    firmware "Amazon EC2"
    cloud_service left aws --fault "$1"
    cloud_config a
    start=$(now_ms)
    cloud_agent a left
    [ $(($(now_ms) - start)) -le 1500 ] || fail "the start took $(($(now_ms) - start)) ms"
    wire_up
    sink right 10.77.0.2
    sent=$(gen left sock 10.77.0.1 10.77.0.2 100 100 0)
    sleep 3.5
    # The books: a new series shows 0 for half a minute.
    expect "waiting" 0 "$(scraped left weir_pipeline_held_bytes)"
    expect_that "it is in series while the agent runs" [ "$(scraped left weir_pipeline_series_bytes_total)" -ge "$(of l3_bytes <<<"$sent")" ]
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <<<"$sent")" "$(of packets <<<"$sent")"
    expect "of this cloud" "$(of l3_bytes <<<"$sent")" "$(metric a weir_test_bytes_total 'src_cloud_provider="aws"')"
    expect "in some zone" 0 "$(metric a weir_test_bytes_total 'src_zone="e')"
    expect_that "failures are counted by reason" [ "$(metric a weir_cloud_instance_failures_total "reason=\"$2\"")" -ge 1 ]
    expect "complaints in the log" 1 "$(grep -c 'stage failed' "$CASE/a.log")"
}

# late: there is no service at all when the agent starts; when it comes, what is sent has its zone.
late() {
    local before=$CASE/before after=$CASE/after
    wire
    firmware "Amazon EC2"
    cloud_config a
    cloud_agent a left
    wire_up
    sink right 10.77.0.2
    gen left sock 10.77.0.1 10.77.0.2 100 100 0 >"$before"
    sleep 1.5
    in_cloud left
    cloud_service left aws zone=eu-west-1c
    wait_for "the instance to be known" 15 told left
    sleep 0.6
    gen left sock 10.77.0.1 10.77.0.2 50 100 0 >"$after"
    sleep 0.6
    # Gone again: what is known stays.
    kill -KILL "$CLOUD_SERVICE"
    sleep 0.6
    gen left sock 10.77.0.1 10.77.0.2 60 100 0 >>"$after"
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(cat "$before" "$after" | of l3_bytes)" "$(cat "$before" "$after" | of packets)"
    expect "with the zone" "$(of l3_bytes <"$after")" "$(metric a weir_test_bytes_total 'src_zone="eu-west-1c"')"
}

run_case cloud-own-subnets own_subnets
run_case cloud-two-agents two_agents
run_case cloud-service-hangs broken hang timeout
run_case cloud-service-html broken html content
run_case cloud-service-401 broken unauthorized status
run_case cloud-service-floods broken huge too_large
run_case cloud-service-late late
