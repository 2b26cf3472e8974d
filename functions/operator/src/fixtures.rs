//! What several tests begin with.

use dead_letters::DeadLetter;

/// A dead letter with this value and these headers.
pub(crate) fn record(value: &str, headers: &[(&str, &str)]) -> DeadLetter {
    let header =
        |(name, value): &(&str, &str)| ((*name).to_owned(), Some(value.as_bytes().to_vec()));
    DeadLetter {
        topic: "eventzr.event.created.v1".to_owned(),
        partition: 0,
        offset: 7,
        timestamp: None,
        key: Some(b"tenant-a".to_vec()),
        value: Some(value.as_bytes().to_vec()),
        headers: headers.iter().map(header).collect(),
        unread: None,
        cause: "its `data` is not an object".to_owned(),
    }
}
