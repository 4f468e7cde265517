#!/bin/sh
# Makes the certificates of the tests. They and their keys are public, and no one trusts them.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
touch "$work/index"
cat > "$work/config" <<CONFIG
[ca]
default_ca = ca
[ca]
database = $work/index
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
CONFIG

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$1" 2> /dev/null; }

key "$work/authority.key"
openssl req -x509 -new -key "$work/authority.key" -subj "/CN=authority of tests" -days 36500 -out authority.pem \
  -addext keyUsage=critical,keyCertSign
key self-signed.key
openssl req -x509 -new -key self-signed.key -subj /CN=localhost -days 36500 -out self-signed.pem \
  -addext subjectAltName=DNS:localhost

# sign NAME SUBJECT_ALT_NAME PURPOSE START END
sign() {
  key "$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$1" -out "$work/request" -addext basicConstraints=critical,CA:FALSE \
    -addext "subjectAltName=$2" -addext "extendedKeyUsage=$3"
  openssl ca -batch -notext -config "$work/config" -cert authority.pem -keyfile "$work/authority.key" \
    -startdate "$4" -enddate "$5" -in "$work/request" -out "$1.pem" 2> /dev/null
}
sign server DNS:localhost,IP:127.0.0.1 serverAuth 20250101000000Z 21250101000000Z
sign other DNS:other.example serverAuth 20250101000000Z 21250101000000Z
sign expired DNS:localhost serverAuth 20240101000000Z 20250101000000Z
sign client DNS:client clientAuth 20250101000000Z 21250101000000Z
cat client.pem client.key > client-and-key.pem
openssl pkcs8 -topk8 -in client.key -out client-encrypted.key -passout pass:secret
cat client.pem client-encrypted.key > client-and-encrypted-key.pem
openssl pkcs12 -export -in client.pem -inkey client.key -certfile authority.pem -out client.p12 -passout pass:secret
# The command that an error recommends.
openssl pkcs12 -in client.p12 -out client-of-pkcs12.pem -passin pass:secret -passout pass:secret
