//! Show: one dead letter with its content.

use dead_letters::DeadLetter;
use operations::{RecordBytes, RecordContent, Shown};
use uuid::Uuid;

use crate::{Operator, list::entry_of, step::StepError};

/// The largest content in an answer, in bytes. Lambda's limit is 6 MB, and JSON escapes make the
/// answer longer than the content.
const LARGEST: usize = 2 * 1024 * 1024;

/// A record's entry, and its content if it still exists and is not too large.
pub(crate) async fn show(operator: &Operator, id: Uuid) -> Result<Shown, StepError> {
    let entry = operator
        .store
        .dead_letter_entry(id)
        .await?
        .ok_or(StepError::NoSuchRecord(id))?;
    let record = operator.dead_letters.record(&entry).await?;
    let object = entry
        .object
        .as_ref()
        .map(|key| format!("s3://{}/{key}", operator.dead_letters.bucket()));
    let content = record.filter(|record| size(record) <= LARGEST).map(content);
    Ok(Shown {
        entry: entry_of(entry),
        object,
        content,
    })
}

fn size(record: &DeadLetter) -> usize {
    let headers = record
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len));
    let parts = [
        record.key.as_ref().map(Vec::len),
        record.value.as_ref().map(Vec::len),
        record.unread.as_ref().map(String::len),
    ];
    headers.sum::<usize>() + parts.into_iter().flatten().sum::<usize>()
}

fn content(record: DeadLetter) -> RecordContent {
    RecordContent {
        timestamp: record.timestamp,
        key: record.key.map(bytes),
        headers: record
            .headers
            .into_iter()
            .map(|(name, value)| (name, value.map(bytes)))
            .collect(),
        value: record.value.map(bytes),
        unread: record.unread,
    }
}

fn bytes(bytes: Vec<u8>) -> RecordBytes {
    match String::from_utf8(bytes) {
        Ok(text) => RecordBytes::Text(text),
        Err(error) => RecordBytes::Base64(base64_simd::STANDARD.encode_to_string(error.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_as_text_or_base64() {
        assert_eq!(
            bytes("é".as_bytes().to_vec()),
            RecordBytes::Text("é".to_owned())
        );
        assert_eq!(bytes(vec![0xff, 0]), RecordBytes::Base64("/wA=".to_owned()));
    }
}
