# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0

# Brings two reports of the same packets to the same lines, one per conversation and direction:
#
#   FAMILY PROTOCOL FROM PORT TO PORT BYTES PACKETS          layer-3 bytes; ports 0 where there are none or not in every packet
#
# Input is what `tshark -z conv,…` prints, single frames as "FROM TO BYTES" (of IPv6 fragments), or metrics conv.bytes and conv.packets as Prometheus reads them. Protocols are known
# by their addresses: see cases/matrix.sh. tshark 4.0 prints 10,000 bytes and more as "10 kB": then status 3, as nobody could compare.
# -v protocols="none UDP …"  -v link=BYTES of the link header that tshark counts with each frame

function network(address,  part) {
    if (address ~ /^10\.77\.[1-5]\./) { split(address, part, "."); return part[3] }
    if (address ~ /^fd77:[1-5]::/) { split(address, part, ":"); return part[2] }
    return 0
}

# A sum, as fragments and ICMP types of one conversation come in several series.
function add(from, from_port, to, to_port, bytes, packets,  number, key) {
    number = network(from)
    if (!number || !network(to)) return
    if (name[number + 1] == "ICMP" || name[number + 1] == "fragments") from_port = to_port = 0
    key = (from ~ /:/ ? "IPv6 " : "IPv4 ") name[number + 1] " " from " " from_port " " to " " to_port
    sum_bytes[key] += bytes
    sum_packets[key] += packets
}

function port(text) { sub(/.*:/, "", text); return text }
function host(text) { sub(/:[0-9]+$/, "", text); return text }

function label(key) { return match($0, key "=\"[^\"]*\"") ? substr($0, RSTART + length(key) + 2, RLENGTH - length(key) - 3) : "" }

BEGIN { split(protocols, name, " ") }

# Of the two for addresses alone only those protocols that have no other.
/ Conversations$/ { by_address = $1 ~ /^IP/ }

$2 == "<->" {
    from = by_address ? $1 : host($1)
    to = by_address ? $3 : host($3)
    ported = name[network(from) + 1] !~ /^(ICMP|fragments)$/
    fragmented_six = name[network(from) + 1] == "fragments" && from ~ /:/
    if (ported == by_address || fragmented_six) next
    if ($6 != "bytes" || $9 != "bytes") { print "conversations.awk: rounded: " $0 >"/dev/stderr"; status = 3; exit status }
    if ($7) add(from, port($1), to, port($3), $8 - link * $7, $7)
    if ($4) add(to, port($3), from, port($1), $5 - link * $4, $4)
}

NF == 3 && $3 ~ /^[0-9]+$/ { add($1, 0, $2, 0, $3 - link, 1) }

/^weir_conv_(bytes|packets)_total\{/ {
    is_bytes = /^weir_conv_bytes/
    add(label("src_address"), label("src_port"), label("dst_address"), label("dst_port"), is_bytes ? $NF : 0, is_bytes ? 0 : $NF)
}

END {
    if (status) exit status
    for (key in sum_packets) printf "%s %.0f %.0f\n", key, sum_bytes[key], sum_packets[key]
}
