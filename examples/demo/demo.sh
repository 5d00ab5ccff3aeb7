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
work=$(mktemp -d)
spaces=(weir-demo-router weir-demo-frontend weir-demo-database weir-demo-stranger)

tidy() {
    trap - EXIT INT TERM
    # Whatever still runs in our namespaces goes with them.
    for space in "${spaces[@]}"; do
        ip netns pids "$space" 2>/dev/null | xargs -r kill -TERM 2>/dev/null || true
    done
    for space in "${spaces[@]}"; do ip netns del "$space" 2>/dev/null || true; done
    rm -rf "$work"
}
trap tidy EXIT
trap 'tidy; exit 130' INT TERM

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

say() {
    if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi
}

for space in "${spaces[@]}"; do ip netns del "$space" 2>/dev/null || true; done
say "Two zones and a stranger, in network namespaces of their own:"
ip netns add weir-demo-router
in_space router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
in_space router ip link set lo up
host frontend 10.0.0.4/20 10.0.0.1/20 2001:db8:a::4/64 2001:db8:a::1/64
host database 10.0.16.23/20 10.0.16.1/20 2001:db8:b::23/64 2001:db8:b::1/64
host stranger 203.0.113.9/24 203.0.113.1/24 2001:db8:c::9/64 2001:db8:c::1/64
echo "  frontend 10.0.0.4 (eu-west-1a)   database 10.0.16.23 (eu-west-1b)   stranger 203.0.113.9"
echo "  every packet crosses two interfaces of the router, where weir runs: weir run --config examples/demo/weir.yaml"
cp "$here/weir.yaml" "$work/weir.yaml"
chmod 600 "$work/weir.yaml"

in_space router "$weir" run --config "$work/weir.yaml" --until 8s --final-metrics "$work/metrics" \
    >"$work/table" 2>"$work/log" &
agent=$!
for _ in $(seq 50); do
    if ! kill -0 "$agent" 2>/dev/null; then
        wait "$agent" || status=$?
        echo "weir could not start here:" >&2
        cat "$work/log" >&2
        exit "${status:-1}"
    fi
    grep -q 'capturing' "$work/log" && break
    sleep 0.1
done

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
wait "$agent"

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

seen=$(sum weir_kernel_seen_bytes_total)
counted=$(sum weir_kernel_counted_bytes_total)
duplicate=$(sum 'weir_kernel_not_counted_bytes_total.*duplicate')
other=$(( $(sum weir_kernel_not_counted_bytes_total) - duplicate + $(sum weir_kernel_overflow_bytes_total) ))
say "And the proof that every byte was counted once:"
line="seen $(grouped "$seen") B = counted $(grouped "$counted") + duplicate $(grouped "$duplicate")"
[ "$other" = 0 ] || line+=" + not IP (ARP) $(grouped "$other")"
echo "  $line"
if [ "$seen" != $((counted + duplicate + other)) ]; then
    echo "  the book does not balance: please report this" >&2
    exit 3
fi
