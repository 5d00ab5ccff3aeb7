#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh WEIR: real traffic between network namespaces, named and counted. Needs root; leaves nothing behind.
#
#   frontend 10.0.0.4 ──┐                    ┌── database 10.0.16.23
#          eu-west-1a   ├── router: weir ────┤          eu-west-1b
#                       └────────┬───────────┘
#                     stranger 203.0.113.9 (the internet)
set -euo pipefail
weir=$1
here=$(cd "$(dirname "$0")" && pwd)
spaces=(weir-demo-router weir-demo-frontend weir-demo-database weir-demo-stranger)

# not_here REASON: one sentence, and the status of a machine that cannot.
not_here() {
    echo "The demo cannot run here: $1" >&2
    exit 2
}
[ "$(id -u)" = 0 ] || not_here "it makes network namespaces and loads eBPF, which needs root."
for tool in ip tc iperf3 ping sysctl; do
    command -v "$tool" >/dev/null || not_here "'$tool' is missing; make deps installs it."
done
work=$(mktemp -d)

# Whatever runs in our namespaces.
running() { for space in "${spaces[@]}"; do ip netns pids "$space" 2>/dev/null || true; done; }

remove_spaces() {
    local try
    running | xargs -r kill -TERM 2>/dev/null || true
    # The agent drains before it leaves, within 5 s.
    for try in $(seq 60); do
        [ -n "$(running)" ] || break
        sleep 0.1
    done
    running | xargs -r kill -KILL 2>/dev/null || true
    for space in "${spaces[@]}"; do ip netns del "$space" 2>/dev/null || true; done
}

tidy() {
    trap - EXIT
    trap '' INT TERM HUP
    remove_spaces
    rm -rf "$work"
}
trap tidy EXIT
trap 'exit 130' INT TERM HUP

in_space() { ip netns exec "weir-demo-$1" "${@:2}"; }

# host NAME ADDRESS4 GATEWAY4 ADDRESS6 GATEWAY6: a namespace with one cable to the router.
host() {
    ip netns add "weir-demo-$1"
    ip link add eth0 netns "weir-demo-$1" type veth peer name "$1" netns weir-demo-router
    in_space router ip addr add "$3" dev "$1"
    in_space router ip -6 addr add "$5" dev "$1" nodad
    in_space router ip link set "$1" up
    in_space "$1" ip link set lo up
    in_space "$1" ip addr add "$2" dev eth0
    in_space "$1" ip -6 addr add "$4" dev eth0 nodad
    in_space "$1" ip link set eth0 up
    in_space "$1" ip route add default via "${3%/*}"
    in_space "$1" ip -6 route add default via "${5%/*}"
}

# meter DEVICE ADDRESS4 ADDRESS6: a traffic class on the router's way out, for all that comes from there. Its byte
# counter is Linux's own, and it counts super-packets as their segments, as weir does.
meter() {
    in_space router tc qdisc add dev "$1" root handle 1: htb &&
        in_space router tc class add dev "$1" parent 1: classid 1:1 htb rate 100gbit quantum 65536 &&
        in_space router tc qdisc add dev "$1" parent 1:1 pfifo limit 100000 &&
        in_space router tc filter add dev "$1" parent 1: protocol ip prio 1 u32 match ip src "$2/32" flowid 1:1 &&
        in_space router tc filter add dev "$1" parent 1: protocol ipv6 prio 2 u32 match ip6 src "$3/128" flowid 1:1
}

# The class's bytes, without the 14 bytes of each packet's link header.
metered() { in_space router tc -s class show dev "$1" | awk '/^ *Sent/ { sum += $2 - 14 * $4 } END { printf "%.0f", sum }'; }

say() {
    if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi
}

remove_spaces
say "Two zones and a stranger, in network namespaces of their own:"
ip netns add weir-demo-router 2>"$work/error" || not_here "no network namespace could be made: $(cat "$work/error")"
in_space router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
in_space router ip link set lo up
host frontend 10.0.0.4/20 10.0.0.1/20 2001:db8:a::4/64 2001:db8:a::1/64
host database 10.0.16.23/20 10.0.16.1/20 2001:db8:b::23/64 2001:db8:b::1/64
host stranger 203.0.113.9/24 203.0.113.1/24 2001:db8:c::9/64 2001:db8:c::1/64
is_metered=yes
{ meter database 10.0.0.4 2001:db8:a::4 && meter frontend 10.0.16.23 2001:db8:b::23; } 2>/dev/null || is_metered=no
echo "  frontend 10.0.0.4 (eu-west-1a)   database 10.0.16.23 (eu-west-1b)   stranger 203.0.113.9"
echo "  every packet crosses two interfaces of the router, where weir runs: weir run --config examples/demo/weir.yaml"
cp "$here/weir.yaml" "$work/weir.yaml"
chmod 600 "$work/weir.yaml"

# The time is a bound; it is told to stop when the traffic has ended.
ip netns exec weir-demo-router "$weir" run --config "$work/weir.yaml" --until 40s --final-metrics "$work/metrics" \
    >"$work/table" 2>"$work/log" &
agent=$!
for _ in $(seq 100); do
    grep -q ' running ' "$work/log" && break
    kill -0 "$agent" 2>/dev/null || break
    sleep 0.1
done
if ! grep -q ' running ' "$work/log"; then
    reason=$(sed -n 's/.*capture failed error="\(.*\)"$/\1/p' "$work/log" | tail -n 1)
    not_here "weir ${reason:-did not start: $(tail -n 1 "$work/log")}"
fi

in_space database iperf3 -s -D --logfile /dev/null
in_space stranger iperf3 -s -D --logfile /dev/null
sleep 0.3
say "Real TCP and UDP, IPv4 and IPv6 …"
in_space frontend iperf3 -c 10.0.16.23 -n 12M >/dev/null &
one=$!
in_space frontend iperf3 -u -c 203.0.113.9 -b 8M -t 2 >/dev/null &
two=$!
wait "$one"
in_space frontend iperf3 -c 2001:db8:b::23 -n 3M -R >/dev/null
wait "$two"
in_space database ping -q -c 3 -i 0.2 10.0.0.4 >/dev/null
# What is closing may still say goodbye.
sleep 0.5
kill -TERM "$agent"
if wait "$agent"; then :; else
    status=$?
    echo "weir ended with $status:" >&2
    cat "$work/log" >&2
    exit "$status"
fi

say "What weir saw, one table per window of two seconds:"
cat "$work/table"
say "The same as Prometheus scrapes it:"
grep -E '^weir_network_(flow_bytes|inter_zone_bytes)_total' "$work/metrics"

sum() { awk -v want="$1" '$1 ~ "^"want { sum += $NF } END { printf "%.0f", sum }' "$work/metrics"; }
# 48211904 → 48,211,904, whatever locales are installed.
grouped() { echo "$1" | sed -e ':more' -e 's/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/' -e 't more'; }

say "So, who sends across the zones?"
awk '
    function label(name,  text) { return match($0, name "=\"[^\"]*\"") ? substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 3) : "" }
    function human(bytes) { return bytes >= 1048576 ? sprintf("%.1f MiB", bytes / 1048576) : sprintf("%.1f KiB", bytes / 1024) }
    {
        printf "  %s → %s  %s → %s  %s  inter_zone\n", label("src_owner_name"), label("dst_owner_name"), label("src_zone"), label("dst_zone"), human($NF)
    }' <(grep '^weir_network_inter_zone_bytes_total' "$work/metrics" | awk '{ print $NF, $0 }' | sort -rn | cut -d ' ' -f 2-)

# Every reason for which something was not counted, by its own name.
reasons() {
    sed -n 's/^weir_kernel_\(not_counted\|overflow\)_bytes_total{reason="\([a-z_]*\)"} \([0-9]*\)$/\2 \3/p' "$work/metrics" | sort -k 2,2nr
}
seen=$(sum weir_kernel_seen_bytes_total)
counted=$(sum weir_kernel_counted_bytes_total)
accounted=$counted
line="seen $(grouped "$seen") B = counted $(grouped "$counted")"
while read -r reason bytes; do
    [ "$bytes" != 0 ] || continue
    accounted=$((accounted + bytes))
    [ "$reason" != non_ip ] || reason="not IP (ARP)"
    line+=" + $reason $(grouped "$bytes")"
done < <(reasons)
say "And the proof that every byte was counted once:"
echo "  $line"
if [ "$seen" != "$accounted" ]; then
    echo "  the book does not balance: please report this" >&2
    exit 3
fi
# A kernel without these classes has no such counter; then nothing is claimed.
if [ "$is_metered" = yes ]; then
    across=$(sum weir_network_inter_zone_bytes_total)
    truth=$(($(metered database) + $(metered frontend)))
    echo "  across zones: weir $(grouped "$across") B, Linux's own counter $(grouped "$truth") B, difference $((across - truth))"
    [ "$across" = "$truth" ] || exit 3
fi
