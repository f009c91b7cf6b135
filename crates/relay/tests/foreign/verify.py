# Verifies deliveries with the library of another author: `standardwebhooks` from the Python package index.
# Reads one JSON object a line, {"secrets": [...], "headers": {...}, "body": "..."}, and says "verified N" at the end.
import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def refuses(webhook, body, headers):
    try:
        webhook.verify(body, headers)
    except WebhookVerificationError:
        return True
    return False


verified = 0
for line in sys.stdin:
    one = json.loads(line)
    for secret in one["secrets"]:
        webhook = Webhook(secret)
        event = webhook.verify(one["body"], one["headers"])
        assert event["specversion"] == "1.0" and event["id"] == one["headers"]["webhook-id"]
        assert refuses(webhook, one["body"] + " ", one["headers"]), "a changed body was taken"
        other = dict(one["headers"], **{"webhook-id": "another"})
        assert refuses(webhook, one["body"], other), "a changed id was taken"
        verified += 1
    stranger = Webhook("whsec_" + "AAAA" * 8)
    assert refuses(stranger, one["body"], one["headers"]), "a strange secret was taken"
print("verified", verified)
