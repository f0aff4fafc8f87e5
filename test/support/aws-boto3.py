"""Calls @connections by boto3: a line of JSON on stdin asks, a line on stdout answers."""
import base64
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, region, key_id, secret, token = sys.argv[1:6]
client = boto3.client(
    "apigatewaymanagementapi",
    endpoint_url=endpoint,
    region_name=region,
    aws_access_key_id=key_id,
    aws_secret_access_key=secret,
    aws_session_token=token or None,
    config=Config(retries={"total_max_attempts": 1}),
)
for line in sys.stdin:
    asked = json.loads(line)
    arguments = {"ConnectionId": asked["id"]}
    if "data" in asked:
        arguments["Data"] = base64.b64decode(asked["data"])
    try:
        answer = getattr(client, asked["call"])(**arguments)
        metadata = answer.pop("ResponseMetadata")
        told = {"status": metadata["HTTPStatusCode"], "error": None, "connection": answer}
    except ClientError as error:
        metadata = error.response["ResponseMetadata"]
        told = {"status": metadata["HTTPStatusCode"], "error": error.response["Error"]["Code"]}
    print(json.dumps(told, default=str), flush=True)
