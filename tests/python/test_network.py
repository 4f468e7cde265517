"""TLS and proxies: certificates, their errors, and ways around."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from listener import Listener

import replicant

TLS = Path(__file__).resolve().parents[1] / "tls"
AUTHORITY = str(TLS / "authority.pem")
ACCOUNT = {"type": "user", "username": "acme"}


def head_of(connection: socket.socket) -> bytes:
    """Reads the head of a request."""
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = connection.recv(4096)
        if not chunk:
            raise EOFError
        head += chunk
    return head


def answer(connection: socket.socket) -> None:
    """Responds to one request with an account."""
    head_of(connection)
    body = json.dumps(ACCOUNT).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    connection.sendall(head.encode() + body)


@contextlib.contextmanager
def https(name: str, clients: Optional[str] = None) -> Iterator[Listener]:
    """Runs a server that has one of the certificates in `tests/tls`, and may require one of its clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / f"{name}.pem", TLS / f"{name}.key")
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            answer(secure)

    with Listener(serve) as server:
        yield server


def client_of(server: Listener, **options: Any) -> replicant.Client:
    # Retries are on: none of these errors may be retried.
    return replicant.Client("x", base_url=f"https://localhost:{server.port}", **options)


def failure(server: Listener, **options: Any) -> str:
    with pytest.raises(replicant.APIConnectionError) as failed:
        client_of(server, **options).accounts.current()
    assert server.connections <= 1, "an error that persists is not retried"
    return str(failed.value)


def test_a_certificate_authority_is_trusted(tmp_path: Path) -> None:
    shutil.copy(AUTHORITY, tmp_path / "1.crt")
    (tmp_path / "README").write_text("not a certificate")
    with https("server") as server:
        for trusted in (AUTHORITY, str(tmp_path)):
            assert client_of(server, ca_bundle=trusted).accounts.current().username == "acme"


def test_a_self_signed_certificate_is_trusted_if_it_is_named() -> None:
    named = str(TLS / "self-signed.pem")
    with https("self-signed") as server:
        assert client_of(server, ca_bundle=named).accounts.current().username == "acme"
        # It is for localhost only.
        other = replicant.Client("x", base_url=f"https://127.0.0.1:{server.port}", ca_bundle=named)
        with pytest.raises(replicant.APIConnectionError, match="is for another host"):
            other.accounts.current()


@pytest.mark.parametrize(
    ("certificate", "trusted", "problem", "advice"),
    [
        ("server", None, "has an unknown issuer", "`ca_bundle`"),
        ("self-signed", None, "is a CA certificate", "`ca_bundle`"),
        ("other", AUTHORITY, "is for another host (other.example)", "host name"),
        ("expired", AUTHORITY, "has expired", "clock"),
    ],
)
def test_a_rejected_certificate_is_explained(
    certificate: str, trusted: Optional[str], problem: str, advice: str
) -> None:
    with https(certificate) as server:
        message = failure(server, ca_bundle=trusted)
    assert message.startswith(
        f"cannot connect to localhost: the certificate of localhost {problem}"
    )
    assert advice in message
    assert ("ca_bundle" in message) == (advice == "`ca_bundle`"), "only hints at what helps"
    assert "attempts" not in message


@pytest.mark.parametrize(
    "options",
    [
        {"client_cert": str(TLS / "client-and-key.pem")},
        {"client_cert": str(TLS / "client.pem"), "client_key": str(TLS / "client.key")},
        {
            "client_cert": str(TLS / "client.pem"),
            "client_key": str(TLS / "client-encrypted.key"),
            "client_key_password": "secret",
        },
        {
            "client_cert": str(TLS / "client-and-encrypted-key.pem"),
            "client_key_password": "secret",
        },
        {"client_cert": str(TLS / "client-of-pkcs12.pem"), "client_key_password": "secret"},
    ],
)
def test_a_client_certificate_is_presented(options: Any) -> None:
    with https("server", clients=AUTHORITY) as server:
        client = client_of(server, ca_bundle=AUTHORITY, **options)
        assert client.accounts.current().username == "acme"


def test_a_missing_client_certificate_is_explained() -> None:
    with https("server", clients=AUTHORITY) as server:
        message = failure(server, ca_bundle=AUTHORITY)
    assert "`client_cert`" in message


@pytest.mark.parametrize(
    ("options", "argument", "problem"),
    [
        ({"ca_bundle": "/no/such/file"}, "ca_bundle", "cannot read /no/such/file"),
        ({"ca_bundle": str(TLS / "client.key")}, "ca_bundle", "contains no certificate"),
        ({"client_cert": "/no/such/file"}, "client_cert", "cannot be read"),
        ({"client_cert": str(TLS / "client.key")}, "client_cert", "contains no PEM certificate"),
        ({"client_cert": str(TLS / "client.pem")}, "client_cert", "`client_key`"),
        ({"client_key": str(TLS / "client.key")}, "client_key", "requires `client_cert`"),
        ({"client_cert": str(TLS / "client.pem"), "client_key": str(TLS / "other.key")}, "client_key", "does not fit"),
        ({"client_cert": str(TLS / "client.pem"), "client_key": str(TLS / "client-encrypted.key")}, "client_key", "encrypted"),
        ({"client_cert": str(TLS / "client.pem"), "client_key": str(TLS / "client-encrypted.key"), "client_key_password": "wrong"}, "client_key_password", "cannot be decrypted"),
        ({"client_cert": str(TLS / "client.p12"), "client_key_password": "secret"}, "client_cert", "convert it with `openssl pkcs12"),
        ({"client_key_password": "secret"}, "client_key_password", "requires `client_cert`"),
        ({"proxy": "sock5://h:1"}, "proxy", "must be a URL"),
        ({"max_connections": 0}, "max_connections", "at least 1"),
    ],
)  # fmt: skip
def test_an_invalid_setting_is_an_error_that_names_it(
    options: Any, argument: str, problem: str
) -> None:
    with pytest.raises(replicant.InvalidArgumentError) as refused:
        replicant.Client("x", **options)
    assert refused.value.argument == argument
    assert f"`{argument}`" in str(refused.value)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSL_CERT_FILE", "/no/such/file"),
        ("SSL_CERT_FILE", str(TLS / "client.key")),
        ("HTTPS_PROXY", "http://"),
        ("https_proxy", "sock5://proxy:1080"),
    ],
)
def test_an_invalid_variable_is_an_error_that_names_it(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with https("server") as server, pytest.raises(replicant.InvalidArgumentError, match=name):
        client_of(server).accounts.current()


def test_variables_of_other_programs_are_used_or_mentioned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with https("server") as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
        assert f"REQUESTS_CA_BUNDLE was ignored: {tmp_path} contains no certificate" in failure(
            server
        )
        shutil.copy(AUTHORITY, tmp_path / "1.pem")
        assert client_of(server).accounts.current().username == "acme"
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        monkeypatch.setenv("SSL_CERT_FILE", AUTHORITY)
        assert client_of(server).accounts.current().username == "acme"


def without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.delenv(name, raising=False)


def test_a_folder_of_the_environment_without_certificates_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_variables(monkeypatch)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with https("server") as server:
        message = failure(server)
        assert "SSL_CERT_DIR" in message
        assert "ca-certificates" in message
        assert "`ca_bundle`" in message
        assert client_of(server, ca_bundle=AUTHORITY).accounts.current().username == "acme"


def test_a_system_without_certificates_has_those_of_the_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_variables(monkeypatch)
    empty = "/etc/ssl /etc/pki /usr/share/ca-certificates /usr/lib/ssl"
    hide = f"for folder in {empty}; do [ ! -e $folder ] || mount -t tmpfs none $folder; done"
    shell = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    if not shutil.which("unshare") or subprocess.run([*shell, hide]).returncode:
        pytest.skip("needs a mount namespace")
    program = (
        "import replicant, sys\nreplicant.Client('x', base_url=sys.argv[1]).accounts.current()"
    )
    with https("server") as server:
        url = f"https://localhost:{server.port}"
        command = [*shell, f'{hide}; exec "$@"', "sh", sys.executable, "-c", program, url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "the certificate of localhost has an unknown issuer" in done.stderr


CREATES = """
import asyncio, concurrent.futures, sys, replicant
client = replicant.Client("x", base_url=sys.argv[1], max_retries=0)
count = int(sys.argv[3])
def create(_):
    return client.predictions.create("acme/text", {}).status
async def awaited():
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        calls = [client.predictions.async_create("acme/text", {}) for _ in range(count)]
        print(*{each.status for each in await asyncio.gather(*calls)}, flush=True)
if sys.argv[2] == "awaited":
    asyncio.run(awaited())
with concurrent.futures.ThreadPoolExecutor(count) as pool:
    while sys.stdin.readline():
        print(*set(pool.map(create, range(count))), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process")
@pytest.mark.parametrize("kind", ["blocking", "awaited"])
@pytest.mark.parametrize("count", [1, 6])
def test_a_connection_that_closed_while_the_process_was_stopped_is_not_used(
    kind: str, count: int
) -> None:
    idle = threading.Condition()
    stopped = False
    serving = 0

    def serve(connection: socket.socket) -> None:
        """Responds to requests until the process is stopped."""
        nonlocal serving
        body = b'{"id": "p1", "status": "succeeded"}'
        head = b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n" % len(body)
        connection.settimeout(0.01)
        with idle:
            serving += 1
        try:
            while not stopped:
                with contextlib.suppress(socket.timeout):
                    head_of(connection)
                    # So late that requests of the same time need other connections.
                    time.sleep(0.05)
                    connection.sendall(head + body)
        finally:
            connection.close()
            with idle:
                serving -= 1
                idle.notify_all()

    with Listener(serve) as server:
        url = f"http://127.0.0.1:{server.port}"
        command = [sys.executable, "-c", CREATES, url, kind, str(count)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdin
            assert child.stdout
            for _ in range(10):
                stopped = False
                child.stdin.write("\n")
                child.stdin.flush()
                child.send_signal(signal.SIGCONT)
                assert child.stdout.readline() == "succeeded\n"
                child.send_signal(signal.SIGSTOP)
                stopped = True
                with idle:
                    assert idle.wait_for(lambda: serving == 0, 30)
                # Servers keep a connection without requests for longer than this.
                time.sleep(0.6)
            child.kill()


def pipe(one: socket.socket, other: socket.socket) -> None:
    def copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=copy, args=(one, other), daemon=True)
    thread.start()
    copy(other, one)
    thread.join(5)


def read(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        chunk = connection.recv(length - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return data


class Proxy(Listener):
    """A proxy that connects to one port, whatever it is asked for. Records what it is asked for."""

    def __init__(self, target: int, refusal: bytes = b"") -> None:
        self.target, self.refusal = target, refusal
        self.asked: list[str] = []
        super().__init__(self._proxy)

    def _proxy(self, connection: socket.socket) -> None:
        first = connection.recv(1, socket.MSG_PEEK)
        if first == b"\x05":
            read(connection, 2 + connection.recv(2, socket.MSG_PEEK)[1])
            connection.sendall(b"\x05\x00")
            *_, kind = read(connection, 4)
            name = read(connection, read(connection, 1)[0] if kind == 3 else {1: 4, 4: 16}[kind])
            read(connection, 2)
            self.asked.append(name.decode() if kind == 3 else "an address")
            connection.sendall(
                b"\x05" + (self.refusal or b"\x00") + b"\x00\x01\x00\x00\x00\x00\x00\x00"
            )
        else:
            self.asked.append(head_of(connection).split()[1].decode())
            connection.sendall(self.refusal or b"HTTP/1.1 200 OK\r\n\r\n")
        if not self.refusal:
            with socket.create_connection(("127.0.0.1", self.target)) as target:
                pipe(connection, target)


@pytest.mark.parametrize(
    ("scheme", "asked"),
    [("http", "localhost:"), ("socks5h", "localhost"), ("socks5", "an address")],
)
def test_a_proxy_is_used(scheme: str, asked: str) -> None:
    with https("server") as server:
        proxy = Proxy(server.port)
        url = f"{scheme}://127.0.0.1:{proxy.port}"
        client = client_of(server, ca_bundle=AUTHORITY, proxy=url)
        assert client.accounts.current().username == "acme"
        assert len(proxy.asked) == 1
        assert proxy.asked[0].startswith(asked)


@pytest.mark.parametrize(
    ("scheme", "refusal", "retried"),
    [
        ("http", b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", False),
        ("http", b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", True),
        ("socks5h", b"\x05", True),
    ],
)
def test_a_proxy_that_refuses_is_named(scheme: str, refusal: bytes, retried: bool) -> None:
    proxy = Proxy(0, refusal)
    url = f"{scheme}://127.0.0.1:{proxy.port}"
    client = replicant.Client("x", base_url="https://api.example", proxy=url, max_retries=1)
    with pytest.raises(replicant.APIConnectionError) as failed:
        client.accounts.current()
    assert f"the proxy {url} did not connect to api.example: " in str(failed.value)
    assert proxy.connections == (2 if retried else 1)


def test_a_certificate_behind_a_proxy_is_that_of_the_host() -> None:
    with https("expired") as server:
        proxy = Proxy(server.port)
        message = failure(server, ca_bundle=AUTHORITY, proxy=f"http://127.0.0.1:{proxy.port}")
    assert message.startswith(
        "cannot connect to localhost: the certificate of localhost has expired"
    )


def test_no_proxy_may_have_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with https("server") as server:
        proxy = Proxy(server.port)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        for excluded, count in [(f"localhost:{server.port}", 0), ("localhost:1", 1)]:
            monkeypatch.setenv("NO_PROXY", excluded)
            assert client_of(server, ca_bundle=AUTHORITY).accounts.current().username == "acme"
            assert proxy.connections == count


@pytest.mark.parametrize(
    ("variables", "proxied"),
    [
        ({"NO_PROXY": "*"}, False),
        ({"NO_PROXY": "", "no_proxy": "127.0.0.1"}, False),
        ({"NO_PROXY": "127.0.0.1", "no_proxy": ""}, True),
        ({"http_proxy": ""}, False),
        ({"ALL_PROXY": "http://127.0.0.1:1"}, True),
        ({"REQUEST_METHOD": "GET"}, False),
    ],
)
def test_proxy_variables_mean_what_they_mean_to_httpx(
    variables: dict[str, str], proxied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = Listener(answer), Listener(answer)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    client = replicant.Client("x", base_url=f"http://127.0.0.1:{server.port}")
    assert client.accounts.current().username == "acme"
    assert (server.connections, proxy.connections) == ((0, 1) if proxied else (1, 0))


def test_max_connections_limits_the_requests_in_flight() -> None:
    running = most = 0
    lock = threading.Lock()

    def serve(connection: socket.socket) -> None:
        nonlocal running, most
        head_of(connection)
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.05)
        with lock:
            running -= 1
        body = json.dumps(ACCOUNT).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        connection.sendall(head.encode() + body)

    server = Listener(serve)
    client = replicant.Client("x", base_url=f"http://127.0.0.1:{server.port}", max_connections=3)
    threads = [threading.Thread(target=client.accounts.current) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert server.connections == 12
    assert most <= 3
