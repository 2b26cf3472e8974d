//! The event that the function gets, as the page describes it
//! (docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, "Example standard queue message event").

use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use base64_simd::STANDARD;
use serde_json::{Map, Value, json};

/// The event with a record for each message, as JSON.
pub(crate) fn event(messages: &[Message], queue_arn: &str) -> Vec<u8> {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| record(message, queue_arn))
        .collect();
    json!({ "Records": records }).to_string().into_bytes()
}

fn record(message: &Message, queue_arn: &str) -> Value {
    let system: Map<String, Value> = message
        .attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str().to_owned(), json!(value)))
        .collect();
    let own: Map<String, Value> = message
        .message_attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect();
    let mut record = json!({
        "messageId": message.message_id(),
        "receiptHandle": message.receipt_handle(),
        "body": message.body(),
        "attributes": system,
        "messageAttributes": own,
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(':').nth(3),
    });
    if let Some(hash) = message.md5_of_message_attributes() {
        record["md5OfMessageAttributes"] = json!(hash);
    }
    record
}

fn attribute(value: &MessageAttributeValue) -> Value {
    let mut told = json!({
        "dataType": value.data_type(),
        "stringListValues": [],
        "binaryListValues": [],
    });
    if let Some(text) = value.string_value() {
        told["stringValue"] = json!(text);
    }
    if let Some(bytes) = value.binary_value() {
        told["binaryValue"] = json!(STANDARD.encode_to_string(bytes));
    }
    told
}

/// How often a message was received, including this time. 1 if the queue does not say.
pub(crate) fn receives(message: &Message) -> u32 {
    let count = message
        .attributes()
        .and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::event::sqs::SqsEvent;

    use super::*;

    fn message() -> Message {
        Message::builder()
            .message_id("id-1")
            .receipt_handle("handle-1")
            .md5_of_body("md5")
            .body(r#"{"v":1}"#)
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, "3")
            .attributes(MessageSystemAttributeName::SentTimestamp, "1")
            .attributes(MessageSystemAttributeName::SenderId, "sender")
            .attributes(
                MessageSystemAttributeName::ApproximateFirstReceiveTimestamp,
                "2",
            )
            .attributes(MessageSystemAttributeName::MessageGroupId, "group")
            .build()
    }

    #[test]
    fn a_record_has_the_members_that_lambda_sends() {
        let event = event(&[message()], "arn:aws:sqs:ap-south-1:000000000000:queue");
        let event: Value = serde_json::from_slice(&event).unwrap();
        assert_eq!(
            event,
            json!({ "Records": [{
                "messageId": "id-1",
                "receiptHandle": "handle-1",
                "body": r#"{"v":1}"#,
                "attributes": {
                    "ApproximateReceiveCount": "3",
                    "SentTimestamp": "1",
                    "SenderId": "sender",
                    "ApproximateFirstReceiveTimestamp": "2",
                    "MessageGroupId": "group",
                },
                "messageAttributes": {},
                "md5OfBody": "md5",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:ap-south-1:000000000000:queue",
                "awsRegion": "ap-south-1",
            }] })
        );
        assert_eq!(receives(&message()), 3);
    }

    #[test]
    fn the_event_is_one_of_awss_own_type() {
        let attribute = |data_type: &str| MessageAttributeValue::builder().data_type(data_type);
        let text = attribute("String").string_value("value").build().unwrap();
        let bytes = attribute("Binary").binary_value(aws_sdk_sqs::primitives::Blob::new(b"ab"));
        let mut message = message();
        message.md5_of_message_attributes = Some("md5 of both".to_owned());
        message.message_attributes = Some(
            [
                ("text".to_owned(), text),
                ("bytes".to_owned(), bytes.build().unwrap()),
            ]
            .into(),
        );
        let event = event(&[message], "arn:aws:sqs:us-east-1:000000000000:queue");
        let read: SqsEvent = serde_json::from_slice(&event).unwrap();
        let told = serde_json::to_value(&read.records[0]).unwrap();
        assert_eq!(told["md5OfMessageAttributes"], "md5 of both");
        assert_eq!(told["messageAttributes"]["text"]["stringValue"], "value");
        assert_eq!(told["messageAttributes"]["bytes"]["binaryValue"], "YWI=");
        assert_eq!(read.records[0].attributes["MessageGroupId"], "group");
    }
}
