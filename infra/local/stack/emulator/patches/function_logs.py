"""The format of a function's log, as its `LoggingConfig` asks for it:
docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html

Lambda tells a function the format and the level in two variables. ministack keeps the setting and
tells the function nothing, so a function with `LogFormat: JSON` would write text. The lines of
Lambda itself (`START`, `END`, `REPORT`) stay text here.

Leaves when ministack sets AWS_LAMBDA_LOG_FORMAT and AWS_LAMBDA_LOG_LEVEL.
"""


def apply():
    from ministack.services import lambda_svc

    made = lambda_svc._provided_worker_env

    def with_format(config, *others):
        return {**made(config, *others), **variables(config.get("LoggingConfig") or {})}

    lambda_svc._provided_worker_env = with_format


def variables(logging):
    """What Lambda sets for a `LoggingConfig`. Without JSON it sets neither."""
    if logging.get("LogFormat") != "JSON":
        return {}
    level = logging.get("ApplicationLogLevel") or "INFO"
    return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": level}
