"""What a request asks for, from its sent bytes, by readers that are not ours: botocore's models, and Python's own parsers."""

import json
import re
from urllib.parse import parse_qsl, unquote

import botocore.session

SESSION = botocore.session.Session()
MODELS = {service: SESSION.get_service_model(service) for service in ("s3", "ec2", "sts", "dynamodb")}


def form_of(message):
    """The parameters of a Query request: of its target, and of its body."""
    query = message.start[1].partition("?")[2]
    pairs = parse_qsl(query, keep_blank_values=True)
    pairs += parse_qsl(message.body.decode("latin-1"), keep_blank_values=True)
    return pairs


def operation_of(service, message):
    """The operation by botocore's model; None where the model has none for it."""
    if service == "s3":
        return s3_operation(message)
    if service == "dynamodb":
        targets = message.all("x-amz-target")
        return targets[0].rpartition(".")[2] if len(targets) == 1 else None
    actions = {value for name, value in form_of(message) if name == "Action"}
    return actions.pop() if len(actions) == 1 else None


def s3_operation(message):
    """The operation with the most of its own in the request: its query words, and the query and fields that it requires."""
    method, target = message.start
    path, _, query = target.partition("?")
    words = dict(parse_qsl(query, keep_blank_values=True))
    _, bucket, *key = path.split("/", 2)
    depth = 0 if not bucket else 2 if key and key[0] else 1
    found = []
    for name in MODELS["s3"].operation_names:
        operation = MODELS["s3"].operation_model(name)
        uri, _, static = operation.http["requestUri"].partition("?")
        if operation.http["method"] != method or len(re.findall(r"\{", uri)) != depth or operation.deprecated:
            continue
        wanted = dict(parse_qsl(static, keep_blank_values=True))
        if any(words.get(word) is None or (value and words[word] != value) for word, value in wanted.items()):
            continue
        shape = operation.input_shape
        required = [shape.members[member].serialization for member in shape.required_members] if shape else []
        places = [(place.get("location"), place.get("name", "")) for place in required]
        has = {
            "querystring": lambda word: word in words,
            "header": lambda field: message.first(field.lower()) is not None,
        }
        if all(has[location](word) for location, word in places if location in has):
            found.append((len(wanted) + sum(location in has for location, _ in places), name))
    return max(found)[1] if found else None


def bucket_and_key(message):
    """S3 in path style: the bucket, and the key or an empty text."""
    _, bucket, *key = message.start[1].partition("?")[0].split("/", 2)
    return unquote(bucket), unquote(key[0]) if key else ""


def json_of(message):
    """A JSON body; None where it is none."""
    try:
        return json.loads(message.body)
    except ValueError:
        return None
