# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0

# Makes the exactness table of the lines that cells.sh describes, sorted by cell. -v format=text|json|summary
# -v failed=N: how many cases failed, for whatever reason; of what they measured nobody may say that all is well.
# A cell that several cases measured, or one case by several truths, is one row: truths are joined, differences added up
# without their signs, and the packets are those of all the measurements.

function size(number) { return (number < 0) ? -number : number }

function quoted(text) {
    gsub(/\\/, "&&", text) # what "\\\\" stands for here differs from awk to awk
    gsub(/"/, "\\\"", text)
    return "\"" text "\""
}

function coordinates(name,  part) {
    split(name, part, "\t")
    return sprintf("\"source\":%s,\"family\":%s,\"protocol\":%s,\"offload\":%s,\"load\":%s,\"event\":%s", quoted(part[1]), quoted(part[2]),
        quoted(part[3]), quoted(part[4]), quoted(part[5]), quoted(part[6]))
}

function line(name, rest,  part) {
    split(name, part, "\t")
    return sprintf("%-7s %-5s %-9s %-4s %-9s %-17s %s", part[1], part[2], part[3], part[4], part[5], part[6], rest)
}

BEGIN {
    FS = "\t"
    split("wire tshark replay live", voice, " ")
}

{
    if ($1 == "opinion") {
        opinion[++opinions] = $0
        next
    }
    name = $2 "\t" $3 "\t" $4 "\t" $5 "\t" $6 "\t" $7
    if ($1 == "unpromised") {
        place[++left_out] = name
        where[left_out] = $8
        sentence[left_out] = $9
        next
    }
    if (!(name in number)) {
        number[name] = ++count
        cell[count] = name
    }
}

$1 == "measured" {
    at = number[name]
    times[at]++
    bytes[at] += $9
    packets[at] += $10
    bytes_off[at] += size($11)
    packets_off[at] += size($12)
    if (index("; " truth[at] "; ", "; " $8 "; ") == 0) truth[at] = truth[at] (truth[at] == "" ? "" : "; ") $8
}

END {
    for (i = 1; i <= count; i++) if (!times[i] || bytes_off[i] || packets_off[i]) wrong[++faults] = i
    if (format == "text") {
        print line("source\tIP\tprotocol\toffl\tload\tevent", sprintf("%12s %10s %12s  truth", "packets", "bytes off", "packets off"))
        for (i = 1; i <= count; i++)
            print line(cell[i], times[i] ? sprintf("%12.0f %10.0f %12.0f  %s", packets[i], bytes_off[i], packets_off[i], truth[i]) : "   not measured")
        for (i = 1; i <= left_out; i++) print line(place[i], sprintf("not promised: \"%s\" (%s)", sentence[i], where[i]))
        if (opinions) {
            printf "\n%-5s %-9s %-4s %13s  %-16s %-16s %-16s %s\n", "IP", "protocol", "offl", "conversations", "wire", "tshark", "replay", "live (bytes / packets)"
            for (i = 1; i <= opinions; i++) {
                split(opinion[i], f, "\t")
                printf "%-5s %-9s %-4s %13d  %-16s %-16s %-16s %s\n", f[2], f[3], f[4], f[5], f[6] " / " f[7], f[8] " / " f[9], f[10] " / " f[11], f[12] " / " f[13]
            }
            print ""
        }
    }
    if (format == "json") {
        printf "{\"cells\":["
        for (i = 1; i <= count; i++) {
            printf "%s\n{%s,", (i > 1 ? "," : ""), coordinates(cell[i])
            if (times[i])
                printf "\"measurements\":%d,\"bytes\":%.0f,\"packets\":%.0f,\"bytesOff\":%.0f,\"packetsOff\":%.0f,\"truth\":%s}", times[i], bytes[i],
                    packets[i], bytes_off[i], packets_off[i], quoted(truth[i])
            else
                printf "\"measurements\":0}"
        }
        printf "\n],\"notPromised\":["
        for (i = 1; i <= left_out; i++)
            printf "%s\n{%s,\"sentence\":%s,\"where\":%s}", (i > 1 ? "," : ""), coordinates(place[i]), quoted(sentence[i]), quoted(where[i])
        printf "\n],\"opinions\":["
        for (i = 1; i <= opinions; i++) {
            split(opinion[i], f, "\t")
            printf "%s\n{\"family\":%s,\"protocol\":%s,\"offload\":%s,\"conversations\":%d", (i > 1 ? "," : ""), quoted(f[2]), quoted(f[3]), quoted(f[4]), f[5]
            for (by = 1; by <= 4; by++) printf ",\"%s\":{\"bytes\":%.0f,\"packets\":%.0f}", voice[by], f[4 + 2 * by], f[5 + 2 * by]
            printf "}"
        }
        printf "\n],\"faults\":%d,\"failedCases\":%d}\n", faults, failed
    } else {
        if (faults) {
            printf "%d cells, %d of them not 0 or not measured:\n", count, faults
            for (i = 1; i <= faults; i++)
                print "  " line(cell[wrong[i]], times[wrong[i]] ? sprintf("%.0f bytes, %.0f packets off of %.0f", bytes_off[wrong[i]], packets_off[wrong[i]], packets[wrong[i]]) : "not measured")
        } else
            printf "%s", count ? sprintf("%d cells%s", count, failed ? ", none off" : ", all 0") : "no cells"
        if (!faults) printf "%s%s\n", left_out ? sprintf("; %d not promised", left_out) : "", failed ? sprintf("; %d failed cases, see above", failed) : ""
    }
    exit (faults > 0 || failed > 0)
}
