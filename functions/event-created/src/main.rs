//! Lambda: consumes `eventzr.event.created.v1`.

use contract::Topic;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    intake::serve(Topic::EventCreated, event_created::describe).await
}
