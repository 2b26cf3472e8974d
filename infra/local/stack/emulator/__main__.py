"""Starts ministack for one local stack: on a Unix socket, with credentials of this stack alone.

By itself ministack listens on TCP, where every user of the machine, and every page that is open in
a browser on it, could act as the developer. The crate's emulator.rs runs this folder; the fault
proxy is the only way to the socket. The folder `patches` has what ministack does otherwise than
AWS.

    AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… ALARMS_EVERY=60 python -P -B emulator SOCKET

The first two variables are the root's credentials. The third is how often alarms are evaluated, in
seconds. With `COUNTS_AS_TLS=true` a policy that demands TLS lets requests in.
"""

import asyncio
import os
import resource
import sys

from patches import (
    alarms,
    batch_actions,
    composite_alarms,
    credentials,
    embedded_metrics,
    fair_queues,
    function_logs,
    leading_keys,
    mapping_phases,
    mapping_results,
    mapping_rights,
    metric_math,
    projected_attributes,
    queue_mappings,
    rolled_back_stacks,
    runtime_apis,
    secure_transport,
    service_metrics,
    task_parameters,
    throttled_tasks,
)


def main(path):
    # Taken out of the environment, which the functions inherit. ministack also does not check the
    # signatures of a key that it finds there.
    credentials.apply(os.environ.pop("AWS_ACCESS_KEY_ID"), os.environ.pop("AWS_SECRET_ACCESS_KEY"))
    projected_attributes.apply()
    leading_keys.apply()
    batch_actions.apply()
    queue_mappings.apply()
    fair_queues.apply()
    function_logs.apply()
    embedded_metrics.apply()
    service_metrics.apply()
    metric_math.apply()
    composite_alarms.apply()
    mapping_rights.apply()
    alarms.apply(float(os.environ.pop("ALARMS_EVERY", "60")), service_metrics.sample)
    rolled_back_stacks.apply()
    mapping_phases.apply()
    mapping_results.apply()
    task_parameters.apply()
    throttled_tasks.apply()
    runtime_apis.apply()
    if os.environ.pop("COUNTS_AS_TLS", "false") == "true":
        secure_transport.apply()
    serve(path)


def serve(path):
    # A burst of connections needs more than the usual 1,024 files.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app

    config = Config()
    config.bind = [f"unix:{path}"]
    config.keep_alive_timeout = 75
    config.backlog = 4096
    config.loglevel = app.LOG_LEVEL
    asyncio.run(serve(app.app, config))


if __name__ == "__main__":
    main(sys.argv[1])
