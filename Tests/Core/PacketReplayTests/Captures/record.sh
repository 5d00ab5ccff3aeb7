#!/bin/bash
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
#
# record.sh FOLDER: records the same few packets in three ways, into FOLDER. Needs root, iproute2, tcpdump and dumpcap (of tshark). Makes two
# network namespaces and removes them.
set -eu
cd "$1"
cleanup() {
    ip netns del weir-record-a 2>/dev/null || true
    ip netns del weir-record-b 2>/dev/null || true
}
trap cleanup EXIT
ip netns add weir-record-a
ip netns add weir-record-b
ip -n weir-record-a link add veth type veth peer name veth netns weir-record-b
for host in a b; do
    number=$([ $host = a ] && echo 1 || echo 2)
    ip -n weir-record-$host link set lo up
    ip -n weir-record-$host addr add 10.9.0.$number/24 dev veth
    ip -n weir-record-$host addr add fd00:9::$number/64 dev veth nodad
    ip -n weir-record-$host link set veth up
done
sleep 2
here="ip netns exec weir-record-a"
$here tcpdump -q --nano -U -i any -y LINUX_SLL -w any-sll.pcap 2>/dev/null &
first=$!
$here tcpdump -q -U -i any -y LINUX_SLL2 -s 64 -w any-sll2.pcap 2>/dev/null &
second=$!
$here dumpcap -q -i veth -i lo -w two-interfaces.pcapng 2>/dev/null &
third=$!
sleep 2
for address in 10.9.0.2 fd00:9::2 127.0.0.1; do $here ping -q -c 1 $address >/dev/null; done
# Nobody listens on port 9: an ICMP error, then a reset.
$here bash -c 'echo hello > /dev/udp/10.9.0.2/9' || true
$here bash -c 'echo hello > /dev/tcp/10.9.0.2/9' 2>/dev/null || true
sleep 2
kill -INT $first $second $third
wait
