# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# Three hosts talk to each other, agents run on two. With `accounting.covered` the sum over both is the truth, without it
# each alone is the truth of its host.

# switch: hosts one, two and three (10.77.5.1 … 3) on one bridge.
switch() {
    local number=0 name
    host switch one two three
    ip_in switch link add br0 type bridge
    ip_in switch link set br0 up
    for name in one two three; do
        number=$((number + 1))
        veth $name w0 switch p$number
        ip_in switch link set p$number master br0 up
        no_offloads $name w0
    done
}

# talk: every host sends to every other, each a different number of packets. Leaves FROM_TO=packets in the file sent.
talk() {
    local from to names=(none one two three) flows=100
    for to in 1 2 3; do
        ip_in "${names[to]}" addr add "10.77.5.$to/24" dev w0
        ip_in "${names[to]}" link set w0 up
        sink "${names[to]}" "10.77.5.$to"
    done
    for from in 1 2 3; do
        for to in 1 2 3; do
            [ $from != $to ] || continue
            flows=$((flows + 100))
            printf '%d %d %s\n' $from $to "$(gen "${names[from]}" sock 10.77.5.$from 10.77.5.$to $flows 100 0)" >>"$CASE/sent"
        done
    done
    sleep 0.2
}

# sent_where CONDITION FIELD: over lines "from to {json}".
sent_where() { awk "$1" "$CASE/sent" | of "$2"; }

# both METRIC: over the two agents.
both() { echo $(($(metric a "$1") + $(metric b "$1"))); }

fleet() {
    switch
    config a "source: tc, window: 1s" "dst.port == 9999" "$1"
    config b "source: tc, window: 1s" "dst.port == 9999" "$1"
    echo '[]' >"$CASE/hosts.json"
    chmod 0600 "$CASE/hosts.json"
    agent a one
    agent b two
    # The list that Prometheus scrapes; a host may join while agents run.
    echo '[{"targets": ["10.77.5.1:9347", "10.77.5.2:9347"], "labels": {"zone": "a"}}]' >"$CASE/hosts.json"
    sleep 1.5
    talk
    stop_agent a
    stop_agent b
    expect_books a
    expect_books b
}

together() {
    fleet "$1"
    expect "bytes of both" "$(sent_where 1 l3_bytes)" "$(both weir_test_bytes_total)"
    expect "packets of both" "$(sent_where 1 packets)" "$(both weir_test_packets_total)"
    remark "0 bytes, 0 packets off of $(sent_where 1 packets) on both;"
}

apart() {
    fleet "$1"
    expect_truth a test "$(sent_where '$1 == 1 || $2 == 1' l3_bytes)" "$(sent_where '$1 == 1 || $2 == 1' packets)"
    expect_truth b test "$(sent_where '$1 == 2 || $2 == 2' l3_bytes)" "$(sent_where '$1 == 2 || $2 == 2' packets)"
}

run_case fleet-covered-addresses together "accounting: { covered: [10.77.5.1, 10.77.5.2/32] }"
run_case fleet-covered-by-receiver together "accounting: { covered: [10.77.5.1, 10.77.5.2], observer: destination }"
run_case fleet-covered-file-sd together "accounting: { covered: { file_sd: $CASE/hosts.json, refresh: 1s } }"
run_case fleet-each-alone apart ""
run_case fleet-observer-both apart "accounting: { covered: [10.77.5.1, 10.77.5.2], observer: both }"
