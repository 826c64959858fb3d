"""Certificates of a private CA, and a proxy that ends TLS in front of a plain port: for tests only."""
import os
import socket
import ssl
import subprocess
import threading


def _openssl(*words):
    done = subprocess.run(["openssl", *words], text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr.strip()}")


class Authority:
    """A CA with its own key; `ca` is the file to trust."""

    def __init__(self, directory, name):
        self.dir, self.name = directory, name
        os.makedirs(directory, exist_ok=True)
        self.ca, self.ca_key = self._path("ca.pem"), self._path("ca.key")
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                 "-keyout", self.ca_key, "-out", self.ca, "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def _path(self, name):
        return os.path.join(self.dir, f"{self.name}.{name}")

    def certificate(self, name, *alternatives):
        """(certificate, key) for names like "DNS:localhost" or "IP:127.0.0.1"."""
        request, extensions = self._path(name + ".csr"), self._path(name + ".ext")
        certificate, key = self._path(name + ".pem"), self._path(name + ".key")
        with open(extensions, "w", encoding="utf-8") as file:
            file.write(f"subjectAltName={','.join(alternatives)}\nextendedKeyUsage=serverAuth\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.ca_key, "-CAcreateserial", "-days", "2",
                 "-extfile", extensions, "-out", certificate)
        return certificate, key


class Proxy:
    """Listens with TLS on a free port of 127.0.0.1 and passes the bytes on to `target`, a plain port there."""

    def __init__(self, target, certificate):
        self.target = target
        self.handshakes = 0  # completed ones
        self._open, self._lock = set(), threading.Lock()
        self.use(certificate)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def use(self, certificate):
        """From now on this (certificate, key); ends the connections that were made with another."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        with self._lock:
            self._context, former = context, list(self._open)
        for one in former:
            self._end(one)

    def close(self):
        self._end(self._listening)
        with self._lock:
            former = list(self._open)
        for one in former:
            self._end(one)

    @staticmethod
    def _end(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()

    def _accept(self):
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        plain.settimeout(10)
        with self._lock:
            context = self._context
        try:
            outer = context.wrap_socket(plain, server_side=True)
        except (OSError, ValueError):  # the other side does not like the certificate
            plain.close()
            return
        self.handshakes += 1
        outer.settimeout(None)
        try:
            inner = socket.create_connection(("127.0.0.1", self.target))
        except OSError:  # the service has ended
            self._end(outer)
            return
        with self._lock:
            self._open |= {outer, inner}
            stale = context is not self._context
        if stale:
            self._end(outer)
        back = threading.Thread(target=self._pass, args=(inner, outer), daemon=True)
        back.start()
        self._pass(outer, inner)
        back.join()
        with self._lock:
            self._open -= {outer, inner}

    def _pass(self, source, sink):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
        except (OSError, ValueError):
            pass
        self._end(sink)
        self._end(source)


class Tls:
    """TLS for an Installation: the broker's own listener, and a proxy before each outside service."""

    def __init__(self, directory):
        self.ours, self.strangers = Authority(directory, "ours"), Authority(directory, "stranger")
        here = ("DNS:localhost", "IP:127.0.0.1")
        self.good = self.ours.certificate("good", *here)
        self.unknown_ca = self.strangers.certificate("unknown", *here)
        self.other_name = self.ours.certificate("other", "DNS:other.example", "IP:127.0.0.9")
        self.proxies = {}

    def broker_words(self):
        return ["--tls-cert", self.good[0], "--tls-key", self.good[1], "--tls-ca", self.ours.ca]

    def serve(self, ports):
        self.proxies = {service: Proxy(port, self.good) for service, port in ports.items()}

    def use(self, certificate):
        for proxy in self.proxies.values():
            proxy.use(certificate)

    def url(self, service):
        """By name and by address in turn: both must be right in a certificate."""
        host = "localhost" if service in ("openai", "supabase") else "127.0.0.1"
        return f"https://{host}:{self.proxies[service].port}"

    def close(self):
        for proxy in self.proxies.values():
            proxy.close()
