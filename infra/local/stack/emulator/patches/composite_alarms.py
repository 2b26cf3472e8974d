"""Composite alarms in a template.

ministack has them by CloudWatch's API, and knows no such resource of CloudFormation.

Leaves when ministack's CloudFormation has `AWS::CloudWatch::CompositeAlarm`.
"""

TYPE = "AWS::CloudWatch::CompositeAlarm"


def apply():
    from ministack.services import cloudwatch
    from ministack.services.cloudformation import provisioners

    def put(properties):
        status, _, body = cloudwatch._put_composite_alarm({}, properties, False, is_json=True)
        if status != 200:
            raise ValueError(f"{TYPE}: {body}")
        return properties["AlarmName"], {}

    def delete(name, _properties):
        cloudwatch._composite_alarms.pop(name, None)

    provisioners._RESOURCE_HANDLERS[TYPE] = {
        "create": lambda _id, properties, _stack: put(properties),
        "update": lambda _name, _before, properties, _stack: put(properties),
        "delete": delete,
    }
