#!/bin/sh
# usage: secrets.sh [FOLDER [HOST]]
# Makes the secrets of a stack: FOLDER (default ./secrets) with one file each. HOST is where the server
# listens (default `server`, its name in docker-compose.yml; 127.0.0.1 for the systemd units).
# ACCOUNTS (sqlite, mariadb or mongodb) says where accounts_url leads. What is there already stays. Files
# are readable for the containers' users, the folder is not for others on this host; accounts_key and
# console_key are for their OWNER alone (default: the containers' uid, on a host the user mdhub), which
# takes root.
set -eu
folder=${1:-secrets}
host=${2:-server}
umask 077
mkdir -p "$folder/sources"
chmod 700 "$folder"
# The containers run under ids of their own and see single files, never the folder.
chmod 755 "$folder/sources"

word() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
put() {
    if [ -e "$folder/$1" ]; then
        echo "kept $folder/$1"
    else
        printf '%s\n' "$2" >"$folder/$1"
        chmod 444 "$folder/$1"
        echo "made $folder/$1"
    fi
}

if [ -e "$folder/redis_auth" ]; then
    password=$(sed -n 's/^requirepass //p' "$folder/redis_auth")
else
    password=$(word)
fi
put redis_auth "requirepass $password"
put redis_url "redis://:$password@$host:6379/0"
if [ -e "$folder/database_password" ]; then
    database=$(cat "$folder/database_password")
else
    database=$(word)
fi
put database_password "$database"
case $host in
    server) mariadb=mariadb mongodb=mongodb owner=${OWNER:-10001:10001} ;;
    *) mariadb=$host mongodb=$host owner=${OWNER:-mdhub:mdhub} ;;
esac
case ${ACCOUNTS:-sqlite} in
    sqlite) put accounts_url "sqlite:////var/lib/mdhub-accounts/accounts.sqlite" ;;
    mariadb) put accounts_url "mysql+pymysql://mdhub:$database@$mariadb:3306/mdhub" ;;
    mongodb) put accounts_url "mongodb://mdhub:$database@$mongodb:27017/mdhub?authSource=admin" ;;
    *)
        echo "secrets.sh: ACCOUNTS was '$ACCOUNTS', expected sqlite, mariadb or mongodb" >&2
        exit 1
        ;;
esac
put grafana_password "$(word)"

# Master keys: of the accounts, and of the console's second factors. mdhub refuses one that others can
# read; keep copies apart from backups.
for key in accounts_key console_key; do
    if [ ! -e "$folder/$key" ]; then
        printf 'k%s:%s\n' "$(word | cut -c 1-8)" "$(head -c 32 /dev/urandom | base64)" >"$folder/$key"
        echo "made $folder/$key"
    fi
    chmod 600 "$folder/$key"
    chown "$owner" "$folder/$key" 2>/dev/null ||
        echo "still to do, as root: chown $owner $folder/$key" >&2
done
