//! Reads objects that a tenant names: a logo, a voice's recordings.

use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use contract::{Identifier, NotItsOwn, S3Object};

use crate::App;

/// The request for `object`, if it is `tenant`'s own and in one of `buckets`.
pub(crate) fn get(
    app: &App,
    buckets: &[String],
    tenant: &Identifier,
    object: &S3Object,
) -> Result<GetObjectFluentBuilder, NotItsOwn> {
    let files = &app.config.tenant_files;
    files.check(buckets, tenant, object)?;
    let get = app.s3.get_object();
    let get = get.bucket(object.bucket()).key(object.key());
    Ok(get.expected_bucket_owner(&files.owner))
}
