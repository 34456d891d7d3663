#!/usr/bin/env python3
"""Calls every operation of a running demo with generated input, once as a merchant and once as its provider.

    .ci/fuzz.py <schemathesis> <demo.json> <seconds per caller>

Red when an answer is a 5xx, has a status, a media type or a shape that the API's own document does not name, or shows
something of another merchant; and when the calls did not get anywhere, so that nothing was tested.
"""

import base64
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
]
# They end the session that the calls are made with.
EXCLUDED = ["log_out", "end_session"]
SEED = 20261121
FEWEST_ANSWERS = 300
ENVIRONMENT = {**os.environ, "SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": str(pathlib.Path(__file__).resolve().parent)}


def ask(base, path, token=None, body=None):
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(base + path, data, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def log_in(demo, email):
    person = next(entry for entry in demo["logins"] if entry["email"] == email)
    body = {"email": person["email"], "password": person["password"]}
    return ask(demo["base_url"], "/api/v1/auth/login", body=body)["access_token"]


def first(demo, role, skip=0):
    return [entry["email"] for entry in demo["logins"] if entry["role"] == role][skip]


def others(demo):
    """Ids of rows of another merchant; none of them may be shown."""
    base, token = demo["base_url"], log_in(demo, first(demo, "merchant_owner", 1))
    found = [ask(base, "/api/v1/me", token)["tenant"]["id"]]
    for path in ["products", "orders", "channel_accounts", "listings", "invoices", "shops"]:
        items = ask(base, f"/api/v1/{path}?limit=20", token)["items"]
        found += [item["id"] for item in items]
    return found


def bodies(report):
    for line in report.open():
        scenario = json.loads(line).get("ScenarioFinished")
        for call in (scenario or {}).get("recorder", {}).get("interactions", {}).values():
            answer = call.get("response") or {}
            content = (answer.get("content") or {}).get("$base64", "")
            raw = base64.b64decode(content)
            if raw[:2] == b"\x1f\x8b":
                raw = gzip.decompress(raw)
            yield call["request"], answer.get("status_code"), raw.decode("utf-8", "replace")


def fuzz(schemathesis, base, email, token, seconds, forbidden):
    with tempfile.TemporaryDirectory() as directory:
        command = [schemathesis, "run", f"{base}/api/openapi.json"]
        command += ["-H", f"Authorization: Bearer {token}", "-c", ",".join(CHECKS)]
        command += ["--phases", "coverage,fuzzing", "-n", "10", "--seed", str(SEED), "--max-time", str(seconds)]
        command += ["--request-timeout", "20", "--no-shrink", "--suppress-health-check", "all", "--warnings", "off"]
        command += ["--max-failures", "20", "--report", "ndjson", "--report-dir", directory]
        for operation in EXCLUDED:
            command += ["--exclude-operation-id", operation]
        outcome = subprocess.run(command, text=True, capture_output=True, env=ENVIRONMENT)
        if outcome.returncode != 0:
            print(outcome.stdout[-20_000:], outcome.stderr[-4_000:])
            return [f"as {email}: see above"]
        counts, wrong = {}, []
        for request, status, body in bodies(next(pathlib.Path(directory).glob("*.ndjson"))):
            counts[status] = counts.get(status, 0) + 1
            wrong += [f"{request['method']} {request['uri']} shows {row}" for row in forbidden if row in body]
        good = sum(count for status, count in counts.items() if status and status < 300)
        print(f"{email}: {sum(counts.values())} calls, {good} of them carried out; {dict(sorted(counts.items()))}")
        if good < FEWEST_ANSWERS:
            wrong.append(f"as {email}: only {good} calls were carried out")
        ask(base, "/api/v1/me", token)
        return wrong[:20]


def main():
    schemathesis, demo, seconds = sys.argv[1], json.load(open(sys.argv[2])), int(sys.argv[3])
    merchant, provider = first(demo, "merchant_owner"), first(demo, "provider_owner")
    forbidden = others(demo)
    # Everybody logs in before the first call: generated log-ins use up what one address may try.
    callers = [(merchant, log_in(demo, merchant), forbidden), (provider, log_in(demo, provider), [])]
    wrong = []
    for email, token, hidden in callers:
        wrong += fuzz(schemathesis, demo["base_url"], email, token, seconds, hidden)
    if wrong:
        print("\n".join(wrong))
        sys.exit(1)


main()
