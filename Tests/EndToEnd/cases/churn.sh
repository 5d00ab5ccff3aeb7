# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# What comes goes again: devices by the hundred and flows by the million leave nothing behind, neither in the process nor in the kernel.
#
#   CHURN=20      rounds of 25 veth pairs, some three seconds each
#   SOAK=45       seconds of the soak; 21600 is the run of six hours

CHURN=${CHURN:-20}
SOAK=${SOAK:-45}
# How far the line through the second half of the measurements may rise, in KiB: an allocator takes memory by the MiB now and then.
MOST_RISE=4096

# held AGENT: what its process holds, as "descriptors links programs KiB of maps KiB of memory".
held() {
    local pid=${AGENT_PID[$1]}
    {
        { cat "/proc/$pid/fdinfo/"* 2>/dev/null || true; }
        echo "descriptors: $(descriptors "$1")"
        cat "/proc/$pid/status"
    } | awk '
        $1 == "link_type:" { links++ }
        $1 == "prog_type:" { programs++ }
        $1 == "memlock:" { locked += $2 }
        $1 == "descriptors:" { descriptors = $2 }
        $1 == "VmRSS:" { memory = $2 }
        END { print descriptors + 0, links + 0, programs + 0, int(locked / 1024), memory + 0 }'
}

# measure AGENT: notes it, with the time in seconds.
measure() { echo "$(($(now_ms) / 1000)) $(held "$1")" >>"$CASE/held"; }

# rise COLUMN: by how much the straight line through the second half of the measurements rises, rounded.
rise() {
    awk -v column="$1" '
        { time[NR] = $1; value[NR] = $column }
        END {
            for (i = int(NR / 2) + 1; i <= NR; i++) { n++; x = time[i] - time[1]; sx += x; sy += value[i]; sxx += x * x; sxy += x * value[i] }
            spread = n * sxx - sx * sx
            slope = spread ? (n * sxy - sx * sy) / spread : 0
            printf "%.0f\n", slope * (time[NR] - time[int(NR / 2) + 1])
        }' "$CASE/held"
}

# expect_level AGENT FIRST: what it holds is what it held, and its memory has stopped growing.
expect_level() {
    local last
    last=$(held "$1")
    expect "descriptors, links, programs, KiB of maps" "${2% *}" "${last% *}"
    expect_that "memory rises by $(rise 6) KiB in the second half, more than $MOST_RISE" [ "$(rise 6)" -le $MOST_RISE ]
    remark "${last% *} (descriptors, links, programs, KiB of maps) before and after; memory ${2##* } to ${last##* } KiB, $(rise 6) in the second half;"
}

# others DEVICE: all that stands there and is not ours.
others() {
    in_host right "$ATTACHED" "$1" | grep -v '^weir_' || true
    for way in ingress egress; do ip_tc right filter show dev "$1" $way | grep -v weir_ || true; done
    ip_tc right qdisc show dev "$1" | grep clsact
}

# with_others FLAVOR: an agent at a wire whose right end has programs of someone else, by tcx and by clsact.
with_others() {
    wire
    host elsewhere
    ip_tc right qdisc add dev w0 clsact
    ip_tc right filter add dev w0 ingress prio 1 protocol ip u32 match ip src 192.0.2.1 flowid 1:1
    ip_tc right filter add dev w0 egress prio 3 protocol ipv6 u32 match ip6 dst 2001:db8::1 flowid 1:1
    background right "$ATTACHED" hold w0
    disown
    wait_for "another's programs" 3 has_another
    config a "source: tc, tc: $1, window: 1s"
    others w0 >"$CASE/others"
    agent a right
    wire_up
    sink right 10.77.0.2
}

has_another() { [ "$(in_host right "$ATTACHED" w0 | grep -c '^another')" = 2 ]; }

# pairs NUMBER: so many veth pairs come, are renamed, leave for another namespace, come back under another number, join a bridge, and go.
pairs() {
    local number index
    for number in $(seq 1 "$1"); do
        echo "link add a$number type veth peer name b$number"
        echo "link set a$number up"
        echo "link set b$number up"
    done | ip_in right -batch -
    wait_for "programs at the last one that came" 20 has_ours right "a$1" "$OURS"
    for number in 1 2 3; do
        echo "link set a$number down"
        echo "link set a$number name c$number"
        echo "link set c$number up"
    done | ip_in right -batch -
    for number in 4 5; do
        index=$(ip_in right -o link show "a$number" | cut -d: -f1)
        ip_in right link set a$number netns "$PREFIX-elsewhere"
        # Someone else has its number meanwhile.
        ip_in right link add "d$number" index "$index" type bridge
        ip_in elsewhere link set a$number netns "$PREFIX-right"
        ip_in right link set a$number up
        expect_that "a$number came back under another number than $index" \
            [ "$(ip_in right -o link show a$number | cut -d: -f1)" != "$index" ]
    done
    wait_for "programs at the one that came back" 20 has_ours right a5 "$OURS"
    {
        echo "link add br0 type bridge"
        echo "link set b6 master br0"
        for number in 1 2 3; do echo "link del c$number"; done
        for number in 4 5; do echo "link del d$number"; done
        for number in $(seq 4 "$1"); do echo "link del a$number"; done
        echo "link del br0"
    } | ip_in right -batch -
    wait_for "the last one to be let go" 20 holds_only_the_wire
}

# By tcx a link for each side; clsact holds none.
holds_only_the_wire() { [ "$(held a | cut -d' ' -f2)" = "$LINKS" ]; }

# devices FLAVOR: rounds of pairs while frames come on one device that stays.
devices() {
    local before generator round
    OURS="tcx 2 clsact 0" LINKS=2
    [ "$1" = tcx ] || { OURS="tcx 0 clsact 2" LINKS=0; }
    with_others "$1"
    # Once before, so that what is made once is there.
    pairs 25
    before=$(held a)
    background left "$GEN" raw w0 "$(station right w0)" 10.77.0.2 5000 0 100 5000 600 >"$CASE/sent"
    generator=$!
    for round in $(seq 1 "$2"); do
        pairs 25
        measure a
    done
    kill -TERM $generator
    wait_for_end $generator
    sleep 1.5
    expect_level a "$before"
    wire_down
    stop_agent a
    expect "programs left" "tcx 0 clsact 0" "$(attached right w0)"
    expect "what is not ours" "$(cat "$CASE/others")" "$(others w0)"
    expect_books a
    remark "$(($2 * 25)) pairs;"
}

# soak SECONDS: some 50,000 flows in every window of a second, other numbers of them by turns, while devices come and go.
soak() {
    local before=nothing generator turn=0 end packets=0 lost
    OURS="tcx 2 clsact 0" LINKS=2
    with_others tcx
    end=$(($(now_ms) + $1 * 1000))
    while [ "$(now_ms)" -lt $end ]; do
        turn=$((turn + 1))
        background left "$GEN" raw w0 "$(station right w0)" 10.77.0.2 $((49000 + turn % 5 * 500)) 0 40 60000 5 >"$CASE/sent"
        generator=$!
        pairs 10
        wait $generator
        packets=$((packets + $(of packets <"$CASE/sent")))
        measure a
        [ $turn != 2 ] || before=$(held a)
    done
    sleep 1.5
    expect_level a "$before"
    wire_down
    stop_agent a
    expect "programs left" "tcx 0 clsact 0" "$(attached right w0)"
    expect "what is not ours" "$(cat "$CASE/others")" "$(others w0)"
    expect_books a
    expect_nothing_lost a
    lost=$(dropped left w0)
    expect_truth a test $((68 * (packets - lost))) $((packets - lost))
    remark "$turn turns;"
}

run_case churn-tcx devices tcx "$CHURN"
run_case churn-clsact devices clsact $((CHURN / 4 + 1))
run_case soak soak "$SOAK"
