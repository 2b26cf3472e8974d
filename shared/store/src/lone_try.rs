//! The lone try: a job of whose messages the function died again and again is drawn once more, with
//! nothing beside it. The note of that is written before, so that a function which could not even
//! start has tried nothing.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::{JobId, WorkId};

use crate::{Key, Store, StoreError};

impl Store {
    /// Notes that `job` is about to be drawn by itself, for the message with the id `message`, which
    /// was received `receives` times. Returns whether that was noted at an earlier receive of the
    /// same message: then the function died of it.
    ///
    /// # Errors
    /// A [`StoreError`]; the note may stand nevertheless.
    pub async fn note_lone_try(
        &self,
        job: JobId,
        message: &str,
        receives: u32,
    ) -> Result<bool, StoreError> {
        let note = note(message, receives);
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::work(WorkId::Job(job)).into_item()))
            .update_expression("SET lone_try = :note")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":note", AttributeValue::S(note.clone()))
            .return_values(ReturnValue::UpdatedOld);
        let updated = update.send().await;
        let updated = updated.map_err(|error| self.unwritten(error))?;
        let before = updated.attributes.unwrap_or_default();
        let before = before.get("lone_try").and_then(|note| note.as_s().ok());
        Ok(before.is_some_and(|before| is_earlier(before, &note, message)))
    }
}

fn note(message: &str, receives: u32) -> String {
    format!("{message}/{receives}")
}

/// Whether the note that stood there is of the same message, and not `note` itself: the SDK repeats
/// a call whose answer it did not get.
fn is_earlier(before: &str, note: &str, message: &str) -> bool {
    let is_same_message = before
        .rsplit_once('/')
        .is_some_and(|(noted, _)| noted == message);
    is_same_message && before != note
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_earlier_receive_of_the_same_message_was_a_try_of_it() {
        let now = note("a", 7);
        for (before, is_tried) in [
            (note("a", 6), true),
            (note("a", 7), false),
            (note("b", 6), false),
            ("a".to_owned(), false),
        ] {
            assert_eq!(is_earlier(&before, &now, "a"), is_tried, "{before}");
        }
    }
}
