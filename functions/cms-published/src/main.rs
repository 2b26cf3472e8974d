//! Lambda: consumes `eventzr.cms.published.v1`.

use events::Topic;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    intake::serve(Topic::CmsPublished, cms_published::describe).await
}
