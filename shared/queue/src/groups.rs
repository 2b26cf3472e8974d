//! Groups: which messages are sent in one call.

use std::iter;

use crate::Outgoing;

/// The most messages of one call, by SQS's own limit.
pub const MOST_AT_ONCE: usize = 10;

/// The most bytes of the messages of one call. SQS took 262,144 bytes in one call for years, and
/// takes 1 MiB since August 2025.
const MOST_BYTES: usize = 256_000;

/// Puts `outgoing` into groups for [`send`](crate::RenderQueue::send), without changing the order:
/// each message joins the group of the one before, unless that would be more than ten or more than
/// 256,000 bytes. A message that is too large by itself is a group by itself.
#[must_use]
pub fn groups(outgoing: Vec<Outgoing>) -> Vec<Vec<Outgoing>> {
    let mut waiting = outgoing.into_iter().peekable();
    let mut groups = Vec::new();
    while waiting.peek().is_some() {
        let (mut count, mut bytes) = (0, 0);
        let next = || {
            waiting.next_if(|one| {
                count += 1;
                bytes += size(one);
                count == 1 || count <= MOST_AT_ONCE && bytes <= MOST_BYTES
            })
        };
        groups.push(iter::from_fn(next).collect());
    }
    groups
}

/// The bytes of a message as SQS counts them: its body's. The group and the id of the entry are not
/// counted; there is room for them.
fn size(one: &Outgoing) -> usize {
    one.message.to_json().len()
}

#[cfg(test)]
mod tests;
