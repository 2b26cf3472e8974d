"""Credentials that nobody else can know, for one local stack.

ministack takes a request without a signature, or with a key that everybody knows, for one of the
account's root, checks no signature of a key that is in its environment, and derives a role's
credentials from the ARN of its function. So every user of the machine could act as the developer.

Leaves when ministack can be given the root's key, checks its signatures, and makes all other
credentials at random.
"""

import hashlib
import hmac
import secrets


def apply(root, root_secret):
    """Makes the stack's root, and has every other key end as the root's does: the fault proxy, the
    only way to the emulator, forwards nothing else.
    """
    from ministack.core import lambda_runtime
    from ministack.services import iam

    ending = root[-32:]
    made, made_for_session = iam._gen_access_key_id, iam._gen_session_access_key
    iam._gen_access_key_id = lambda: made() + ending
    iam._gen_session_access_key = lambda: made_for_session() + ending
    seed = secrets.token_bytes(32)
    # Before any other module takes the names above and this one over.
    lambda_runtime.execution_credentials = lambda config: of_role(config, seed, ending)

    from ministack.services import sts

    account = "000000000000"
    session = {"Arn": f"arn:aws:iam::{account}:root", "UserId": account, "PrincipalType": "Root"}
    sts.register_session(root, {**session, "SecretAccessKey": root_secret})


def of_role(config, seed, ending):
    """The credentials of a function's role: those that ministack makes, but of a secret seed."""
    from ministack.core.lambda_runtime import _account_region_from_function_config
    from ministack.services import sts

    account, _ = _account_region_from_function_config(config)
    role = config.get("Role", "")
    name, role_name = config.get("FunctionName", "function")[:64], role.rsplit("/", 1)[-1]

    def derived(what):
        of = f"{what}:{config.get('FunctionArn', '')}:{role}"
        return hmac.new(seed, of.encode(), hashlib.sha256).hexdigest()

    key = "ASIA" + derived("key")[:16].upper() + ending
    secret, token = derived("secret"), derived("token")
    sts.register_session(key, {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{name}",
        "UserId": f"{role_name}:{name}",
        "SecretAccessKey": secret,
        "SessionToken": token,
    })
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}
