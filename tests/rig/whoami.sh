#!/usr/bin/env bash
# BIND 9 as a server that says who asks: in each client's view the names hold the client's own address.
#   whoami.sh start | stop | status | check | env
. "$(dirname "$(readlink -f "$0")")/lib.sh"

D="$RIG_DIR/whoami"
PORT="${WHOAMI_PORT:-25353}"
ZONE=whoami.test
# Everybody who may ask; another address of them gets no answer but REFUSED.
CLIENTS="${WHOAMI_CLIENTS:-127.0.0.1 127.0.0.2 127.0.0.3 ::1}"
IP6="${WHOAMI_IP6:-::1}"

emit_env() { echo "export WHOAMI_SERVER=$RIG_HOST:$PORT WHOAMI_ZONE=$ZONE"; }

# zone ADDRESS FILE CHAOS_FILE : the names that a client may ask for.
#   me       its address, as A or AAAA and as TXT; in the class CH as TXT alone
#   two      two addresses; alias: an alias of me; page: a text that is no address
#   me.big   the same as me, with so many name servers beside it that the answer fits no datagram
zone() {
    local type=A other=127.0.0.99 i
    if [[ $1 == *:* ]]; then type=AAAA other=::99; fi
    {
        printf '$TTL 0\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n'
        printf 'me %s %s\nme TXT "%s"\n' "$type" "$1" "$1"
        printf 'two %s %s\ntwo %s %s\ntwo TXT "%s"\ntwo TXT "%s"\n' "$type" "$1" "$type" "$other" "$1" "$other"
        printf 'alias CNAME me\npage TXT "Your address is %s"\nlong TXT "%s" "%s"\n' "$1" "$1" "$other"
    } >"$2"
    {
        printf '$TTL 0\n@ CH SOA ns hostmaster 1 3600 600 86400 60\n@ CH NS ns\n'
        printf 'me CH TXT "%s"\ntwo CH TXT "%s"\ntwo CH TXT "%s"\n' "$1" "$1" "$other"
    } >"$3"
    {
        printf '$TTL 0\n@ SOA ns hostmaster 1 3600 600 86400 60\nme %s %s\nme TXT "%s"\n' "$type" "$1" "$1"
        for i in $(seq 10 40); do printf '@ NS a-name-server-of-many-with-a-long-name-%s.example.net.\n' "$i"; done
    } >"$2.big"
}

start() {
    mkdir -p "$D"
    apt_need named bind9 bind9-utils
    apt_need dig bind9-dnsutils
    proc_alive "$D" named && { say "already runs"; return; }
    port_free "$PORT"
    local client i=0 views=
    for client in $CLIENTS; do
        i=$((i + 1))
        zone "$client" "$D/$i.db" "$D/$i.chaos.db"
        views+="
view \"in-$i\" IN { match-clients { $client; }; recursion no;
    zone \"$ZONE\" { type primary; file \"$D/$i.db\"; };
    zone \"big.$ZONE\" { type primary; file \"$D/$i.db.big\"; }; };
view \"ch-$i\" CH { match-clients { $client; }; recursion no;
    zone \"$ZONE\" CH { type primary; file \"$D/$i.chaos.db\"; }; };"
    done
    cat >"$D/named.conf" <<E2
options {
    directory "$D";
    pid-file "$D/named.own.pid";
    session-keyfile "$D/session.key";
    lock-file none;
    managed-keys-directory "$D";
    listen-on port $PORT { $RIG_HOST; };
    listen-on-v6 port $PORT { $IP6; };
    notify no; dnssec-validation no;
    allow-query { any; };
    minimal-responses no;
};
controls { };
logging { channel out { stderr; severity info; print-time yes; }; category default { out; }; };
$views
E2
    named-checkconf "$D/named.conf" || die "bad named.conf"
    : >"$D/named.log"
    proc_start "$D" named "$(command -v named)" -f -c "$D/named.conf" -n 2
    wait_for 15 "named on $RIG_HOST:$PORT" in_ns dig +time=1 +tries=1 +short @"$RIG_HOST" -p "$PORT" "me.$ZONE" TXT \
        || { tail -20 "$D/named.log" >&2; exit 1; }
    say "ready on $RIG_HOST:$PORT, zone $ZONE"
}

check() {
    local ask=(in_ns dig +time=1 +tries=1 @"$RIG_HOST" -p "$PORT") got
    got=$("${ask[@]}" +short "me.$ZONE" A)
    [ "$got" = "$RIG_HOST" ] || die "check: expected $RIG_HOST, got '$got'"
    got=$("${ask[@]}" +short "me.$ZONE" CH TXT)
    [ "$got" = "\"$RIG_HOST\"" ] || die "check: CH: got '$got'"
    "${ask[@]}" +noedns +notcp +ignore "me.big.$ZONE" A | grep -q 'flags:.* tc' || die "check: the answer fits a datagram"
    got=$("${ask[@]}" +tcp +short "me.big.$ZONE" A)
    [ "$got" = "$RIG_HOST" ] || die "check: TCP: got '$got'"
    say "check passed"
}

case "${1:-}" in
    start)  start ;;
    stop)   proc_stop "$D" named; say stopped ;;
    status) proc_alive "$D" named && echo running || { echo stopped; exit 3; } ;;
    check)  check ;;
    env)    emit_env ;;
    *)      echo "usage: $0 start|stop|status|check|env" >&2; exit 64 ;;
esac
