"""Keys in Secrets Manager and Parameter Store as moto plays them, and keys that a vault's AWS engine makes."""

import http.server
import json
import threading
import time
import urllib.request

import boto3
import pytest
from botocore.config import Config

import secrets_seen
from conftest import listing, store_connection
from servers import LOGS, Moto, Proxy, SeaweedFs
from test_auth import ACCOUNT, EVERYTHING, REGION, unsigned

BAD = "outside/never+right/0123456789abcdefghijkl"
# Moto refuses whoever may not in XML as text/html, where AWS does in JSON: boto3 makes no code of that either.
DENIED = "the credentials may not read it"
REJECTED = "the credentials are rejected"


class Keeper:
    """A moto of its own, which goes down in the end, with a user who may read secrets. It verifies every request."""

    def __init__(self, folder):
        self.server = Moto(folder, "moto-keeper")
        self.iam = self.client("iam", "bootstrap", "bootstrap")
        self.key = self.user("keeper", EVERYTHING)
        nothing = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
        self.unprivileged = self.user("unprivileged", nothing)
        self.server.lock()
        self.secrets = self.client("secretsmanager", *self.key)
        self.parameters = self.client("ssm", *self.key)
        self.iam = self.client("iam", *self.key)

    def user(self, name, policy):
        self.iam.create_user(UserName=name)
        self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        secrets_seen.add(key["SecretAccessKey"])
        return key["AccessKeyId"], key["SecretAccessKey"]

    def client(self, service, key_id, secret):
        return boto3.client(
            service,
            endpoint_url=self.server.url,
            region_name=REGION,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=Config(proxies={}),
        )


@pytest.fixture(scope="module")
def keeper(scratch):
    keeper = Keeper(scratch / "keeper")
    yield keeper
    keeper.server.stop()


@pytest.fixture(scope="module")
def kept(keeper, signed):
    """The store's keys: as JSON in each store, and the secret alone in a parameter with two versions."""
    secrets_seen.add(BAD, SeaweedFs.SECRET)
    keys = json.dumps({"aws": {"id": SeaweedFs.ACCESS_KEY_ID, "secret": SeaweedFs.SECRET}})
    arn = keeper.secrets.create_secret(Name="prod/aws", SecretString=keys)["ARN"]
    keeper.secrets.create_secret(Name="prod/binary", SecretBinary=b"x")
    keeper.parameters.put_parameter(Name="/prod/aws", Type="SecureString", Value=keys)
    for secret in (BAD, SeaweedFs.SECRET):
        keeper.parameters.put_parameter(Name="/prod/plain", Type="SecureString", Value=secret, Overwrite=True)
    return arn


def start(scratch, name, keeper, store, secret, cache="0s", key=None):
    key_id, key_secret = key or keeper.key
    fetch = {"connection": "keeper", "endpoint": keeper.server.url, "cache": cache, "timeout": "2s"}
    auth = {"method": "access-key", "access_key_id": key_id, "secret_access_key": "env:KEEPER_SECRET"}
    connections = {
        "keeper": {"service": "sts", "region": REGION, "endpoint": keeper.server.url, "auth": auth},
        "store": store_connection(store),
    }
    parts = {"access_key_id": SeaweedFs.ACCESS_KEY_ID, "secret_access_key": secret}
    if secret.endswith("#/aws/secret"):
        parts["access_key_id"] = secret.removesuffix("secret") + "id"
    connections["store"]["auth"] = {"method": "access-key", **parts}
    environment = {"KEEPER_SECRET": key_secret}
    return Proxy(scratch, name, connections, environment, assets={"secretsmanager": fetch, "ssm": fetch})


@pytest.mark.parametrize("name,secret,want", [
    ("json", "secretsmanager:prod/aws#/aws/secret", 200),
    ("arn", "secretsmanager:ARN#/aws/secret", 200),
    ("parameter", "ssm:/prod/plain", 200),
    ("parameter-json", "ssm:/prod/aws#/aws/secret", 200),
    ("version", "ssm:/prod/plain:2", 200),
    ("bad-version", "ssm:/prod/plain:1", 403),
])
def test_each_store_gives_keys_that_sign(name, secret, want, scratch, keeper, kept, store, stopping):
    secret = secret.replace("ARN", kept)
    stopping.append(start(scratch, f"stores-{name}", keeper, store, secret))
    assert listing(stopping[0], "/@store")[0] == want


@pytest.mark.parametrize("name,secret,key,word", [
    ("no-secret", "secretsmanager:prod/none", None, "there is no such secret"),
    ("no-parameter", "ssm:/prod/none", None, "there is no such secret, parameter"),
    ("no-pointer", "secretsmanager:prod/aws#/azure/secret", None, "there is no value at the pointer"),
    ("binary", "secretsmanager:prod/binary", None, "the secret is binary"),
    ("denied", "secretsmanager:prod/aws", "unprivileged", DENIED),
    ("denied-parameter", "ssm:/prod/plain", "unprivileged", DENIED),
    ("wrong-key", "ssm:/prod/plain", "wrong", REJECTED),
])
def test_what_is_wrong_is_named(name, secret, key, word, scratch, keeper, kept, store, stopping):
    key = {"unprivileged": keeper.unprivileged, "wrong": (keeper.key[0], "wrong")}.get(key)
    stopping.append(start(scratch, f"stores-{name}", keeper, store, secret, key=key))
    assert listing(stopping[0], "/@store") == (503, "no-credentials")
    log = stopping[0].log.read_text()
    assert word in log and secret.split("#")[0] in log


def test_a_new_version_is_picked_up(scratch, keeper, kept, store, stopping):
    """At once or after the cache and 10 s: nothing is restarted."""
    keeper.secrets.create_secret(Name="prod/rotated", SecretString=BAD)
    stopping.append(start(scratch, "stores-rotation", keeper, store, "secretsmanager:prod/rotated", cache="1s"))
    assert listing(stopping[0], "/@store")[0] == 403
    keeper.secrets.put_secret_value(SecretId="prod/rotated", SecretString=SeaweedFs.SECRET)
    end = time.monotonic() + 15
    while listing(stopping[0], "/@store")[0] != 200:
        assert time.monotonic() < end, "the new version is not used"
        time.sleep(0.5)


class Vault(http.server.ThreadingHTTPServer):
    """Responses as Vault's documentation says its AWS engine does, and makes the users in moto. Its leases last for seconds,
    may be renewed once, and when they end so do their users."""

    TOKEN, SECONDS = "outside-engine-token", 8

    def __init__(self, keeper):
        super().__init__(("127.0.0.1", 0), Responses)
        self.keeper, self.leases, self.renewed, self.lock = keeper, {}, 0, threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.reaper = threading.Thread(target=self.reap, daemon=True)
        self.over = threading.Event()
        self.reaper.start()

    def make(self):
        with self.lock:
            user = f"vault-deploy-{len(self.leases)}"
            key_id, secret = self.keeper.user(user, EVERYTHING)
            lease = f"aws/creds/deploy/{user}"
            self.leases[lease] = {"user": user, "key": key_id, "end": time.monotonic() + self.SECONDS, "renewals": 0}
        data = {"access_key": key_id, "secret_key": secret, "security_token": None}
        return {"lease_id": lease, "renewable": True, "lease_duration": self.SECONDS, "data": data}

    def renew(self, lease_id):
        with self.lock:
            lease = self.leases.get(lease_id)
            if not lease or lease["renewals"] == 1 or lease["end"] < time.monotonic():
                return None
            lease["renewals"] += 1
            self.renewed += 1
            lease["end"] = time.monotonic() + self.SECONDS
        return {"lease_id": lease_id, "renewable": True, "lease_duration": self.SECONDS}

    def reap(self):
        while not self.over.wait(0.2):
            with self.lock:
                for lease in self.leases.values():
                    if lease.get("key") and lease["end"] < time.monotonic():
                        self.keeper.iam.delete_access_key(UserName=lease["user"], AccessKeyId=lease.pop("key"))

    def stop(self):
        self.over.set()
        self.reaper.join()
        self.shutdown()


class Responses(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/v1/auth/token/lookup-self":
            return self.respond({"data": {"ttl": 0, "renewable": False}})
        return self.respond(self.server.make() if self.path == "/v1/aws/creds/deploy" else None)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        is_renewal = self.path == "/v1/sys/leases/renew"
        return self.respond(self.server.renew(body["lease_id"]) if is_renewal else None)

    def respond(self, body):
        if self.headers.get("x-vault-token") != self.server.TOKEN:
            status, body = 403, {"errors": ["permission denied"]}
        else:
            status, body = (200, body) if body else (400, {"errors": ["no"]})
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def test_leased_keys_sign_and_are_replaced_ahead_of_their_end(scratch, keeper, stopping):
    """Moto no longer knows a key whose lease has ended: not one request meets that."""
    vault = Vault(keeper)
    secrets_seen.add(vault.TOKEN)
    auth = {"method": "access-key", "credentials": "vault-aws:aws/creds/deploy"}
    connection = {"service": "sts", "region": REGION, "endpoint": keeper.server.url, "auth": auth}
    assets = {"vault": {"address": f"http://127.0.0.1:{vault.server_port}", "timeout": "5s",
                        "auth": {"method": "token", "token": "env:VAULT_TOKEN"}}}
    proxy = Proxy(scratch, "stores-leased", {"leased-sts": connection}, {"VAULT_TOKEN": vault.TOKEN}, assets=assets,
                  sts={"endpoint": keeper.server.url})
    stopping.append(proxy)
    seen, end = [], time.monotonic() + 36
    while time.monotonic() < end:
        seen.append(unsigned(proxy, "leased", "sts").get_caller_identity()["Arn"])
        time.sleep(0.1)
    vault.stop()
    users = sorted(set(seen))
    assert users == [f"arn:aws:iam::{ACCOUNT}:user/vault-deploy-{number}" for number in range(len(users))]
    assert len(users) >= 3 and vault.renewed >= 2
    assert len(vault.leases) <= len(users) + 1, "sets were made and never used"


def test_a_store_that_is_down_leaves_the_last_keys_working_and_is_seen(scratch, keeper, kept, store, stopping):
    """The last test: it stops moto."""
    proxy = start(scratch, "stores-down", keeper, store, "ssm:/prod/plain")
    stopping.append(proxy)
    admin = f"http://127.0.0.1:{proxy.admin_port}"

    def state():
        ready = json.loads(urllib.request.urlopen(f"{admin}/readyz").read())["connections"]["store"]
        metrics = urllib.request.urlopen(f"{admin}/metrics").read().decode()
        line = 'signing_proxy_credential_asset_stale_seconds{connection="store"} '
        return ready["assets"]["state"], int(metrics.split(line)[1].split("\n")[0])

    assert listing(proxy, "/@store") == (200, None)
    assert state() == ("as-read", 0)
    keeper.server.stop()
    end, seen = time.monotonic() + 15, []
    while time.monotonic() < end:
        seen.append(listing(proxy, "/@store"))
        time.sleep(0.1)
    assert set(seen) == {(200, None)}
    name, seconds = state()
    assert name == "last-known" and 5 <= seconds <= 60
    assert "serving its stale value" in proxy.log.read_text()


def test_no_log_holds_a_secret_of_the_stores():
    logs = sorted(LOGS.glob("proxy-*-stores-*.log"))
    assert len(logs) > 8
    assert [line for log in logs for line in secrets_seen.leaks(log)] == []
