//! The faults that a record's JSON can have.

/// The fault in a record's JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("the record's `{0}` is not Base64 text")]
    Base64(&'static str),
    #[error("the record's `headers` are not a list of names with lists of bytes")]
    Headers,
    #[error("the header `{name}` holds {value}, which is not a byte")]
    Byte { name: String, value: i64 },
}
