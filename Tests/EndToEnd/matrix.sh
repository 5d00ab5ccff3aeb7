# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# The matrix of exactness: every protocol of both families at once on one wire, and an agent of every source counts it.
# Each protocol has addresses of its own, 10.77.P.1 and fd77:P::1 left, .2 and ::2 right, and a class of its own in the htb of
# each end, so truth is known by cell: what the two ends sent, as `tc -s class` has it, which counts the segments of a
# super-packet and their headers. For sockets it is what the generator sent; for TCP, where nobody else knows, the classes.
#
#   left: agents tcx and cgroup    w0 ── w0    right: agents clsact and socket
#   IPv4 is sent by left, IPv6 by right (TCP answers either way), so each device sees both directions.

PROTOCOLS=(none UDP TCP ICMP SCTP fragments)
FAMILIES=(IPv4 IPv6)
SOURCES=(tcx clsact socket cgroup)
# How long full rate lasts before an event, and after it.
LEAD=0.5

# ---- The wire ----

matrix_wire() {
    local side p
    host left right
    veth left w0 right w0
    for side in left right; do
        if [ "$1" = off ]; then no_offloads $side w0; else in_host $side ethtool -K w0 gro on; fi
        {
            echo "qdisc add dev w0 root handle 1: htb default 9"
            for p in 9 11 12 13 14 15 21 22 23 24 25; do
                echo "class add dev w0 parent 1: classid 1:$p htb rate 100gbit burst 10m cburst 10m quantum 60000"
                echo "qdisc add dev w0 parent 1:$p pfifo limit 100000"
            done
            for p in 1 2 3 4 5; do
                echo "filter add dev w0 parent 1: protocol ip prio 1 u32 match ip dst 10.77.$p.0/24 flowid 1:1$p"
                echo "filter add dev w0 parent 1: protocol ipv6 prio 2 u32 match ip6 dst fd77:$p::/32 flowid 1:2$p"
            done
        } | ip netns exec "$PREFIX-$side" tc -batch -
    done
}

matrix_up() {
    local side p me=1 you=2 station
    for side in right left; do ip_in $side link set w0 up; done
    for side in left right; do
        station=$(station "$([ $side = left ] && echo right || echo left)" w0)
        for p in 1 2 3 4 5; do
            echo "addr add 10.77.$p.$me/24 dev w0"
            echo "addr add fd77:$p::$me/64 dev w0 nodad"
            echo "neigh replace 10.77.$p.$you lladdr $station dev w0 nud permanent"
            echo "neigh replace fd77:$p::$you lladdr $station dev w0 nud permanent"
        done | ip_in $side -batch -
        me=2 you=1
    done
    sink right 0.0.0.0
    sink left ::
    # Without a taker SCTP would be answered by "protocol unreachable".
    background right "$GEN" -t sctp hold 0.0.0.0
    disown
    background left "$GEN" -t sctp hold ::
    disown
    wait_for "the takers of SCTP" 2 takes_sctp right
    wait_for "the takers of SCTP" 2 takes_sctp left
}

takes_sctp() { in_host "$1" ss -Hlnw | grep ":132 " >/dev/null; }

# classes: what went onto the wire so far, as lines FAMILY PROTOCOL BYTES PACKETS.
classes() {
    local side
    for side in left right; do ip_tc $side -s class show dev w0; done | awk -v protocols="${PROTOCOLS[*]}" '
        BEGIN { split(protocols, name, " ") }
        $1 == "class" { class = substr($3, 3) }
        $1 == "Sent" && length(class) == 2 { bytes[class] += $2 - 14 * $4; packets[class] += $4 }
        END {
            for (class in bytes)
                printf "IPv%s %s %.0f %.0f\n", substr(class, 1, 1) == 1 ? 4 : 6, name[1 + substr(class, 2)], bytes[class], packets[class]
        }'
}

# ---- The agents ----

# matrix_agents WINDOW [MORE [METRICS]]: MORE goes into `capture:`, METRICS under `metrics:`.
matrix_agents() {
    local source
    for source in "${SOURCES[@]}"; do matrix_agent "$source" "$source" "$@"; done
}

# matrix_agent NAME SOURCE WINDOW [MORE [METRICS]]
matrix_agent() {
    config "$1" "$(capture_by "$2"), window: $3${4:-}"
    # Ports are in the key as long as something asks for them; the order of the packets shows in their ports.
    cat >"$CASE/$1.metrics" <<EOF
  cell.bytes: { measure: bytes, attributes: [src.address, dst.address] }
  cell.packets: { measure: packets, attributes: [src.address, dst.address] }
  order.packets: { measure: packets, filter: 'dst.port == 9999 and src.address in [10.77.0.0/16, fd77::/16] and (transport == "UDP" or transport == "SCTP")', attributes: [src.address, src.port], max_series: 2000 }
${5:-}
EOF
    sed -i -e '/^  test\./d' -e "/^metrics:/r $CASE/$1.metrics" "$CASE/$1.yaml"
    agent "$1" "$(side_of "$2")"
}

# side_of SOURCE: where its agent runs.
side_of() { [ "$1" = clsact ] || [ "$1" = socket ] && echo right || echo left; }

# found AGENT: what it exported, as lines FAMILY PROTOCOL BYTES PACKETS.
found() {
    awk -v protocols="${PROTOCOLS[*]}" '
        BEGIN { split(protocols, name, " ") }
        /^weir_cell_(bytes|packets)_total\{/ {
            if (match($0, /src_address="10\.77\.[1-5]\./)) key = "IPv4 " name[1 + substr($0, RSTART + RLENGTH - 2, 1)]
            else if (match($0, /src_address="fd77:[1-5]::/)) key = "IPv6 " name[1 + substr($0, RSTART + RLENGTH - 3, 1)]
            else next
            if (/^weir_cell_bytes/) bytes[key] += $NF; else packets[key] += $NF
        }
        END { for (key in bytes) printf "%s %.0f %.0f\n", key, bytes[key], packets[key] }' "$CASE/$1.prom"
}

# ---- Traffic ----

# traffic OFFLOAD LOAD: starts it all; leaves numbers in TRAFFIC and STOPPABLE, and what was sent in $CASE/sent.FAMILY.PROTOCOL.
traffic() {
    local family host other p secs=0 passes=5 flows=2 streams=1 bytes=100000 super=() fragmented=4000 cpu=0
    case $2 in
        many) flows=10000 passes=2 streams=300 bytes=5000 fragmented=2000 ;;
        full) flows=100 secs=60 bytes=1000000000000 ;;
        conversations) flows=15 passes=2 streams=20 bytes=5000 fragmented=2000 ;;
    esac
    [ "$1" = off ] || super=(-g 10)
    TRAFFIC=()
    STOPPABLE=()
    for family in "${FAMILIES[@]}"; do
        if [ "$family" = IPv4 ]; then host=left other=right; else host=right other=left; fi
        for p in 1 3 4 5; do
            local kind=() count=$flows payload=100
            case $p in
                1) kind=("${super[@]}") ;;
                3) kind=(-t icmp) ;;
                4) kind=(-t sctp) ;;
                5)
                    payload=$fragmented
                    [ "$2" != conversations ] || count=2
                    ;;
            esac
            background $host nice -n 10 taskset -c $((cpu++ % $(nproc))) "$GEN" "${kind[@]}" sock "$(end_of $family $p $host)" "$(end_of $family $p $other)" \
                "$count" $payload $secs 0 $passes >"$CASE/sent.$family.${PROTOCOLS[p]}"
            TRAFFIC+=($!) STOPPABLE+=($!)
        done
        background $other nice -n 10 "$GEN" drain "$(end_of $family 2 $other)" $streams
        TRAFFIC+=($!)
        wait_for "gen to listen" 3 listens $other 9999
        background $host nice -n 10 "$GEN" pour "$(end_of $family 2 $other)" $bytes $streams $secs
        TRAFFIC+=($!) STOPPABLE+=($!)
    done
}

# end_of FAMILY NUMBER_OF_PROTOCOL HOST
end_of() {
    local end=1
    [ "$3" = left ] || end=2
    [ "$1" = IPv4 ] && echo "10.77.$2.$end" || echo "fd77:$2::$end"
}

# traffic_ends LOAD
traffic_ends() {
    local pid
    if [ "$1" = full ]; then
        for pid in "${STOPPABLE[@]}"; do expect_that "there was load to the last, from each generator" kill -0 "$pid"; done
        kill -TERM "${STOPPABLE[@]}"
    fi
    for pid in "${TRAFFIC[@]}"; do
        wait_for_end "$pid"
        expect "exit status of a generator" 0 "$STATUS"
    done
    sleep 0.1 # the last acknowledgement
}

# ---- The comparison ----

# value FILE FAMILY PROTOCOL: its bytes and packets.
value() { awk -v f="$2" -v p="$3" '$1 == f && $2 == p { print $3, $4; found = 1 } END { if (!found) print 0, 0 }' "$1"; }

# compare AGENT SOURCE OFFLOAD LOAD EVENT: all cells of one agent against $CASE/truth.
compare() {
    local family protocol truth name got
    found "$1" >"$CASE/found.$1"
    for family in "${FAMILIES[@]}"; do
        for protocol in "${PROTOCOLS[@]:1}"; do
            read -ra got < <(value "$CASE/found.$1" $family "$protocol")
            if [ "$2" = cgroup ] && [ "$protocol" != TCP ]; then
                truth=("$(of l3_bytes <"$CASE/sent.$family.$protocol")" "$(of packets <"$CASE/sent.$family.$protocol")")
                name=generator
            else
                read -ra truth < <(value "$CASE/truth" $family "$protocol")
                name="tc -s class"
            fi
            measured "$2 $family $protocol $3 $4 $5" "$name" "${truth[0]}" "${truth[1]}" "${got[0]}" "${got[1]}"
        done
    done
}

# The two truths must agree where both know: nothing was lost between the generator and the wire, or on it.
truths_agree() {
    local family protocol side dropped
    for family in "${FAMILIES[@]}"; do
        for protocol in UDP ICMP SCTP; do
            expect "$family $protocol, generator and classes" \
                "$(of l3_bytes <"$CASE/sent.$family.$protocol") $(of packets <"$CASE/sent.$family.$protocol")" "$(value "$CASE/truth" $family $protocol)"
        done
    done
    for side in left right; do
        dropped=$(in_host $side awk '$1 == "w0:" { print $5, $13 }' /proc/net/dev)
        [ "$dropped" = "0 0" ] || torn
        expect "packets that $side's w0 dropped" "0 0" "$dropped"
        expect "packets that $side's classes dropped" 0 "$(ip_tc $side -s class show dev w0 | awk '/dropped/ { sum += $7 } END { print sum + 0 }')"
    done
}

