//! Marks of records that an operator sets aside: a record that stops its partition becomes a dead
//! letter instead, and the partition goes on. A consumer looks for the mark of a record only once it
//! could not handle it, so that a batch without trouble costs no read.

use aws_sdk_dynamodb::types::AttributeValue;
use contract::{Time, Topic};

use crate::{
    Store, StoreError,
    items::{self, Key, text},
};

impl Store {
    /// Marks a record, because of `why`. Doing it again is the same.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn set_aside(
        &self,
        (topic, partition, offset): (Topic, i32, i64),
        why: &str,
        now: Time,
    ) -> Result<(), StoreError> {
        let mut item = Key::set_aside(topic, partition, offset).into_item();
        item.insert("why".to_owned(), AttributeValue::S(why.to_owned()));
        item.insert("expires_at".to_owned(), items::expires_at(now));
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        put.send()
            .await
            .map_err(|error| StoreError::Write(error.into()))?;
        Ok(())
    }

    /// Why an operator set a record aside; `None` if none did.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn is_set_aside(
        &self,
        (topic, partition, offset): (Topic, i32, i64),
    ) -> Result<Option<String>, StoreError> {
        let mark = self.read(Key::set_aside(topic, partition, offset)).await?;
        let why = mark.as_ref().map(|mark| text(mark, "why")).transpose()?;
        Ok(why.map(str::to_owned))
    }
}
