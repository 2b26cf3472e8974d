"""Prints the token that AWS's own signer for Python makes at a given moment: the Rust one is held to it (src/authentication/tests.rs).

Usage: official_msk_token.py REGION ACCESS_KEY_ID SECRET SESSION_TOKEN|- 20261127T090000Z
"""

import datetime
import sys

import botocore.auth
import botocore.credentials
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider

region, key, secret, session, moment = sys.argv[1:]


class Given(botocore.credentials.CredentialProvider):
    def load(self):
        return botocore.credentials.Credentials(key, secret, None if session == "-" else session)


now = datetime.datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
botocore.auth.get_current_datetime = lambda *_, **__: now
token, expires = MSKAuthTokenProvider.generate_auth_token_from_credentials_provider(region, Given())
print(token, expires)
