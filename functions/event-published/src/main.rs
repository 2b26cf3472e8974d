//! Lambda: consumes `eventzr.event.published.v1`.

use contract::Topic;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    intake::serve(Topic::EventPublished, event_published::describe).await
}
