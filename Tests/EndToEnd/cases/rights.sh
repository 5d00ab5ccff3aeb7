# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# The agent counts to the byte with the rights that deploy/ gives it, read from there, and with no others.

DEPLOY=$here/../../deploy

# rights_of SHAPE: BPF,NET_ADMIN,… as its manifest or unit says it, in small letters.
rights_of() {
    case $1 in
        container) sed -n 's/^ *add: \[\(.*\)\]$/\1/p' "$DEPLOY/kubernetes/daemon-set.yaml" ;;
        service) sed -n 's/^CapabilityBoundingSet=//p' "$DEPLOY/systemd/weir.service" | sed 's/CAP_//g; s/ /,/g' ;;
    esac | tr -d ' ' | tr '[:upper:]' '[:lower:]'
}

# mask CAPABILITIES: as /proc/PID/status has it.
mask() {
    local name sum=0
    for name in ${1//,/ }; do
        case $name in
            net_raw) sum=$((sum | 1 << 13)) ;;
            net_admin) sum=$((sum | 1 << 12)) ;;
            perfmon) sum=$((sum | 1 << 38)) ;;
            bpf) sum=$((sum | 1 << 39)) ;;
            *) fail "the capability $name is new here" ;;
        esac
    done
    printf '%016x' $sum
}

status_of() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/${AGENT_PID[a]}/status"; }

# confined_config SOURCE
confined_config() {
    cat >"$CASE/a.yaml" <<EOF
capture: { source: $1, window: 500ms }
enrich: [local_owner]
metrics:
  network.flow.bytes: [transport, observer]
  network.flow.packets: [transport, observer]
  test.bytes: { measure: bytes, filter: 'dst.port == 9999', attributes: [src.owner.name] }
  test.packets: { measure: packets, filter: 'dst.port == 9999', attributes: [src.owner.name] }
export: [prometheus]
http: { listen: "127.0.0.1:9347" }
EOF
    chmod 0644 "$CASE/a.yaml"
}

# start SHAPE RIGHTS: as agent, in a control group of its own.
start() {
    local config=$CASE/a.yaml
    [ "$1" = service ] || config=/etc/weir/weir.yaml
    mkdir -p "$CASE/root"
    : >"$CASE/a.log"
    joining agent
    background left "${JOINING[@]}" "$here/confined" "$1" "$CASE/root" "$CASE/a.yaml" "$2" "$WEIR" run --config "$config" --final-metrics - \
        >"$CASE/a.prom" 2>"$CASE/a.log"
    AGENT_PID[a]=$!
    wait_for "agent a to run" 20 said_it_runs_or_left a
    grep -q ' notice running ' "$CASE/a.log" || { fail "agent a did not start"; exit 1; }
}

# counts SHAPE SOURCE [RIGHTS]: its process has the rights and no others, a probe is answered, and what is sent is counted, with its owner.
counts() {
    local rights sent set
    rights=${3:-$(rights_of "$1")}
    [ -n "$rights" ] || fail "deploy/ says no rights for a $1"
    # The service's and, above it, what leads there: readable for its user.
    chmod 0755 "$WORK" "$CASE"
    wire
    confined_config "$2"
    start "$1" "$rights"
    for set in CapEff CapPrm CapBnd; do expect "$set" "$(mask "$rights")" "$(status_of $set)"; done
    expect "NoNewPrivs" 1 "$(status_of NoNewPrivs)"
    expect "user" "$([ "$1" = service ] && echo 65534 || echo 0)" "$(status_of Uid)"
    expect "files it can write" "" "$(writable_by_agent)"
    wire_up
    sink right 10.77.0.2
    joining sender
    sent=$(in_host left "${JOINING[@]}" "$GEN" sock 10.77.0.1 10.77.0.2 500 100 1)
    sleep 0.3
    expect "healthz" ok "$(in_host left curl -sS http://127.0.0.1:9347/healthz)"
    expect "readyz" 200 "$(in_host left curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1:9347/readyz)"
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(of l3_bytes <<<"$sent")" "$(of packets <<<"$sent")"
    [ "$2" != cgroup ] || expect "bytes of the sender's owner" "$(of l3_bytes <<<"$sent")" \
        "$(metric a weir_test_bytes_total "src_owner_name=\"$PREFIX-sender\"")"
}

# as_root SOURCE [PROGRAMS [RIGHT]]: started with all that root may, it gives up the rest before it counts, in every thread, and neither a reload with another
# key nor a device that comes later misses it. RIGHT is one that this source needs beyond those of deploy/.
as_root() {
    local rights sent more task set device
    rights=$(rights_of service)${3:+,$3}
    wire
    confined_config "$1"
    agent a left
    for task in /proc/"${AGENT_PID[a]}"/task/*; do
        for set in CapEff CapPrm CapBnd; do expect "$set of ${task##*/}" "$(mask "$rights")" "$(awk -v key="$set:" '$1 == key { print $2 }' "$task/status")"; done
    done
    expect "NoNewPrivs" 1 "$(status_of NoNewPrivs)"
    wire_up
    sink right 10.77.0.2
    joining sender
    sent=$(in_host left "${JOINING[@]}" "$GEN" sock 10.77.0.1 10.77.0.2 500 100 1)
    sed -i 's/^metrics:/&\n  by.initiator: { measure: bytes, attributes: [initiator] }/' "$CASE/a.yaml"
    reload a
    ! grep 'reload refused' "$CASE/a.log" || fail "the reload was refused"
    veth left late right late
    ip_in left link set late up
    if [ "$1" = socket ]; then for device in w0 late; do wait_for "a packet socket at $device" 5 has_packets left $device; done; fi
    [ -z "${2:-}" ] || for device in w0 late; do wait_for "programs at $device" 5 has_ours left $device "$2"; done
    more=$(in_host left "${JOINING[@]}" "$GEN" sock 10.77.0.1 10.77.0.2 500 100 1)
    sleep 0.3
    wire_down
    stop_agent a
    expect_books a
    expect_truth a test "$(($(of l3_bytes <<<"$sent") + $(of l3_bytes <<<"$more")))" "$(($(of packets <<<"$sent") + $(of packets <<<"$more")))"
}

# Mounts that the agent sees and that can be written, but for processes and devices.
writable_by_agent() {
    awk '{ split($6, option, ","); if (option[1] == "rw" && $5 !~ /^\/(proc|dev)($|\/)/) print $5 }' "/proc/${AGENT_PID[a]}/mountinfo" | sort -u
}

# allowed_calls: what the unit's SystemCallFilter lets through, one a line.
allowed_calls() {
    local word
    for word in $(sed -n 's/^SystemCallFilter=//p' "$DEPLOY/systemd/weir.service"); do expand "$word"; done | sort -u
}

expand() {
    local line
    if [[ $1 != @* ]]; then
        echo "$1"
        return
    fi
    systemd-analyze syscall-filter "$1" | sed '1d; s/^ *//; /^#/d; /^$/d' | while read -r line; do expand "$line"; done
}

# all_plugins: every plugin that has a socket or a thread of its own; nobody answers them.
all_plugins() {
    cat >"$CASE/kubeconfig" <<'EOF'
{ "current-context": "c", "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
  "clusters": [{ "name": "c", "cluster": { "server": "https://127.0.0.1:9" } }], "users": [{ "name": "u", "user": { "token": "t" } }] }
EOF
    chmod 0644 "$CASE/kubeconfig"
    sed -i "s|^enrich: .*|enrich: [local_owner, { plugin: kubernetes, kubeconfig: $CASE/kubeconfig, covered: none }, node_zone, \
{ plugin: cloud_instance, provider: aws, endpoint: 'http://127.0.0.1:9' }, { plugin: reverse_dns, servers: [127.0.0.1], exclude: [] }]|
        s|\[src.owner.name\]|[src.owner.name, dst.dns.name, k8s.dst.name, src.zone]|
        s|^export: .*|export: [prometheus, { plugin: otlp, endpoint: 'http://127.0.0.1:9', interval: 1s }, { plugin: json_lines, path: $CASE/trace/flows }]|" \
        "$CASE/a.yaml"
}

# calls SOURCE: nothing that it calls is refused by the unit: no call beyond SystemCallFilter, no memory to write and to run, no
# address family, no namespace.
calls() {
    local families
    chmod 0755 "$WORK" "$CASE"
    mkdir -m 0777 "$CASE/trace"
    wire
    confined_config "$1"
    all_plugins
    TRACE=$CASE/trace start service "$(rights_of service)"
    wire_up
    sink right 10.77.0.2
    gen left sock 10.77.0.1 10.77.0.2 500 100 1 >/dev/null
    in_host left curl -sS http://127.0.0.1:9347/metrics >/dev/null
    # Long enough for the first push and the first names.
    sleep 2
    wire_down
    stop_agent a
    wait_for "strace to write its last line" 5 grep -q "^${AGENT_PID[a]}  *+++ exited" "$CASE/trace/calls"
    # What strace and setpriv call before is not the agent's.
    sed -n '/execve(.*"run"/,$p' "$CASE/trace/calls" | sed 's/^[0-9]* *//' >"$CASE/trace/own"
    grep -q '^bpf(BPF_PROG_LOAD' "$CASE/trace/own" || fail "strace saw no program loaded"
    allowed_calls >"$CASE/trace/allowed"
    grep -qx bpf "$CASE/trace/allowed" && grep -qx read "$CASE/trace/allowed" || fail "the filter of the unit was not understood"
    expect "calls that the unit refuses" "" "$(grep -oE '^[a-z0-9_]+\(' "$CASE/trace/own" | tr -d '(' | sort -u | comm -23 - "$CASE/trace/allowed" | paste -sd' ')"
    expect_that "names were asked for" grep -q '^\(connect\|sendto\)(.*htons(53)' "$CASE/trace/own"
    expect_that "servers were asked" grep -q '^connect(.*htons(9)' "$CASE/trace/own"
    expect "memory to write and to run" "" \
        "$(awk '/^(mmap|mprotect|pkey_mprotect)\(/ && /PROT_EXEC/ && (/protect\(/ || /PROT_WRITE/)' "$CASE/trace/own")"
    families=$(sed -n 's/^RestrictAddressFamilies=//p' "$DEPLOY/systemd/weir.service")
    expect "address families that the unit refuses" "" \
        "$(grep -oE '^socket\(AF_[A-Z0-9]+' "$CASE/trace/own" | cut -d'(' -f2 | sort -u | comm -23 - <(tr ' ' '\n' <<<"$families" | sort) | paste -sd' ')"
    expect "namespaces of its own" "" "$(awk '/^(unshare|setns)\(/ || /^clone3?\(.*CLONE_NEW/' "$CASE/trace/own")"
    remark "$(grep -oE '^[a-z0-9_]+\(' "$CASE/trace/own" | sort -u | wc -l) different calls"
}

run_case rights-root-tcx as_root "tc, tc: tcx" "tcx 2 clsact 0"
run_case rights-root-clsact as_root "tc, tc: clsact" "tcx 0 clsact 2"
run_case rights-root-cgroup as_root cgroup
run_case rights-root-socket as_root socket "" net_raw
# Who may not attach, but may open packet sockets: auto comes to them.
for shape in container service; do run_case "rights-$shape-packets" counts $shape auto bpf,net_raw,perfmon; done
for source in tc cgroup; do
    for shape in container service; do run_case "rights-$shape-$source" counts $shape $source; done
    run_case "rights-calls-$source" calls $source
done
