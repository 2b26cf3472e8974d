"""What infra/local/stack/emulator makes of ministack's queues: `make emulated`. It needs no
network.
"""

import asyncio
import time
import unittest

import launcher  # noqa: F401
from patches import batch_actions, fair_queues, queue_mappings


class Queue:
    """The messages of a queue, and the order in which it gives them."""

    def __init__(self):
        self.fair = fair_queues.FairQueue()
        self.messages = []
        self.now = 1_000_000.0

    def send(self, group, count=1):
        for _ in range(count):
            number = len(self.messages)
            message = {"id": f"id-{number}", "group_id": group, "receipt_handle": None}
            message |= {"sent_at": self.now, "visible_at": self.now, "receive_count": 0}
            self.messages.append(message)

    def receive(self, most=10):
        """Receives messages, and returns their groups."""
        given = self.fair.choose(self.messages, most, self.now)
        for message in given:
            message["receive_count"] += 1
            message["receipt_handle"] = f"{message['id']} {message['receive_count']}"
            message["visible_at"] = self.now + 900
        self.fair.gave(given, self.now)
        return [message["group_id"] for message in given]

    def done(self):
        """Deletes what is in flight."""
        self.messages = [m for m in self.messages if m["visible_at"] <= self.now]

    def works(self, seconds):
        """Receives a batch, and deletes it after some seconds."""
        groups = self.receive()
        self.now += seconds
        self.done()
        return groups


class FairOrder(unittest.TestCase):
    def test_a_quiet_tenant_goes_before_the_backlog_of_a_noisy_one(self):
        queue = Queue()
        queue.send("large", 5000)
        queue.send("small", 3)
        # At first the large tenant is not known as noisy.
        self.assertEqual(queue.works(1), ["large"] * 10)
        self.assertEqual(queue.works(1), ["small"] * 3 + ["large"] * 7)

    def test_messages_without_a_group_wait_behind_those_before_them(self):
        queue = Queue()
        queue.send(None, 50)
        queue.send("small", 3)
        for _ in range(5):
            self.assertEqual(queue.works(1), [None] * 10)
        self.assertEqual(queue.works(1), ["small"] * 3)

    def test_thirty_in_flight_make_a_tenant_noisy_and_fewer_do_not(self):
        for in_flight, is_noisy in [(29, False), (30, True)]:
            queue = Queue()
            queue.send("large", in_flight + 5)
            queue.receive(most=in_flight)
            queue.send("small")
            first = queue.receive(most=1)
            self.assertEqual(first, ["small"] if is_noisy else ["large"])

    def test_a_tenth_of_what_is_in_flight_does_not_make_a_tenant_noisy(self):
        queue = Queue()
        # As many are in flight of each of eleven tenants, and no time was spent.
        tenants = [f"tenant-{number}" for number in range(11)]
        for tenant in tenants:
            queue.send(tenant, 40)
        queue.receive(most=440)
        queue.send("tenant-0")
        queue.send("small")
        self.assertEqual(queue.receive(most=1), ["tenant-0"])

    def test_slow_messages_make_a_tenant_noisy_although_they_are_few(self):
        queue = Queue()
        queue.send("slow", 20)
        queue.send("quick", 20)
        self.assertEqual(queue.works(60), ["slow"] * 10)
        self.assertEqual(queue.receive(), ["quick"] * 10)

    def test_of_two_noisy_tenants_the_one_with_fewer_in_flight_goes_first(self):
        queue = Queue()
        queue.send("one", 100)
        queue.receive(most=60)
        queue.send("other", 100)
        queue.receive(most=35)
        queue.now += 1
        # Both are noisy: 60 and 35 are in flight.
        self.assertEqual(queue.receive(most=30), ["other"] * 25 + ["one", "other"] * 2 + ["one"])

    def test_a_tenant_is_quiet_again_once_its_backlog_is_consumed(self):
        queue = Queue()
        queue.send("large", 10)
        self.assertEqual(queue.works(60), ["large"] * 10)
        queue.receive()
        queue.send("large")
        queue.send("small")
        self.assertEqual(queue.receive(), ["large", "small"])

    def test_a_tenant_that_sent_nothing_for_five_minutes_is_quiet_again(self):
        queue = Queue()
        queue.send("large", 30)
        queue.works(60)
        queue.now += 299
        queue.send("small")
        self.assertEqual(queue.receive(most=2), ["large", "large"])


class Patched(unittest.TestCase):
    """ministack with the changes, called as its own server does."""

    @classmethod
    def setUpClass(cls):
        batch_actions.apply()
        queue_mappings.apply()
        fair_queues.apply()

    def test_the_batch_operations_are_authorized_by_the_single_actions(self):
        from ministack.core.iam_actions import extract_iam_action

        def action(operation):
            headers = {"x-amz-target": f"AmazonSQS.{operation}"}
            return extract_iam_action("sqs", "POST", "/", headers, b"{}", {})

        self.assertEqual(action("SendMessageBatch"), "sqs:SendMessage")
        self.assertEqual(action("DeleteMessageBatch"), "sqs:DeleteMessage")
        self.assertEqual(action("ChangeMessageVisibilityBatch"), "sqs:ChangeMessageVisibility")
        self.assertEqual(action("GetQueueAttributes"), "sqs:GetQueueAttributes")

    def test_ministack_polls_no_queue_and_tells_the_concurrency_as_a_number(self):
        from ministack.services import lambda_svc

        self.assertFalse(lambda_svc._poll_sqs())
        mapping = {"UUID": "id", "ScalingConfig": {"MaximumConcurrency": "26"}}
        told = lambda_svc._esm_response(mapping)
        self.assertEqual(told["ScalingConfig"], {"MaximumConcurrency": 26})
        self.assertEqual(mapping["ScalingConfig"], {"MaximumConcurrency": "26"})

    def test_a_received_message_of_a_small_tenant_overtakes_a_large_ones_backlog(self):
        from ministack.services import sqs

        def call(operation, **data):
            result = sqs._HANDLERS[operation](data, data.get("QueueUrl", ""))
            return asyncio.run(result) if asyncio.iscoroutine(result) else result

        url = call("CreateQueue", QueueName=f"queue-{time.time_ns()}")["QueueUrl"]
        for group in ["large"] * 30 + ["small"]:
            call("SendMessage", QueueUrl=url, MessageBody=group, MessageGroupId=group)

        def received():
            some = call("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10)
            return [message["Body"] for message in some["Messages"]]

        self.assertEqual(received(), ["large"] * 10)
        time.sleep(0.01)
        self.assertEqual(received(), ["small"] + ["large"] * 9)


if __name__ == "__main__":
    unittest.main()
