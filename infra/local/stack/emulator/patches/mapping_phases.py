"""The time that a mapping takes to be created, enabled and disabled.

With ministack it is at once. On AWS it takes minutes, and the mapping tells it; here it takes as
many reads of the mapping as the file `mapping-reads` beside the socket says, and one without that
file. ministack also says that a mapping is enabled that a template makes disabled.

Leaves when ministack has a mapping be `Creating`, `Enabling` and `Disabling` for a time that a test
can set.
"""


def apply():
    from ministack.services import lambda_svc
    from ministack.services.cloudformation import provisioners

    of_stack = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
    create, update, told = of_stack["create"], lambda_svc._update_esm, lambda_svc._esm_response
    phases = {}

    def create_in_phases(*arguments):
        created = create(*arguments)
        mapping = lambda_svc._esms[created[0]]
        if str(mapping["Enabled"]).lower() == "false":
            mapping.update(Enabled=False, State="Disabled")
        phases[created[0]] = ("Creating", reads_of_a_phase())
        return created

    def update_in_phases(uuid, data):
        mapping = lambda_svc._esms.get(uuid, {})
        before = mapping.get("State")
        updated = update(uuid, data)
        if mapping.get("State") == before:
            return updated
        phase = "Enabling" if data["Enabled"] else "Disabling"
        phases[uuid] = (phase, reads_of_a_phase())
        return lambda_svc.json_response({**told(mapping), "State": phase})

    def told_in_phases(mapping):
        phase, reads = phases.pop(mapping["UUID"], (None, 0))
        if not reads:
            return told(mapping)
        phases[mapping["UUID"]] = (phase, reads - 1)
        return {**told(mapping), "State": phase}

    of_stack["create"] = create_in_phases
    lambda_svc._update_esm = update_in_phases
    lambda_svc._esm_response = told_in_phases


def reads_of_a_phase():
    try:
        with open("mapping-reads") as file:
            return int(file.read())
    except FileNotFoundError:
        return 1
