# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# A second opinion: the traffic of the matrix, recorded by tcpdump at one end of the wire, and counted per conversation by tshark,
# by `weir replay` of the file, and live by an agent of every source. Beside these, what the wire says of each protocol.
# docs/exactness.md says what must be equal, and why.

# As much as tshark prints to the byte: below 10,000 of them per conversation and direction.
OPINION_METRICS='
  conv.bytes: { measure: bytes, attributes: [src.address, src.port, dst.address, dst.port], max_series: 20000 }
  conv.packets: { measure: packets, attributes: [src.address, src.port, dst.address, dst.port], max_series: 20000 }'

# record: starts tcpdump on the right end, which must be up for that; nothing passes yet, as the left one is down.
record() {
    ip_in right link set w0 up
    background right tcpdump -Z root --immediate-mode -i w0 -B 65536 -w "$CASE/wire.pcap" 2>"$CASE/tcpdump.log"
    RECORDER=$!
    wait_for "tcpdump to listen" 5 grep -q 'listening on' "$CASE/tcpdump.log"
}

# recorded: stops it; it must have kept all it saw.
recorded() {
    sleep 0.2
    kill -TERM "$RECORDER"
    wait_for_end "$RECORDER"
    expect "exit status of tcpdump" 0 "$STATUS"
    expect "packets that tcpdump lost" "0 packets dropped by kernel" "$(tail -n 1 "$CASE/tcpdump.log")"
    expect "packets that tcpdump kept" "$(awk '/received by filter/ { print $1 }' "$CASE/tcpdump.log")" "$(awk '/packets captured/ { print $1 }' "$CASE/tcpdump.log")"
}

# conversations <REPORT: see conversations.awk.
conversations() { awk -v protocols="${PROTOCOLS[*]}" -v link=14 -f "$here/conversations.awk" | sort; }

# Of a datagram in IPv6 fragments, -z conv counts the frame in which it is put together again and no other: those go by frames.
by_tshark() {
    {
        LC_ALL=C tshark -n -q -r "$1" -z conv,ip -z conv,ipv6 -z conv,udp -z conv,tcp -z conv,sctp
        LC_ALL=C tshark -n -r "$1" -Y ipv6.fraghdr -T fields -E separator=/s -e ipv6.src -e ipv6.dst -e frame.len
    } 2>"$CASE/tshark.log" | conversations
}

# difference OURS THEIRS FAMILY PROTOCOL HEADERS: conversations, then bytes and packets of each, then by how much they differ, signs
# left out. HEADERS: what each packet that we have more than they repeats of its super-packet; 0 where there are none.
difference() {
    awk -v ours="$1" -v family="$3" -v protocol="$4" -v headers="$5" '
        function size(number) { return number < 0 ? -number : number }
        $1 != family || $2 != protocol { next }
        { key = $3 " " $4 " " $5 " " $6; keys[key]; mine = FILENAME == ours; bytes[mine, key] += $7; packets[mine, key] += $8 }
        END {
            for (key in keys) {
                count++
                more = packets[1, key] - packets[0, key]
                if (!headers || more < 0 || !packets[0, key]) packets_off += size(more)
                bytes_off += size(bytes[1, key] - bytes[0, key] - (headers ? more * headers : 0))
                for (mine = 0; mine < 2; mine++) { sum_bytes[mine] += bytes[mine, key]; sum_packets[mine] += packets[mine, key] }
            }
            printf "%.0f %.0f %.0f %.0f %.0f %.0f %.0f\n", count, sum_bytes[1], sum_packets[1], sum_bytes[0], sum_packets[0], bytes_off, packets_off
        }' "$1" "$2"
}

# repeated OFFLOAD FAMILY PROTOCOL: the headers of layers 3 and 4 in front of each segment of a super-packet; 0 where none is made.
repeated() {
    local network=20
    [ "$2" = IPv4 ] || network=40
    case "$1 $3" in
        "on UDP") echo $((network + 8)) ;;
        "on TCP") echo $((network + 20 + 12)) ;; # with time stamps, as every data segment has
        *) echo 0 ;;
    esac
}

# opinions OFFLOAD
opinions() {
    local source family protocol d wired replayed conversations=0
    matrix_wire "$1"
    matrix_agents 60s "" "$OPINION_METRICS"
    record
    matrix_up
    traffic "$1" conversations
    traffic_ends conversations
    recorded
    wire_down
    for source in "${SOURCES[@]}"; do
        stop_agent "$source"
        expect_books "$source"
        conversations <"$CASE/$source.prom" >"$CASE/conversations.$source"
    done
    classes >"$CASE/truth"
    truths_agree
    by_tshark "$CASE/wire.pcap" >"$CASE/conversations.tshark"
    "$WEIR" replay "$CASE/wire.pcap" --config "$CASE/clsact.yaml" --output metrics >"$CASE/replay.prom" 2>"$CASE/replay.log"
    conversations <"$CASE/replay.prom" >"$CASE/conversations.replay"
    for family in "${FAMILIES[@]}"; do
        for protocol in "${PROTOCOLS[@]:1}"; do
            # The file and the file: the same whatever was offloaded.
            read -ra replayed < <(difference "$CASE/conversations.replay" "$CASE/conversations.tshark" $family "$protocol" 0)
            measured "replay $family $protocol $1 few none" "tshark -z conv" "${replayed[3]}" "${replayed[4]}" \
                $((replayed[3] + replayed[5])) $((replayed[4] + replayed[6]))
            read -ra wired < <(value "$CASE/truth" $family "$protocol")
            for source in "${SOURCES[@]}"; do
                # A socket is given datagrams; the wire and its recording have their fragments.
                if [ "$source $protocol" = "cgroup fragments" ]; then continue; fi
                read -ra d < <(difference "$CASE/conversations.$source" "$CASE/conversations.tshark" $family "$protocol" "$(repeated "$1" $family "$protocol")")
                measured "$source $family $protocol $1 few none" "tshark -z conv" "${d[1]}" "${d[2]}" $((d[1] + d[5])) $((d[2] + d[6]))
                expect "$source $family $protocol: live and the wire" "${wired[*]}" "${d[1]} ${d[2]}"
                [ "$source" = clsact ] || continue
                opinion "$family $protocol $1" "${d[0]}" "${wired[*]}" "${d[3]} ${d[4]}" "${replayed[1]} ${replayed[2]}" "${d[1]} ${d[2]}"
                conversations=$((conversations + d[0]))
            done
        done
    done
    remark "$conversations conversations;"
}

for offload in off on; do
    name=opinions-offload-$offload
    # shellcheck disable=SC2053
    [[ $name == ${ONLY:-*} ]] || continue
    for family in "${FAMILIES[@]}"; do
        for protocol in "${PROTOCOLS[@]:1}"; do planned "replay $family $protocol $offload few none"; done
    done
    CELL=various run_case $name opinions $offload
done
