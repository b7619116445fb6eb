"""Programs that run beside the tests: the servers that verify, and the proxy itself."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import certificates

WORK = pathlib.Path(os.environ["OUTSIDE_WORK"])
LOGS = WORK / "logs"
START_SECONDS = 60


def free_ports(count):
    """Ports nobody listens on now. Held together while they are chosen, so that they differ."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def knows(key):
    """Whether the program has the key: the suite also runs against one that came before it."""
    example = subprocess.run([os.environ["SIGNING_PROXY_BIN"], "config", "example"], capture_output=True, text=True, check=True)
    return key in example.stdout


def clean_environment(home, **more):
    """An environment that holds no credentials and no proxy settings but the given ones."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "JAVA_HOME") if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        **more,
    }


class Server:
    """A child process with its log in a file; stopped by its own process id only."""

    def __init__(self, name, command, environment, port):
        LOGS.mkdir(parents=True, exist_ok=True)
        self.name, self.port = name, port
        self.log = LOGS / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=WORK,
            )
        try:
            self._wait(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
        except BaseException:
            self.stop()
            raise

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _wait(self, probe):
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                return probe()
            except OSError as error:
                gone = self.process.poll() is not None
                if gone or time.monotonic() > end:
                    tail = self.log.read_text(errors="replace")[-3000:]
                    raise RuntimeError(f"{self.name} did not start: {error}\n{tail}") from None
                time.sleep(0.05)

    def stop(self, grace=15):
        """Ends the process; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(grace)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()


class SeaweedFs(Server):
    """An S3 server that checks signatures, in the clear and over TLS. Its telemetry is off; it listens on loopback alone."""

    ACCESS_KEY_ID = "AKIAOUTSIDE000000001"
    SECRET = "outside/store+secret/0123456789abcdefghij"

    def __init__(self, folder, name="seaweedfs"):
        folder.mkdir(parents=True)
        self.folder = folder
        users = {
            "identities": [
                {
                    "name": "store",
                    "credentials": [{"accessKey": self.ACCESS_KEY_ID, "secretKey": self.SECRET}],
                    "actions": ["Admin", "Read", "Write", "List", "Tagging"],
                }
            ]
        }
        (folder / "users.json").write_text(json.dumps(users))
        self.ca_file, certificate, key = certificates.write(folder)
        master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc, self.tls_port = free_ports(9)
        command = [
            *(WORK / "venv/bin/weed", "-logtostderr=true", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *("-master.telemetry=false", f"-dir={folder}", "-volume.max=0", "-master.volumeSizeLimitMB=1024"),
            # Its own wish is a hundredth of the disk, which a busy machine may not have, and then it stores nothing.
            "-volume.minFreeSpace=256MiB",
            *(f"-master.port={master}", f"-master.port.grpc={master_grpc}", "-volume.preStopSeconds=0"),
            *(f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}"),
            *(f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}"),
            *("-s3", f"-s3.port={s3}", f"-s3.port.grpc={s3_grpc}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            *(f"-s3.port.https={self.tls_port}", f"-s3.cert.file={certificate}", f"-s3.key.file={key}"),
            f"-s3.config={folder}/users.json",
        ]
        super().__init__(name, command, clean_environment(folder), s3)

    @property
    def tls_url(self):
        return f"https://127.0.0.1:{self.tls_port}"

    def stop(self, grace=0):
        """Its data is thrown away: no need to wait until it has put everything in order, which takes it 15 s."""
        code = super().stop(grace)
        shutil.rmtree(self.folder, ignore_errors=True)
        return code


class Moto(Server):
    """Stand-ins for AWS services which check signatures, once `lock` was called."""

    def __init__(self, folder, name="moto"):
        folder.mkdir(parents=True)
        (port,) = free_ports(1)
        command = [WORK / "venv/bin/moto_server", "-H", "127.0.0.1", "-p", port]
        super().__init__(name, command, clean_environment(folder), port)

    def lock(self):
        """From now on every request is verified."""
        post = urllib.request.Request(
            f"{self.url}/moto-api/reset-auth", data=b"0", headers={"content-type": "text/plain"}, method="POST"
        )
        urllib.request.urlopen(post).read()


class Proxy(Server):
    """`signing-proxy serve` with a configuration written here, logging all it can."""

    count = 0

    def __init__(
        self, folder, name, connections, environment=None, server=None, port=None, prefix=(), **sections
    ):
        Proxy.count += 1
        folder.mkdir(parents=True, exist_ok=True)
        free, self.admin_port = free_ports(2)
        port = port or free
        spool = folder / "spool"
        spool.mkdir(exist_ok=True)
        self.spool = spool
        config = {
            "server": {
                "listen": f"127.0.0.1:{port}",
                "admin": f"127.0.0.1:{self.admin_port}",
                "spool_dir": str(spool),
                **(server or {}),
            },
            "log": {"level": "trace", "format": "json"},
            "connections": connections,
            **sections,
        }
        file = folder / f"{name}.toml"
        file.write_text(toml(config))
        command = [*prefix, os.environ["SIGNING_PROXY_BIN"], "serve", "--config", file]
        super().__init__(f"proxy-{Proxy.count}-{name}", command, clean_environment(folder, **(environment or {})), port)

    def memory(self, field="VmHWM"):
        """Memory in bytes: `VmHWM` is the peak of resident pages, `VmRSS` what is resident now."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE).group(1)) * 1024


class Sandbox(Server):
    """`signing-proxy sandbox`: an AWS that verifies what it gets, and a proxy before it. Its log has each verdict."""

    def __init__(self):
        (port,) = free_ports(1)
        command = [os.environ["SIGNING_PROXY_BIN"], "sandbox", "--listen", f"127.0.0.1:{port}", "--admin", "off"]
        super().__init__("sandbox", command, clean_environment(WORK), port)


def toml(value, path=()):
    """A configuration as TOML: tables of tables, strings, numbers, booleans and lists."""
    plain = {key: item for key, item in value.items() if not isinstance(item, dict)}
    lines = [f"[{'.'.join(path)}]"] if path and plain else []
    lines += [f"{key} = {json.dumps(item)}" for key, item in plain.items()]
    for key, item in value.items():
        if isinstance(item, dict):
            lines.append(toml(item, (*path, key)))
    return "\n".join(lines) + "\n"
