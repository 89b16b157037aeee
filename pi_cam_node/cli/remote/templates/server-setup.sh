#!/bin/sh
# Sets up a rented Debian 12 or 13 host as the way in: firewall, WireGuard, nginx, certificate. Safe to run again.
#
#   server-setup.sh [--no-start] NAME MAIL
#
# NAME is the host's name, such as cam.example.org, MAIL where the certificate authority may write to. hub.conf and
# site.conf lie beside this script. --no-start installs and writes, but starts nothing and asks for no certificate.
# ACME_SERVER names another certificate authority than Let's Encrypt, such as its staging one for a trial.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
start=yes
if [ "${1-}" = --no-start ]; then start='' && shift; fi
[ $# = 2 ] || { echo "usage: $0 [--no-start] NAME MAIL" >&2; exit 2; }
name=$1 mail=$2
case $name in *[!a-z0-9.-]* | -* | .* | *. | '') echo "not a host name: $name" >&2; exit 2 ;; esac
printf '%s' "$mail" | grep -Eqx '[A-Za-z0-9._+][A-Za-z0-9._+-]*@[A-Za-z0-9.-]+' || { echo "not a mail address: $mail" >&2; exit 2; }
for file in hub.conf site.conf; do
    [ -f "$here/$file" ] || { echo "$here/$file is missing: copy it beside this script" >&2; exit 2; }
done
grep -q "server_name $name;" "$here/site.conf" || { echo "site.conf is for another name than $name" >&2; exit 2; }
port=$(sed -n 's/^ListenPort = \([0-9]\{1,5\}\)$/\1/p' "$here/hub.conf")
[ -n "$port" ] || { echo "hub.conf has no ListenPort" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "run this as root" >&2; exit 1; }

packages="nginx-light certbot wireguard-tools nftables fail2ban python3-systemd unattended-upgrades openssh-server \
iproute2 netbase procps ca-certificates"
changed=''

# put PATH MODE: makes stdin the content of PATH, whole or not at all; remembers in $changed what was written.
put() {
    mkdir -p "$(dirname "$1")"
    part=$(mktemp "$1.XXXXXX")
    cat >"$part"
    chmod "$2" "$part"
    if [ -e "$1" ] && cmp -s "$part" "$1"; then rm -f "$part"; return; fi
    mv -f "$part" "$1"
    changed="$changed $1"
    echo "wrote $1"
}

is_changed() { case "$changed " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
has_systemd() { [ -d /run/systemd/system ]; }

# start_service NAME: now, and at every boot.
start_service() {
    if has_systemd; then systemctl enable --quiet --now "$1"; else service "$1" start; fi
}

install_packages() {
    missing=''
    for package in $packages; do
        # shellcheck disable=SC2016 # it is dpkg that fills in the status
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "installing$missing"
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

write_firewall() {
    put /etc/nftables.conf 755 <<N
#!/usr/sbin/nft -f
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        ct state invalid drop
        iif lo accept
        ip protocol icmp icmp type echo-request limit rate 5/second accept
        meta l4proto ipv6-icmp accept
        tcp dport { 22, 80, 443 } accept
        udp dport $port accept
    }
    chain forward {
        type filter hook forward priority 0; policy drop;
        # Phones in the tunnel reach the house, and nothing else is passed on.
        iifname "cam" oifname "cam" accept
    }
    chain output { type filter hook output priority 0; policy accept; }
}
N
    put /etc/sysctl.d/60-cam.conf 644 <<S
net.ipv4.ip_forward = 1
S
    nft -c -f /etc/nftables.conf
}

write_access() {
    put /etc/apt/apt.conf.d/20auto-upgrades 644 <<'U'
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
U
    if find /root/.ssh /home/*/.ssh -name authorized_keys -size +0 2>/dev/null | grep -q .; then
        put /etc/ssh/sshd_config.d/10-cam.conf 644 <<'S'
PasswordAuthentication no
PermitRootLogin prohibit-password
S
    else
        echo "no SSH key is installed for any account: passwords stay allowed, or you would lock yourself out" >&2
    fi
    put /etc/fail2ban/jail.d/cam.local 644 <<'F'
[sshd]
enabled = true
backend = systemd
[nginx-limit-req]
enabled = true
logpath = /var/log/nginx/error.log
maxretry = 20
F
    : >>/var/log/nginx/error.log
    mkdir -p /run/sshd
    [ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -A >/dev/null
    sshd -t
}

# Port 80 for the certificate authority, and nothing for those who come by the bare address.
write_port_80() {
    mkdir -p /var/www/acme
    put /etc/nginx/sites-available/cam-http 644 <<G
server {
    listen 80;
    listen [::]:80;
    server_name $name;
    server_tokens off;
    location /.well-known/acme-challenge/ { root /var/www/acme; }
    location / { return 301 https://$name\$request_uri; }
}
server {
    listen 80 default_server;
    listen [::]:80 default_server;
    server_name _;
    return 444;
}
server {
    listen 443 ssl default_server;
    listen [::]:443 ssl default_server;
    server_name _;
    ssl_reject_handshake on;
}
G
    ln -sf ../sites-available/cam-http /etc/nginx/sites-enabled/cam-http
    rm -f /etc/nginx/sites-enabled/default
}

# The site itself, once its certificate exists; in the newer form where nginx asks for it.
write_site() {
    [ -e "/etc/letsencrypt/live/$name/fullchain.pem" ] || { rm -f /etc/nginx/sites-enabled/cam; return 0; }
    mkdir -p /var/cache/nginx
    version=$(nginx -v 2>&1 | sed 's/.*nginx\/\([0-9]*\)\.\([0-9]*\).*/\1\2/')
    site=$(mktemp)
    cp "$here/site.conf" "$site"
    if [ "$version" -ge 125 ]; then
        sed -i -e '/nginx 1\.25 and later/d' -e 's/443 ssl http2;/443 ssl;/' -e 's/^    server_tokens off;/    http2 on;\n&/' "$site"
    fi
    put /etc/nginx/sites-available/cam 644 <"$site"
    rm -f "$site"
    ln -sf ../sites-available/cam /etc/nginx/sites-enabled/cam
}

get_certificate() {
    [ ! -e "/etc/letsencrypt/live/$name/fullchain.pem" ] || return 0
    if ! certbot certonly -n --webroot -w /var/www/acme -d "$name" -m "$mail" --agree-tos --no-eff-email \
        ${ACME_SERVER:+--server "$ACME_SERVER"} --deploy-hook 'nginx -s reload'; then
        echo "no certificate yet: does $name lead to this host, and does port 80 reach it? Then run this again" >&2
        return 1
    fi
}

start_tunnel() {
    if has_systemd; then
        systemctl enable --quiet --now wg-quick@cam
    elif ! wg show cam >/dev/null 2>&1; then
        wg-quick up cam
    fi
    # New phones without cutting off those that are connected.
    if is_changed /etc/wireguard/cam.conf; then
        stripped=$(mktemp)
        wg-quick strip cam >"$stripped"
        wg syncconf cam "$stripped"
        rm -f "$stripped"
    fi
}

start_all() {
    # Loading it drops what fail2ban has added, so only when there is need.
    if is_changed /etc/nftables.conf || ! nft list chain inet filter forward >/dev/null 2>&1; then
        nft -f /etc/nftables.conf
        if has_systemd; then systemctl restart fail2ban; fi
    fi
    sysctl -q -p /etc/sysctl.d/60-cam.conf
    if has_systemd; then
        systemctl enable --quiet --now nftables fail2ban
        if is_changed /etc/fail2ban/jail.d/cam.local; then systemctl restart fail2ban; fi
        if is_changed /etc/ssh/sshd_config.d/10-cam.conf; then systemctl reload ssh; fi
    fi
    start_tunnel
    start_service nginx
    nginx -s reload
    get_certificate
    write_site
    nginx -t -q
    nginx -s reload
}

install_packages
put /etc/wireguard/cam.conf 600 <"$here/hub.conf"
chmod 700 /etc/wireguard
write_firewall
write_access
write_port_80
write_site
nginx -t -q
if [ -n "$start" ]; then start_all; fi
[ -n "$changed" ] || echo "nothing had to be changed"
echo "done: $name"
