"""Prints the body of an approval that is signed with two components at a time: signed.py TIME"""

import datetime
import json
import sys

AT = datetime.datetime.fromisoformat(sys.argv[1].replace("Z", "+00:00"))
print(json.dumps({"signature": {"meaning": "APPROVAL", "signedAtUs": str(int(AT.timestamp()) * 1_000_000),
                                "components": ["KEY", "PASSPHRASE"], "sessionId": "AAECAwQFBgcICQoLDA0ODw==",
                                "ordinal": 1}}))
