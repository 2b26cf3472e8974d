//! Lambda: consumes `eventzr.cms.published.v1`.

use contract::Topic;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    intake::serve(Topic::CmsPublished, cms_published::describe).await
}
