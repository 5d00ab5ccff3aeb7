# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# A real Prometheus, and what it answers. Sourced by lib.sh.

# prometheus_server HOST TARGET…: scrapes every second from there; returns when every target answered.
prometheus_server() {
    local name=$1
    shift
    cat >"$CASE/prometheus.yml" <<EOF2
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: weir
    static_configs: [{ targets: [$(printf '"%s",' "$@")] }]
EOF2
    background "$name" prometheus --config.file="$CASE/prometheus.yml" --storage.tsdb.path="$CASE/tsdb" \
        --web.listen-address=127.0.0.1:9090 --log.level=error >"$CASE/prometheus.log" 2>&1
    disown
    wait_for "a first scrape" 15 has_scraped "$name" $#
}

has_scraped() { [ "$(ask "$1" 'count(up == 1)' 2>/dev/null)" = "$2" ]; }

# ask HOST QUERY [TIME]: the one number that it answers.
ask() {
    in_host "$1" curl -sS --get http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$2" ${3:+--data-urlencode "time=$3"} |
        sed -n 's/.*"value":\[[^,]*,"\([^"]*\)"\].*/\1/p'
}
