"""The order of SQS's fair queues for the messages of a standard queue.

ministack gives messages in the order in which they were sent, so that one tenant's backlog makes
every other wait.

Leaves when ministack's standard queues are fair by `MessageGroupId`.
"""

import collections
import time


def apply():
    from ministack.services import sqs

    in_order = sqs._collect_msgs
    queues = collections.defaultdict(FairQueue)

    def fairly(queue, most, visibility):
        if queue["is_fifo"]:
            return in_order(queue, most, visibility)
        for message in queue["messages"]:
            sqs._ensure_msg_fields(message)
        fair, now = queues[queue["url"]], time.time()
        chosen = fair.choose(queue["messages"], most, now)
        given = in_order({**queue, "messages": chosen}, most, visibility)
        fair.gave(given, now)
        return given

    sqs._collect_msgs = fairly


class FairQueue:
    """Chooses the next messages of a queue as SQS's fair queues do. A tenant is a message group; a
    message without one is a tenant of its own.

    This is our reading of
    docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html:

    - A tenant is noisy if "the tenant accounts for more than 10% of in-flight messages in the queue
      and has at least 30 of its own messages in flight", or if "the tenant's recent share of total
      consumer processing time exceeds 10%". Recent is not explained; here it is five minutes.
    - Quiet tenants' messages are delivered first. Of several noisy tenants, the one with the fewest
      messages in flight comes first.
    - A tenant is quiet again if its backlog is consumed, or if it sent nothing for five minutes.

    AWS calls these thresholds approximate. Here they are exact, but for the end of a message's
    processing, which is noticed at the next receive.
    """

    SHARE = 0.1
    IN_FLIGHT = 30
    RECENT = 300

    def __init__(self):
        # The tenant and the time of each message that was given, by receipt handle.
        self.given = {}
        # Seconds of processing that have ended, by the second of their end and by tenant. The tenant
        # is None if it was quiet since.
        self.spent = collections.Counter()

    def choose(self, messages, most, now):
        """The messages to give next, at most `most`. `messages` has all of the queue's, oldest
        first."""
        visible = [message for message in messages if message["visible_at"] <= now]
        hidden = [m for m in messages if m["visible_at"] > now and m["receive_count"] > 0]
        self.settle({message["receipt_handle"] for message in hidden}, visible, now)
        in_flight = collections.Counter(map(tenant_of, hidden))
        noisy = self.noisy(in_flight, visible, now)
        chosen, backlogs = [], {}
        for message in visible:
            if tenant_of(message) in noisy:
                backlogs.setdefault(tenant_of(message), collections.deque()).append(message)
            elif len(chosen) < most:
                chosen.append(message)
        while backlogs and len(chosen) < most:
            tenant = min(backlogs, key=lambda tenant: in_flight[tenant])
            chosen.append(backlogs[tenant].popleft())
            in_flight[tenant] += 1
            if not backlogs[tenant]:
                del backlogs[tenant]
        return chosen

    def gave(self, messages, now):
        """Notes that messages were given."""
        for message in messages:
            self.given[message["receipt_handle"]] = (tenant_of(message), now)

    def settle(self, hidden, visible, now):
        """Notes which messages are processed no more, and forgets what is not recent."""
        for handle in self.given.keys() - hidden:
            tenant, since = self.given.pop(handle)
            self.spent[int(now), tenant] += now - since
        backlog = {tenant_of(message) for message in visible}
        spent = collections.Counter()
        for (at, tenant), seconds in self.spent.items():
            if at > now - self.RECENT:
                spent[at, tenant if tenant in backlog else None] += seconds
        self.spent = spent

    def noisy(self, in_flight, visible, now):
        """The noisy tenants among those with visible messages."""
        time_of = collections.Counter()
        for (_, tenant), seconds in self.spent.items():
            time_of[tenant] += seconds
        for tenant, since in self.given.values():
            time_of[tenant] += now - since
        most_in_flight = self.SHARE * in_flight.total()
        most_time = self.SHARE * time_of.total()
        sent = {tenant_of(message): message["sent_at"] for message in visible}
        return {
            tenant
            for tenant, at in sent.items()
            if at > now - self.RECENT
            and (
                (in_flight[tenant] > most_in_flight and in_flight[tenant] >= self.IN_FLIGHT)
                or time_of[tenant] > most_time
            )
        }


def tenant_of(message):
    return message["group_id"] or message["id"]
