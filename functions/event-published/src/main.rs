//! Lambda: consumes `eventzr.event.published.v1`.

use events::Topic;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    intake::serve(Topic::EventPublished, event_published::describe).await
}
