"""moto in this process, which keeps what each request made it do: the operation that it dispatched, and on what."""

import logging
import threading

from moto.core.responses import BaseResponse
from moto.dynamodb.models import DynamoDBBackend
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.s3.models import S3Backend

# A header that passes the proxy unsigned and says which request of the test it is.
PROBE = "X-Probe"


class Moto:
    """By probe: (service, operation or action, parameters) of each dispatch, the keys of S3 that were deleted or copied, and
    the tables that were looked up."""

    def __init__(self, port):
        self.dispatched, self.touched, self.tables = {}, {}, {}
        self.current = threading.local()
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        self._patch()
        self.server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
        self.server.start()

    def stop(self):
        self.server.stop()
        for owner, name, original in self.patched:
            setattr(owner, name, original)

    def _note(self, response, service, action, parameters):
        probe = response.headers.get(PROBE)
        self.current.probe = probe
        if action is None:
            # It found none, and rejects the request.
            return
        self.dispatched.setdefault(probe, []).append((service, action, parameters))

    def _patch(self):
        moto = self
        self.patched = []

        def patch(owner, name, before):
            original = getattr(owner, name)

            def replacement(this, *arguments, **named):
                before(this, *arguments, **named)
                return original(this, *arguments, **named)

            self.patched.append((owner, name, original))
            setattr(owner, name, replacement)

        def query_or_json(response):
            body = response.body if isinstance(response.body, dict) else {}
            parameters = body or {name: values[0] for name, values in response.querystring.items()}
            moto._note(response, response.boto3_service_name, response._get_action(), dict(parameters))

        def s3(response, bucket_name=None, key_name=None, **_):
            moto._note(response, "s3", response.data.get("Action"), {"bucket": bucket_name, "key": key_name})

        def look_up(_, name):
            moto.tables.setdefault(moto.current.probe, set()).add(name.rpartition("table/")[2])

        def touch(how):
            def note(_, first, *more, **named):
                where = {
                    "delete": lambda: (first, more[0]),
                    "copy": lambda: (named.get("dest_bucket_name") or more[0], named.get("dest_key_name") or more[1]),
                }[how]()
                moto.touched.setdefault(moto.current.probe, []).append((how, *where))
                if how == "copy":
                    moto.touched[moto.current.probe].append(("copied", first.bucket_name, first.name))

            return note

        patch(BaseResponse, "call_action", query_or_json)
        patch(BaseResponse, "_authenticate_and_authorize_s3_action", s3)
        patch(S3Backend, "delete_object", touch("delete"))
        patch(S3Backend, "copy_object", touch("copy"))
        patch(DynamoDBBackend, "get_table", look_up)
