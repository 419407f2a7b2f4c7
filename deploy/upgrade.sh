#!/bin/sh
# usage: upgrade.sh compose TAG | systemd RELEASE | HOOK RELEASE
# Brings a running hub to another release, one process at a time, so that no strategy misses a tick:
# first the arbiter that stands by, then the one that leads (the other takes over), then publisher B,
# publisher A, the ingest processes one after the other, the monitor, the console where there is one.
# After each step it waits until that process is well; at the first that is not it stops and says how
# to go back.
#
#   deploy/upgrade.sh compose v0.2.0      # images IMAGE_PREFIX-SERVICE:v0.2.0; writes HUB_TAG
#   deploy/upgrade.sh systemd 0.2.0       # /opt/mdhub/releases/0.2.0; moves /opt/mdhub/current
#   deploy/upgrade.sh compose --back      # the release before, with the configuration of then
#
# HOOK is any program that is called as `HOOK switch RELEASE`, `HOOK current`, `HOOK restart SERVICE ID`,
# `HOOK check SERVICE ID`, `HOOK status` (as mdhub status --json) and `HOOK mdhub ...`. ENV_FILE (default .env) is compose's file of
# variables, CONFIG (default /etc/mdhub/hub.toml; compose: HUB_CONFIG of ENV_FILE) and BACKUPS name the
# configuration and where its snapshot goes, WAIT_S (default 90) is the patience with each step,
# INGEST (systemd and hooks; default "A B") are the ingest processes' sources, CONSOLE (hooks; default
# none) is the console's id. Going back puts configuration back, never databases: those are in the same
# snapshot (compose: in BACKUPS of ENV_FILE) for `mdhub backup restore --only databases`.
set -eu

how=${1:-} release=${2:-}
env_file=${ENV_FILE:-.env}
wait_s=${WAIT_S:-90}
ingest=${INGEST:-A B}
settle_s=${SETTLE_S:-6}
console=

say() { echo "upgrade: $*"; }
die() {
    echo "upgrade: $*" >&2
    exit 1
}
[ $# -eq 2 ] || die "expected two words, such as: compose v0.2.0"

variable() { sed -n "s/^$1=//p" "$env_file" | tail -n 1; }
lower() { echo "$1" | tr '[:upper:]' '[:lower:]'; }

# compose: services are called arbiter-a, ingest-1, monitor
compose() { docker compose --env-file "$env_file" "$@"; }
compose_name() {
    case $1 in
        console | monitor) echo "$1" ;;
        *) echo "$1-$(lower "$2")" ;;
    esac
}
compose_do() {
    case $1 in
        current) variable HUB_TAG ;;
        switch)
            sed "s/^HUB_TAG=.*/HUB_TAG=$2/" "$env_file" >"$env_file.new"
            mv "$env_file.new" "$env_file"
            compose pull --quiet --ignore-buildable || true
            ;;
        restart) compose up -d --no-deps "$(compose_name "$2" "$3")" ;;
        check)
            id=$(compose ps --quiet "$(compose_name "$2" "$3")")
            [ "$(docker inspect --format '{{.State.Health.Status}}' "$id")" = healthy ]
            ;;
        status) compose exec -T arbiter-a mdhub status --json --config /etc/mdhub/hub.toml ;;
        # Beside the services, with the host's files: the configuration is the host's.
        mdhub)
            shift
            docker run --rm --user "$(id -u):$(id -g)" -v "$(pwd):$(pwd)" -w "$(pwd)" \
                -v "$config_folder:$config_folder" -v "$backups:$backups" \
                "$(variable IMAGE_PREFIX)-arbiter:$(variable HUB_TAG)" "$@"
            ;;
    esac
}

systemd_unit() {
    case $1 in
        console | monitor) echo "mdhub-$1.service" ;;
        *) echo "mdhub-$1@$2.service" ;;
    esac
}
systemd_do() {
    case $1 in
        current) basename "$(readlink /opt/mdhub/current)" ;;
        switch)
            [ -x "/opt/mdhub/releases/$2/bin/mdhub" ] ||
                die "no release in /opt/mdhub/releases/$2: sh scripts/image.sh ingest" \
                    "/opt/mdhub/releases/$2 puts one there"
            ln -sfn "releases/$2" /opt/mdhub/current.new
            mv -T /opt/mdhub/current.new /opt/mdhub/current
            ;;
        restart) systemctl restart "$(systemd_unit "$2" "$3")" ;;
        check) checked_on_host "$2" "$3" ;;
        status) on_host status --json --config "$config" ;;
        mdhub)
            shift
            on_host "$@"
            ;;
    esac
}
on_host() {
    accounts=/etc/mdhub/secrets/accounts_url
    [ ! -e "$accounts" ] || set -- MDHUB_ACCOUNTS__URL=file:$accounts /opt/mdhub/current/bin/mdhub "$@"
    [ -e "$accounts" ] || set -- /opt/mdhub/current/bin/mdhub "$@"
    env MDHUB_REDIS_URL=file:/etc/mdhub/secrets/redis_url "$@"
}
checked_on_host() {
    case $1 in
        ingest) on_host run ingest --only "$2" --check ;;
        *) on_host run "$1" --id "$2" --check ;;
    esac
}

case $how in
    compose)
        config=${CONFIG:-$(variable HUB_CONFIG)}
        ingest='1 2' settle_s=${SETTLE_S:-0}
        [ -z "$(compose ps --quiet console 2>/dev/null)" ] || console=A
        act() { compose_do "$@"; }
        ;;
    systemd)
        config=${CONFIG:-/etc/mdhub/hub.toml}
        env_file=${ENV_FILE:-/etc/mdhub/mdhub.env}
        ! systemctl is-enabled --quiet mdhub-console.service 2>/dev/null || console=A
        act() { systemd_do "$@"; }
        ;;
    *)
        [ -x "$how" ] || die "$how is neither compose nor systemd nor a program"
        config=${CONFIG:?name the configuration}
        console=${CONSOLE:-}
        act() { "$how" "$@"; }
        ;;
esac
backups=${BACKUPS:-/var/backups/mdhub}
config=$(realpath "$config")
config_folder=$(dirname "$config")
mkdir -p "$backups"
before=$backups/before-upgrade

snapshot() {
    half=
    if [ "$how" = compose ]; then # the databases are in volumes, the configuration is the host's
        half='--only files'
        compose run --rm backup >/dev/null || die "the databases could not be backed up (BACKUPS)"
    fi
    # shellcheck disable=SC2086 # two words
    act mdhub backup create --config "$config" --also "$(realpath "$env_file")" $half \
        --folder "$backups" --note "before $release" --json >"$before.json"
    act current >"$before.release"
    sed -n 's/.*"file": "\([^"]*\)".*/\1/p' "$before.json" >"$before.file"
}

well() {
    waited=0
    until act check "$1" "$2" >/dev/null 2>&1; do
        waited=$((waited + 1))
        [ "$waited" -lt "$wait_s" ] || return 1
        sleep 1
    done
}

# On a host the heartbeat of a process that was killed looks well for 5 s; of a new container Docker
# itself says `starting`.
step() {
    say "$1 $2"
    act restart "$1" "$2" || failed "$1 $2 could not be restarted"
    sleep "$settle_s"
    well "$1" "$2" || failed "$1 $2 is not well after $wait_s s"
}
failed() {
    die "$*. What was not touched runs on as before." \
        "Back: deploy/upgrade.sh $how --back"
}

leader() {
    act status 2>/dev/null | tr '{' '\n' |
        sed -n '/"state": *"leading"/s/.*"instance": *"arbiter:\([^"]*\)".*/\1/p'
}

# Asked before anything is touched: a hub that cannot say who leads is not one to begin with.
leading=$(leader || true)
[ -n "$leading" ] || die "no arbiter leads, or the hub cannot be asked: see mdhub status"

if [ "$release" = --back ]; then
    [ -s "$before.release" ] || die "no upgrade was begun: $before.release is empty or missing"
    release=$(cat "$before.release")
    say "going back to $release, configuration of $(cat "$before.file")"
    act mdhub backup restore "$(cat "$before.file")" --only files --force
else
    snapshot
    say "from $(cat "$before.release") to $release; configuration kept in $(cat "$before.file")"
fi
act switch "$release"

# Either order is safe; the standby first means one takeover, not two.
arbiters=${ARBITERS:-A B}
for id in $arbiters; do [ "$id" = "$leading" ] || step arbiter "$id"; done
for id in $arbiters; do [ "$id" != "$leading" ] || step arbiter "$id"; done
for id in ${PUBLISHERS:-B A}; do step publisher "$id"; done
for id in $ingest; do step ingest "$id"; done
step monitor A
[ -z "$console" ] || step console "$console"
say "done: $(act current)"
