# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# Namespaces that stand for hosts, wires between them, control groups, and the end of all that. Sourced by lib.sh.

# host NAME…: namespaces that stand for hosts and containers. No chatter of IPv6, no reverse path filter.
host() {
    local name
    for name; do
        ip netns add "$PREFIX-$name"
        in_host "$name" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
            net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0
        ip -n "$PREFIX-$name" link set lo up
    done
}

# in_host NAME COMMAND…: in its network namespace alone: /sys/fs/cgroup must stay in view.
in_host() {
    local name=$1
    shift
    nsenter --net="/run/netns/$PREFIX-$name" "$@"
}

ip_in() {
    local name=$1
    shift
    ip -n "$PREFIX-$name" "$@"
}

# veth HOST DEVICE HOST DEVICE: a pair, down. Offloads stay as the kernel has them.
veth() { ip_in "$1" link add "$2" type veth peer name "$4" netns "$PREFIX-$3"; }

no_offloads() { in_host "$1" ethtool -K "$2" tso off gso off gro off tx off rx off sg off >/dev/null 2>&1; }

station() { in_host "$1" ip -j link show "$2" | sed 's/.*"address":"\([^"]*\)".*/\1/'; }

# knows HOST DEVICE ADDRESS STATION: so that nobody needs to ask by ARP or ND.
knows() { ip_in "$1" neigh replace "$3" lladdr "$4" dev "$2" nud permanent; }

# wire: left (10.77.0.1, fd77::1) and right (10.77.0.2, fd77::2) on w0, still down, so that an agent that starts now sees all it ever carries.
wire() {
    local side
    host left right
    veth left w0 right w0
    for side in left right; do no_offloads $side w0; done
}

# wire_with_offloads: the same, and a pfifo on both ends that counts segments as they go onto the wire.
wire_with_offloads() {
    local side
    host left right
    veth left w0 right w0
    for side in left right; do ip netns exec "$PREFIX-$side" tc qdisc add dev w0 root pfifo limit 100000; done
}

wire_up() {
    local left right
    left=$(station left w0) right=$(station right w0)
    ip_in right link set w0 up
    ip_in left link set w0 up
    ip_in left addr add 10.77.0.1/24 dev w0
    ip_in right addr add 10.77.0.2/24 dev w0
    ip_in left addr add fd77::1/64 dev w0 nodad
    ip_in right addr add fd77::2/64 dev w0 nodad
    knows left w0 10.77.0.2 "$right"
    knows left w0 fd77::2 "$right"
    knows right w0 10.77.0.1 "$left"
    knows right w0 fd77::1 "$left"
    # The generator's sources, so that answers to them have a way.
    ip_in right route add 10.100.0.0/24 via 10.77.0.1
    ip_in right route add fd64::/64 via fd77::1
}

# wire_down: nothing may pass any more; what was counted so far is all there is.
wire_down() {
    sleep 0.2
    ip_in right link set w0 down
    ip_in left link set w0 down
}

ip_tc() {
    local name=$1
    shift
    ip netns exec "$PREFIX-$name" tc "$@"
}

# churn HOST: devices come, are renamed, leave for another namespace and go. Everything that came is gone in the end.
churn() {
    local number
    [ -e "/run/netns/$PREFIX-elsewhere" ] || host elsewhere
    for number in $(seq 1 8); do
        echo "link add a$number type veth peer name b$number"
        echo "link set a$number up"
        echo "link set b$number up"
    done | ip_in "$1" -batch -
    for number in 1 2 3; do
        echo "link set a$number down"
        echo "link set a$number name c$number"
        echo "link set c$number up"
    done | ip_in "$1" -batch -
    for number in 4 5 6; do echo "link set a$number netns $PREFIX-elsewhere"; done | ip_in "$1" -batch -
    ip_in "$1" link add br0 type bridge
    ip_in "$1" link set b7 master br0
    for number in 1 2 3; do echo "link del c$number"; done | ip_in "$1" -batch -
    for number in 4 5 6; do echo "link del b$number"; done | ip_in "$1" -batch -
    for number in a7 a8 br0; do echo "link del $number"; done | ip_in "$1" -batch -
}

# ---- Control groups ----

cgroup_root() { awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts; }

# joining GROUP: makes a control group, and leaves in JOINING what to put before a command that shall run in it.
joining() {
    local group
    group=$(cgroup_root)/$PREFIX-$1
    mkdir -p "$group"
    # shellcheck disable=SC2016
    JOINING=(sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group")
}

# ---- The end ----

# Ends what runs in our namespaces, by number, then removes them, our disks and our control groups. For leftovers of a killed run too.
remove_everything() {
    local name pid disk group
    disown -a # or bash reports each as killed
    for name in $(ip netns list | awk -v prefix="$PREFIX-" 'index($1, prefix) == 1 { print $1 }'); do
        for pid in $(ip netns pids "$name"); do kill -KILL "$pid" 2>/dev/null || true; done
        ip netns del "$name" 2>/dev/null || true
    done
    for disk in $(awk -v name="$PREFIX" '$1 == name { print $2 }' /proc/mounts); do umount -l "$disk"; done
    for group in "$(cgroup_root)/$PREFIX-"*; do
        [ -d "$group" ] || continue
        for _ in 1 2 3 4 5; do
            find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
            [ -d "$group" ] || break
            sleep 0.1
        done
    done
    if [ -e "$WORK/cpu1-is-off" ]; then
        echo 1 >/sys/devices/system/cpu/cpu1/online
        rm -f "$WORK/cpu1-is-off"
    fi
}
